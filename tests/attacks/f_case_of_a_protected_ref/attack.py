"""Refs that are the protected one where case does not count: on some file systems the same file.

1. Eve pushes refs/heads/Main, refs/heads/MAIN, refs/heads/Release/1.
2. LFCI211 for each.
3. A name of her own passes.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "the protected name in another case", expect=("LFCI211",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for name in ("Main", "MAIN", "Release/1", "RELEASE/1"):
        scene.refused(eve, f"HEAD:refs/heads/{name}")
    scene.passes(eve, "HEAD:refs/heads/Mainly")
