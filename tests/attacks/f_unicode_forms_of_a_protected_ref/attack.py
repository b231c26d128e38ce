"""Refs that are the protected one in another Unicode form: full width, accents, ligatures, composed or not.

1. The policy also protects a branch with an accent.
2. Eve pushes the names in other forms: LFCI211 for each.
"""

import unicodedata

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "the protected name in another Unicode form", expect=("LFCI211",))
ACCENT = unicodedata.normalize("NFC", "refs/heads/gr\u00f6\u00dfe")


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "refs": [*RULE["refs"], ACCENT]},)))
    eve = scene.eve
    eve.edit()
    names = (
        "refs/heads/\uff4d\uff41\uff49\uff4e",
        "refs/heads/ma\u0131\u0307n",
        "refs/heads/m\u00e0in",
        "refs/heads/main\u0301",
        "refs/heads/\u24dc\u24d0\u24d8\u24dd",
        "refs/heads/release\uff0f1",
        unicodedata.normalize("NFD", ACCENT),
        ACCENT.upper().replace("REFS/HEADS", "refs/heads"),
    )
    for name in scene.some(names):
        scene.refused(eve, f"HEAD:{name}")
    scene.refused(eve, f"HEAD:{ACCENT}", code="LFCI101")
    scene.passes(eve, "HEAD:refs/heads/gr\u00f6\u00dfer")
