"""Others claim tests of the base that never were, so that nothing can land any more.

1. The rule takes no change in which tests vanish. Eve delivers for main's tip: a run with two hundred tests
   by a key without the role, one of another definition, and a FAILED one, in which other tests passed.
2. An honest change of as many tests as before lands all the same.
3. One with less is LFCI213.
"""

from lfci_gate.model import Outcome, ResultDocument, TestCase
from tests.attacks.compared import document, rule
from tests.attacks.kit import MAINTAINER, Attack, Scene, policy_text
from tests.support.evidence import sha

ATTACK = Attack("C", "a base that is said to have more tests", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(),)))
    eve = scene.eve
    many = tuple(TestCase(f"t::{number:03}", "passed") for number in range(200))
    claims = ResultDocument("test", 0, many, ())
    scene.passes(eve, eve.run(signer=MAINTAINER, document=claims))
    scene.passes(eve, eve.run(document=claims, definition=sha("another definition")))
    failed = ResultDocument("test", 1, (*many, TestCase("t::x", "failed")), ())
    scene.passes(eve, eve.run(document=failed, result=Outcome.FAILED))
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=document("t::one")))
    scene.lands(eve, "main", eve.evidence("HEAD"))
