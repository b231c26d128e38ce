"""A Nix below the floor calls itself something that compares higher.

1. Floor 2.18; versions below it (2.9, 2.17.99, 2) and ones that cannot be read ("v2.34", other
   digits, " 2.34", "latest"): LFCI109.
2. Another implementation with a larger number: LFCI109.
3. 2.18 and 2.34.8 land.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("A", "a Nix version that compares wrongly", expect=("LFCI109",))
BELOW = (
    "2.9",
    "2.17.99",
    "v2.34",
    "latest",
    " 2.34",
    "\u0662.\u0663\u0664",
    "-2.34",
    "2",
    "2.1.8",
    "999999999999",
    ".34",
)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "nix": {"minimum": "2.18"}},)))
    eve = scene.eve
    eve.edit()
    for version in scene.some(BELOW, 3):
        scene.refused(eve, "main", eve.run(nix_version=version))
    scene.refused(eve, "main", eve.run(nix_name="lix", nix_version="2.95.3"))
    scene.lands(eve, "main", eve.run(nix_version="2.18"))
    eve.edit()
    scene.lands(eve, "main", eve.run(nix_version="2.34.8"))
