"""1,001 ref updates in one push, and 1,000 deletions of refs that are not there.

1. Eve pushes 1,001 branches: LFCI411, before git is asked about each of them.
2. With protected ones among them as well.
3. Fifty pass.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("H", "1,001 ref updates", expect=("LFCI411",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, *(f"HEAD:refs/heads/t/{number}" for number in range(1001)))
    scene.refused(eve, "main", *(f"HEAD:refs/heads/t/{number}" for number in range(1000)))
    scene.passes(eve, *(f"HEAD:refs/heads/t/{number}" for number in range(50)))
