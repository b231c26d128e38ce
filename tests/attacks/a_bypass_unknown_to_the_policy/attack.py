"""Two maintainers sign a bypass where the policy knows none, or does not let it waive this.

1. No `break-glass` in the rule: LFCI101 and LFCI218. A bypass that names `dependencies`, which the policy
   does not list: the same.
2. Where the policy knows it, it lands.
"""

from tests.attacks.glass import KEYS, bypass, with_glass
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("A", "break-glass that the policy does not know", expect=("LFCI101", "LFCI218"))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(keys=KEYS))
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", bypass(eve))
    scene.forge.set_policy(with_glass(2))
    scene.refused(eve, "main", bypass(eve, waives=("checks", "dependencies")))
    scene.lands(eve, "main", bypass(eve))
