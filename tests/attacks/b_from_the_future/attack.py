"""Evidence dated ahead, so that it stays young for years.

1. issuedAt in an hour, in ten years, and six minutes ahead: LFCI113.
2. Four minutes ahead (a clock may be wrong by five) lands.
"""

from datetime import timedelta

from tests.attacks.kit import Attack, Scene, now

ATTACK = Attack("B", "evidence from the future", expect=("LFCI113",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for ahead in scene.some((timedelta(minutes=6), timedelta(hours=1), timedelta(days=3650))):
        scene.refused(eve, "main", eve.run(issued_at=now() + ahead))
    scene.lands(eve, "main", eve.run(issued_at=now() + timedelta(minutes=4)))
