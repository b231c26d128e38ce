"""Runs of the base that never counted are delivered before a change, and hide or invent tests of the base.

1. The rule lets no test vanish and bears quarantine. The base landed with a pass of two tests. Eve delivers
   other runs of it: with a failed test that is in quarantine of another check, or of none; with a status
   that is not 0; PASSED with a failed test; and a verifier's word.
2. A change without one of the two tests: LFCI213. With these two it lands.
3. The next base landed with a failure in quarantine and a skipped test. A change without what failed:
   LFCI213. Without what was skipped it lands.
4. The rule bears no quarantine any more: a failed run of the base counts for nothing, and a change without
   what failed in it lands.
"""

from lfci_gate.model import Outcome, ResultDocument, TestCase
from tests.attacks.compared import document, rule
from tests.attacks.glass import attested
from tests.attacks.kit import CONFIG, SECOND_AGENT, Attack, Person, Scene, policy_text

ATTACK = Attack("C", "runs beside the base that never counted", expect=("LFCI213",))
REQUIRED = {"check": "test", "roles": ["agent"], "quarantine": "allow"}
BOTH = CONFIG.replace(b"[checks.test]", b'[checks.test]\nfailures = "report"') + (
    b'\n[checks.lint]\nrun = "lint"\nfailures = "report"\nreport = { format = "junit", path = "lint.xml" }\n'
)


def mount(scene: Scene) -> None:
    bearing = rule(require=[REQUIRED])
    held = BOTH + _entry("lint", "t::lint") + _entry("test", "t::known") + _entry("test", "t::later")
    scene.setup(config=held, server_policy=policy_text(rules=(bearing,)))
    eve = scene.eve
    _spec, verified = attested(eve)
    beside = (
        _run(eve, failed=("t::lint",)),
        _run(eve, failed=("t::known", "t::own")),
        _run(eve, failed=("t::known",), status=1),
        _run(eve, failed=("t::odd",), result=Outcome.PASSED),
        verified(SECOND_AGENT),
    )
    scene.lands(eve, *beside)
    eve.edit()
    scene.refused(eve, "main", eve.run(document=document("t::one")))
    scene.lands(eve, "main", eve.run())

    eve.edit()
    scene.lands(eve, "main", _run(eve, failed=("t::known",), skipped=("t::slow",)))
    eve.edit()
    scene.refused(eve, "main", eve.run())
    known = document("t::known", "t::one", "t::two")
    scene.lands(eve, "main", eve.run(document=known))

    scene.forge.set_policy(policy_text(version=2, rules=(rule(),)))
    scene.lands(eve, _run(eve, failed=("t::later",)))
    eve.edit()
    scene.lands(eve, "main", eve.run(document=known))


def _entry(check: str, test: str) -> bytes:
    return (
        f'[[quarantine]]\ncheck = "{check}"\ntest = "{test}"\nreason = "known"\n'
        "until = 2999-01-01T00:00:00Z\n"
    ).encode()


def _run(
    eve: Person,
    *,
    failed: tuple[str, ...],
    skipped: tuple[str, ...] = (),
    status: int = 0,
    result: Outcome = Outcome.FAILED,
) -> str:
    """A run in which these failed, these were skipped, and the two of the base passed."""
    said = [(each, "failed") for each in failed] + [(each, "skipped") for each in skipped]
    said += [("t::one", "passed"), ("t::two", "passed")]
    cases = tuple(TestCase(each, outcome) for each, outcome in sorted(said))
    return eve.run(document=ResultDocument("test", status, cases, ()), result=result)
