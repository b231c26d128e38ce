"""Fifty pushers deliver twenty attestations each, at the same time, with folds running between them.

1. None is lost and none is there twice; every delivery is taken, at the latest when it is repeated.
   (Eight pushers with five in `make test`.)
"""

from functools import partial

from tests.attacks.kit import Attack, Failed, Scene
from tests.attacks.landings import named, noted

ATTACK = Attack("I", "50 x 20 attestations at once", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    forge.repo.git("config", "lfci.timeBudget", "60")  # so many wait for two cores
    before = noted(forge)
    eve.edit()
    pushers, each = len(scene.some(range(50), 8)), len(scene.some(range(20), 5))
    specs = [[eve.run(duration_ms=n * 100 + m) for m in range(each)] for n in range(pushers)]

    def deliver(mine: list[str]) -> bool:
        """Whether it was taken in the end. On a machine that is busy the gate may say that it had no time
        (it learns of a longer budget only from git), or a server drop somebody: one pushes again then."""
        for _ in range(5):
            pushed = eve.push("-q", "origin", *mine)
            if pushed.status == 0:
                return True
            if not scene.target.codes(pushed.output) <= {"LFCI503"}:
                raise Failed(pushed.output)
        return False

    scene.holds(all(scene.together(*(partial(deliver, mine) for mine in specs))), "a delivery was refused")
    scene.target.settle(forge.path)
    expected = {named(spec) for mine in specs for spec in mine}
    lost = expected - noted(forge)
    scene.holds(not lost, f"{len(lost)} of {len(expected)} are lost")
    scene.holds(noted(forge) - before == expected, "something is there that nobody delivered")
    scene.holds(not forge.waiting(), "nothing waits")
    scene.lands(eve, "main")
