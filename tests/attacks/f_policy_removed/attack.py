"""The policy is removed, its folder too, so that no policy is in force.

1. Eve deletes `.lfci/policy.toml` in one commit, all of `.lfci/` in another.
2. Even a maintainer's approval does not help: LFCI201; without one also LFCI206; without `.lfci/` no check
   is declared either, LFCI404.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "the policy is removed", expect=("LFCI201", "LFCI206"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({".lfci/policy.toml": None})
    scene.refused(eve, "main", eve.evidence("HEAD"))
    approvals = eve.approvals("HEAD", base)
    scene.refused(eve, "main", eve.evidence("HEAD"), *approvals, code="LFCI201")
    eve.start(base)
    eve.edit({".lfci/policy.toml": None, ".lfci/config.toml": None})
    scene.refused(eve, "main", code=("LFCI201", "LFCI206", "LFCI404"))
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
