"""The result document of another run lies beside the statement: what counted tests looks better than it was.

1. Another document than the attested one: LFCI115, also one with the same tests and counts in which another
   test was skipped. None: LFCI210. One that is the attested one by its hash, and has other counts than the
   statement: LFCI115.
2. The attested document lands.
"""

from lfci_gate.attest.results import result_document
from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.kit import AGENT, Attack, Scene, compact, payload_of, signed_bundle

ATTACK = Attack("A", "another result document", expect=("LFCI101", "LFCI115"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    line = signed_bundle(payload_of(run), AGENT)
    more = tuple(TestCase(f"t::{number:03}", "passed") for number in range(100))
    other = result_document(ResultDocument("test", 0, more, ()))
    scene.refused(eve, "main", eve.deliver(line, other))
    scene.refused(eve, "main", eve.deliver(line, None), code=("LFCI101", "LFCI210"))
    ran, left = TestCase("t::a", "passed"), TestCase("t::b", "skipped")
    partly, _ = eve.run_of("HEAD", document=ResultDocument("test", 0, (ran, left), ()))
    swapped = (TestCase("t::a", "skipped"), TestCase("t::b", "passed"))
    words = signed_bundle(payload_of(partly), AGENT)
    scene.refused(eve, "main", eve.deliver(words, result_document(ResultDocument("test", 0, swapped, ()))))
    document, _ = eve.json_run(document=ResultDocument("test", 0, more, ()))
    document["predicate"]["tests"]["passed"] = 1000
    forged = eve.forged(compact(document), other)
    scene.refused(eve, "main", forged)
    scene.lands(eve, "main", eve.deliver(line, result))
