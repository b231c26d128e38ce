"""PASSED with failed tests in its own counts, and a result document that agrees with them.

1. LFCI109: the statement contradicts itself.
2. Without the failed test it lands.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("A", "PASSED with failed tests counted", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    tests = (TestCase("t::one", "failed"), TestCase("t::two", "passed"))
    scene.refused(eve, "main", eve.run(document=ResultDocument("test", 0, tests, ())))
    scene.lands(eve, "main", eve.run(document=ResultDocument("test", 0, tests[1:], ())))
