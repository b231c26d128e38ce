"""Refs with letters of other scripts that look like Latin ones.

1. Eve pushes main and release/1 with Cyrillic and Greek letters in them, and with a dotless i.
2. LFCI211 for each.
3. A branch in Cyrillic that looks like no protected one passes.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "letters of other scripts in a ref", expect=("LFCI211",))
NAMES = (
    "m\u0430in",
    "ma\u0456n",
    "M\u0391IN",
    "ma\u0131n",
    "rel\u0435ase/1",
    "r\u03b5lease/1",
    "\u0440elease/1",
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for name in scene.some(NAMES):
        if "\u03b5" in name or name.startswith("\u0440"):
            scene.passes(eve, f"HEAD:refs/heads/{name}")  # these do not look the same
        else:
            scene.refused(eve, f"HEAD:refs/heads/{name}")
    scene.passes(eve, "HEAD:refs/heads/\u0432\u0435\u0442\u043a\u0430")
