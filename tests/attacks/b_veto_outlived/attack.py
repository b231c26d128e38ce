"""A failure is in the notes; an older pass of the same key, kept back, is delivered to land the change after
all.

1. FAILED was delivered and folded. A PASSED that is older: LFCI108.
2. A pass that is newer lands: the key's holder says that it was run again.
"""

from datetime import timedelta

from lfci_gate.model import Outcome, ResultDocument
from tests.attacks.kit import Attack, Scene, now
from tests.support.statements import TWO_TESTS

ATTACK = Attack("B", "an older pass after a folded failure", expect=("LFCI108",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    early, late = now() - timedelta(minutes=2), now() - timedelta(minutes=1)
    red = ResultDocument("test", 1, TWO_TESTS, ())
    failed = eve.run(started_at=late, issued_at=late, result=Outcome.FAILED, document=red)
    scene.lands(eve, failed)
    scene.refused(eve, "main", eve.run(started_at=early, issued_at=early))
    scene.lands(eve, "main", eve.run(started_at=now(), issued_at=now()))
