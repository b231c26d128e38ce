"""Green because nothing was executed: an empty report, or one where every test is skipped.

1. LFCI109 each.
2. One executed test lands.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("A", "zero executed tests", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    skipped = (TestCase("t::one", "skipped"), TestCase("t::two", "skipped"))
    for tests in ((), skipped):
        scene.refused(eve, "main", eve.run(document=ResultDocument("test", 0, tests, ())))
    one = (*skipped, TestCase("t::zero", "passed"))
    scene.lands(eve, "main", eve.run(document=ResultDocument("test", 0, one, ())))
