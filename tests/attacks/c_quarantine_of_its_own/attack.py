"""A failing test is put out of the way with the list of known failures, where the rule bears these.

1. The change puts its own failing test in quarantine: LFCI108, the base decides; and LFCI213 where the
   policy lets no test vanish, also with a passing run.
2. What failed is in quarantine on the base, and the command did not end with 0, or something else failed
   too, or the quarantine has ended: LFCI108.
3. A passing statement over a document with failed tests: LFCI109.
4. The failure that the base knows lands; so does a change whose tests pass.
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
    scene.lands(eve, "main", eve.run())


def _entry(test: str, year: int = 2999) -> bytes:
    return (
        f'[[quarantine]]\ncheck = "test"\ntest = "{test}"\nreason = "known"\nuntil = {year}-01-01T00:00:00Z\n'
    ).encode()


def _failed(eve: Person, *tests: str, status: int = 0, result: Outcome = Outcome.FAILED, **more: Any) -> str:
    cases = [TestCase(each, "failed") for each in tests]
    cases += [TestCase("t::one", "passed"), TestCase("t::two", "passed")]
    document = ResultDocument("test", status, tuple(sorted(cases, key=lambda case: case.id)), ())
    return eve.run(document=document, result=result, **more)
