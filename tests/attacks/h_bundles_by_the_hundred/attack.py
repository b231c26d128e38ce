"""Hundreds of bundles of nearly the largest size in one push: what is read of them is held in memory.

1. Eve delivers 260 attestations by a stranger of 250 KiB each: LFCI411.
2. As many of the usual size pass, and the fold drops what no key of the policy signed but for the first
   hundred.
"""

from lfci_gate.value import replace
from tests.attacks.kit import REPOSITORY, STRANGER, Attack, Scene
from tests.support.evidence import APPROVAL

ATTACK = Attack("H", "hundreds of large bundles", expect=("LFCI411",), gateless=False)


def mount(scene: Scene) -> None:
    scene.forge.repo.git("config", "lfci.timeBudget", "30")  # the bytes are bounded, not only the time
    eve = scene.eve
    large = replace(
        APPROVAL, repository=REPOSITORY, paths=tuple(f"p{number:04}" + "x" * 1000 for number in range(190))
    )
    specs = [eve.statement(replace(large, reviewer=f"r{number}"), STRANGER) for number in range(265)]
    scene.refused(eve, *specs)
    small = replace(APPROVAL, repository=REPOSITORY)
    scene.passes(
        eve, *(eve.statement(replace(small, reviewer=f"r{number}"), STRANGER) for number in range(120))
    )
    scene.target.settle(scene.forge.path)
    scene.holds(len(scene.forge.waiting()) <= 100, "the fold drops the rest")
    eve.edit()
    scene.refused(eve, "main", code="LFCI101")
    pushed = eve.push("origin", "main", eve.evidence("HEAD"))
    scene.holds(pushed.status == 0, "an honest push lands all the same")
