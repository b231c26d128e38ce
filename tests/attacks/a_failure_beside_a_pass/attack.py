"""A key attested a failure and an earlier pass; both are delivered, or the failure is already there.

1. A pass, then a FAILED a second later, in one push: LFCI108.
2. Both at the same second: LFCI108, the failure wins.
3. A pass that is newer than the failure lands.
"""

from datetime import timedelta

from lfci_gate.model import Outcome, ResultDocument
from tests.attacks.kit import Attack, Scene, now
from tests.support.statements import TWO_TESTS

ATTACK = Attack("A", "FAILED hidden beside PASSED", expect=("LFCI108",), quick=True)
RED = ResultDocument("test", 1, TWO_TESTS, ())


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    early, late = now() - timedelta(minutes=2), now() - timedelta(minutes=1)

    def at(moment: object, **changes: object) -> str:
        return eve.run(started_at=moment, issued_at=moment, **changes)

    failed = at(late, result=Outcome.FAILED, document=RED)
    scene.refused(eve, "main", at(early), failed)
    scene.refused(eve, "main", at(late), failed)
    scene.lands(eve, "main", failed, at(now()))
