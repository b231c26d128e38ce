"""Refs that a person or a script takes for the protected one, because its whole name is in theirs.

1. Eve pushes refs/heads/refs/heads/main, refs/heads/heads/main, refs/tags/refs/heads/main, refs/heads/HEAD.
2. LFCI211 for each.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a protected name within another name", expect=("LFCI211",))
NAMES = (
    "refs/heads/refs/heads/main",
    "refs/heads/heads/main",
    "refs/tags/refs/heads/main",
    "refs/tags/tags/v1",
    "refs/heads/HEAD",
    "refs/tags/HEAD",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for name in NAMES:
        scene.refused(eve, f"HEAD:{name}")
    scene.passes(eve, "HEAD:refs/heads/my/heads/main")
