"""Evidence at the edge of `max-age`, and from before the year one of every clock.

1. A minute older than the max-age of seven days; from 1970; from the year 1: LFCI107.
2. A minute younger lands.
"""

from datetime import UTC, datetime, timedelta

from tests.attacks.kit import RULE, Attack, Scene, now, policy_text

ATTACK = Attack("B", "evidence that is too old", expect=("LFCI107",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "max-age": "7d"},)))
    eve = scene.eve
    eve.edit()
    week = timedelta(days=7)
    old = [now() - week - timedelta(minutes=1), datetime(1970, 1, 1, tzinfo=UTC)]
    for moment in scene.some([*old, datetime(1, 1, 1, tzinfo=UTC)]):
        scene.refused(eve, "main", eve.run(started_at=moment, issued_at=moment))
    moment = now() - week + timedelta(minutes=1)
    scene.lands(eve, "main", eve.run(started_at=moment, issued_at=moment))
