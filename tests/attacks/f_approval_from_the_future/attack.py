"""An approval that is dated ahead of the forge's clock, so that it outlives max-age; and one that has
expired.

1. The rule has a max-age of one hour.
2. The maintainer's approval is of tomorrow, and of two hours ago: LFCI215.
3. One of now lands.
"""

from datetime import timedelta

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import RULE, Attack, Scene, now, policy_text

ATTACK = Attack("F", "approvals out of their time", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "max-age": "1h"},)))
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    run = eve.evidence("HEAD")
    for hours in (24, -2):
        scene.refused(
            eve, "main", run, *eve.approvals("HEAD", base, issued_at=now() + timedelta(hours=hours))
        )
    scene.lands(eve, "main", run, *eve.approvals("HEAD", base))
