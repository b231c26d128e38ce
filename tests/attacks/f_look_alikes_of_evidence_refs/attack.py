"""Refs that some file system or some eye takes for the forge's own evidence refs.

1. Eve pushes refs/notes/LFCI, refs/LFCI/results, names with a joiner or full-width letters in them, and
   refs below refs/lfci/ that are no inbox refs.
2. LFCI209 for each.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "look-alikes of the evidence refs", expect=("LFCI209",))
NAMES = (
    "refs/notes/LFCI",
    "refs/LFCI/results",
    "refs/lfci/Inbox/x/y",
    "refs/lfci/inbox",
    "refs/lfci/else",
    "refs/lfci/results/x",
    "refs/notes/l\u200dfci",
    "refs/notes/\uff4cfci",
    "refs/notes/lfc\u0456",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    for name in scene.some(NAMES):
        scene.refused(eve, f"HEAD:{name}")
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"), "HEAD:refs/notes/commits")
