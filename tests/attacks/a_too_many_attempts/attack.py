"""A check that is run until it passes, where the rule says `max-attempts`.

1. With `max-attempts = 2` a pass that says it is attempt 3: LFCI109.
2. One that says nothing of the failures that its own key attested, and that are delivered: two of them
   make it attempt 3, whatever it says: LFCI109.
3. Attempt 2 lands, with one failure or none; so does attempt 3 where the rule does not count.
"""

from datetime import timedelta

from lfci_gate.model import Outcome, ResultDocument
from tests.attacks.kit import RULE, Attack, Person, Scene, now, policy_text
from tests.support.statements import TWO_TESTS

ATTACK = Attack("A", "run until it passes", expect=("LFCI109",))
TWICE = {**RULE, "require": [{**RULE["require"][0], "max-attempts": 2}]}


def mount(scene: Scene) -> None:
    eve = scene.eve
    scene.forge.set_policy(policy_text(version=2, rules=(TWICE,)))
    eve.edit()
    scene.refused(eve, "main", eve.run(attempt=3))
    first, second = (_failure(eve, minutes) for minutes in (3, 2))
    scene.refused(eve, "main", first, second, eve.run(attempt=1), code=("LFCI108", "LFCI109"))
    eve.edit()
    scene.lands(eve, "main", _failure(eve, 3), eve.run(attempt=1))
    eve.edit()
    scene.lands(eve, "main", eve.run(attempt=2))
    scene.forge.set_policy(policy_text(version=3, rules=(RULE,)))
    eve.edit()
    scene.lands(eve, "main", eve.run(attempt=3))


def _failure(eve: Person, minutes: int) -> str:
    moment = now() - timedelta(minutes=minutes)
    red = ResultDocument("test", 1, TWO_TESTS, ())
    return eve.run(started_at=moment, issued_at=moment, result=Outcome.FAILED, document=red)
