"""A bypass from the drawer: expired, dated ahead, or with a longer life than the policy allows.

1. LFCI101 and LFCI218 each.
2. A new one lands.
"""

from tests.attacks.glass import bypass, with_glass
from tests.attacks.kit import Attack, Scene, hours_ago

ATTACK = Attack("B", "a bypass out of its time", expect=("LFCI101", "LFCI218"))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=with_glass())
    eve = scene.eve
    eve.edit()
    for born, dies in scene.some(((2, 1), (-1, -2), (0, -5), (24 * 365, -1))):
        scene.refused(eve, "main", bypass(eve, issued_at=hours_ago(born), not_after=hours_ago(dies)))
    scene.lands(eve, "main", bypass(eve))
