"""A test is still there, and skipped: the report names it as before.

1. Eve marks a test to be skipped; she has it skipped once of two times that it ran.
2. LFCI213 for each.
3. A test that is new may be skipped.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.compared import document, rule
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("C", "a test skipped", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(),)))
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one", skipped=("t::two",))))
    twice = ResultDocument("test", 0, (TestCase("t::one", "passed"), *[TestCase("t::two", "passed")] * 2), ())
    scene.lands(eve, "main", eve.evidence("HEAD", document=twice))
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one", "t::two")))
    both = ResultDocument("test", 0, (*twice.tests, TestCase("t::zzz", "skipped")), ())
    scene.lands(eve, "main", eve.evidence("HEAD", document=both))
