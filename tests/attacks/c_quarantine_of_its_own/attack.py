"""A failing test is put out of the way with the list of known failures, where the rule bears these.

1. The change puts its own failing test in quarantine: LFCI108, the base decides; and LFCI213 where the
   policy lets no test vanish, also with a passing run.
2. What failed is in quarantine on the base, and the command did not end with 0, or something else failed
   too, or the quarantine has ended: LFCI108.
3. A passing statement over a document with failed tests: LFCI109.
4. The failure that the base knows lands. Then the test is gone: LFCI213. A change with which it passes lands.
"""

from typing import Any

from lfci_gate.model import Outcome, ResultDocument, TestCase
from tests.attacks.kit import CONFIG, RULE, Attack, Person, Scene, policy_text

ATTACK = Attack("C", "a failing test in quarantine", expect=("LFCI108",))
PLAIN = CONFIG + b'failures = "report"\n'


def mount(scene: Scene) -> None:
    eve = scene.eve
    require = [{**RULE["require"][0], "quarantine": "allow"}]
    loose = {**RULE, "require": require, "protect": []}
    scene.forge.set_policy(policy_text(version=2, rules=(loose,)))
    held = PLAIN + _entry("t::known") + _entry("t::over", 2001)
    eve.edit({".lfci/config.toml": held})
    scene.lands(eve, "main", eve.run())

    eve.edit({".lfci/config.toml": held + _entry("t::own")})
    scene.refused(eve, "main", _failed(eve, "t::own"))
    scene.refused(eve, "main", _failed(eve, "t::known", "t::own"))
    scene.refused(eve, "main", _failed(eve, "t::known", "t::over"))
    scene.refused(eve, "main", _failed(eve, "t::known", status=1))
    scene.refused(eve, "main", _failed(eve, "t::known", result=Outcome.PASSED), code=("LFCI109",))

    strict = {**loose, "tests": {"removed": "refuse"}}
    scene.forge.set_policy(policy_text(version=3, rules=(strict,)))
    scene.refused(eve, "main", eve.run(), code=("LFCI213",))
    scene.refused(eve, "main", _failed(eve, "t::known"), code=("LFCI213",))
    eve.repo.git("reset", "-q", "--hard", "origin/main")
    eve.edit()
    scene.lands(eve, "main", _failed(eve, "t::known"))
    eve.edit()
    scene.refused(eve, "main", eve.run(), code=("LFCI213",))
    scene.lands(eve, "main", eve.run(document=_document("t::known", outcome="passed")))


def _entry(test: str, year: int = 2999) -> bytes:
    return (
        f'[[quarantine]]\ncheck = "test"\ntest = "{test}"\nreason = "known"\nuntil = {year}-01-01T00:00:00Z\n'
    ).encode()


def _failed(eve: Person, *tests: str, status: int = 0, result: Outcome = Outcome.FAILED, **more: Any) -> str:
    return eve.run(document=_document(*tests, outcome="failed", status=status), result=result, **more)


def _document(*tests: str, outcome: str, status: int = 0) -> ResultDocument:
    cases = [TestCase(each, outcome) for each in tests]
    cases += [TestCase("t::one", "passed"), TestCase("t::two", "passed")]
    return ResultDocument("test", status, tuple(sorted(cases, key=lambda case: case.id)), ())
