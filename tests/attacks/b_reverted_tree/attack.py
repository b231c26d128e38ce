"""A tree that was checked once, and left for a reason, comes back with its old evidence.

1. `max-age = "1h"`: a change with evidence from two hours ago: LFCI107, when it arrives and when it lies
   in the notes.
2. New evidence lands it.
"""

from datetime import timedelta

from tests.attacks.kit import RULE, Attack, Scene, now, policy_text

ATTACK = Attack("B", "a tree comes back with expired evidence", expect=("LFCI107",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "max-age": "1h"},)))
    eve = scene.eve
    eve.edit()
    old = now() - timedelta(hours=2)
    spec = eve.run(started_at=old, issued_at=old)
    scene.refused(eve, "main", spec)
    scene.lands(eve, spec)  # evidence alone is taken, and folded
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.run())
