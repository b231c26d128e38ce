"""A statement about a run that began after it was issued.

1. LFCI109.
2. In the order of time it lands.
"""

from datetime import timedelta

from tests.attacks.kit import Attack, Scene, now

ATTACK = Attack("A", "a run that began after its attestation", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(started_at=now() + timedelta(seconds=100), issued_at=now()))
    scene.lands(eve, "main", eve.run(started_at=now() - timedelta(seconds=100), issued_at=now()))
