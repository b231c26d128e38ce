"""A failed run is to count by a quarantine that is not for it.

1. The first landing has no base, so nothing is in quarantine: LFCI108; a pass lands it.
2. On the base the test is in quarantine of another check: LFCI108.
3. It is in quarantine there, and the change declares the check as one that is judged by its status: LFCI108.
4. It is in quarantine there, and the rule bears none: LFCI108. Where the rule bears it, it lands.
5. Where no test may vanish, a quarantine that ends later than on the base is LFCI213; an earlier end lands.
"""

from typing import Any

from lfci_gate.model import Outcome, ResultDocument, TestCase
from tests.attacks.kit import CONFIG, RULE, Attack, Person, Scene, policy_text
from tests.support.forge import first_commit

ATTACK = Attack("C", "a quarantine of something else", expect=("LFCI108",), quick=True)
BOTH = CONFIG.replace(b"[checks.test]", b'[checks.test]\nfailures = "report"') + (
    b'\n[checks.lint]\nrun = "lint"\nfailures = "report"\nreport = { format = "junit", path = "lint.xml" }\n'
)
REQUIRED = {**RULE["require"][0], "quarantine": "allow"}


def mount(scene: Scene) -> None:
    bearing = {**RULE, "require": [REQUIRED], "protect": []}
    held = BOTH + _entry("lint", "t::lint") + _entry("test", "t::known")
    policy = policy_text(rules=(bearing,))
    scene.setup(policy, empty=True)
    eve = scene.eve
    first_commit(eve, policy, held)
    scene.refused(eve, "main", _failed(eve, "t::known"))
    scene.lands(eve, "main", eve.run())

    eve.edit()
    scene.refused(eve, "main", _failed(eve, "t::lint"))
    scene.refused(eve, "main", _failed(eve, "t::known", "t::lint"))
    eve.edit({".lfci/config.toml": CONFIG})
    scene.refused(eve, "main", _failed(eve, "t::known"))
    eve.start()
    eve.edit()
    scene.forge.set_policy(policy_text(version=2, rules=({**RULE, "protect": []},)))
    scene.refused(eve, "main", _failed(eve, "t::known"))
    strict = {**bearing, "tests": {"removed": "refuse"}}
    scene.forge.set_policy(policy_text(version=3, rules=(strict,)))
    scene.lands(eve, "main", _failed(eve, "t::known"))

    eve.edit({".lfci/config.toml": held.replace(b"2999", b"3000")})
    now_passed = _document("t::known", outcome="passed")
    scene.refused(eve, "main", eve.run(document=now_passed), code="LFCI213")
    eve.edit({".lfci/config.toml": held.replace(b"2999", b"2998")})
    scene.lands(eve, "main", eve.run(document=now_passed))


def _entry(check: str, test: str) -> bytes:
    return (
        f'[[quarantine]]\ncheck = "{check}"\ntest = "{test}"\nreason = "known"\n'
        "until = 2999-01-01T00:00:00Z\n"
    ).encode()


def _failed(eve: Person, *tests: str, **more: Any) -> str:
    return eve.run(document=_document(*tests, outcome="failed"), result=Outcome.FAILED, **more)


def _document(*tests: str, outcome: str) -> ResultDocument:
    cases = [TestCase(each, outcome) for each in tests]
    cases += [TestCase("t::one", "passed"), TestCase("t::two", "passed")]
    return ResultDocument("test", 0, tuple(sorted(cases, key=lambda case: case.id)), ())
