"""Failures that the base has in quarantine: what they are worth, and how little else is."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.trailer import format_inline
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.errors import Refusal
from lfci_gate.gate.quarantine import failures_of, in_quarantine
from lfci_gate.gate.render import bypass_lines
from lfci_gate.model import ObjectId, Outcome, RefUpdate, ResultDocument, TestCase, VerdictKind
from lfci_gate.value import replace
from tests.gate.test_rule_14 import whole_approval
from tests.gate.test_rules_04_to_12 import line_of, note
from tests.support.evidence import CHECK_RUN, NOW
from tests.support.forge import AGENT, CONFIG, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import MAIN, MemoryForge, codes
from tests.support.statements import bundle, passing_run

LATER = NOW + timedelta(days=30)
MINUTE = timedelta(minutes=1)


def entry(test: str = "t::two", check: str = "test", until: datetime = LATER, reason: str = "races") -> bytes:
    return (
        f'[[quarantine]]\ncheck = "{check}"\ntest = "{test}"\nreason = "{reason}"\n'
        f"until = {until:%Y-%m-%dT%H:%M:%SZ}\n"
    ).encode()


PLAIN = CONFIG + b'failures = "report"\n'
LINT = b'[checks.lint]\nrun = "lint"\nfailures = "report"\nreport = { format = "tap" }\n'
HELD = PLAIN + entry()


def policy(requirement: dict[str, Any] | None = None, **rule: Any) -> bytes:
    asked = {"check": "test", "roles": ["agent"], "quarantine": "allow", **(requirement or {})}
    return policy_text(rules=({**RULE, "protect": [], "require": [asked], **rule},))


def forge_with(config: bytes | None = HELD, text: bytes | None = None) -> MemoryForge:
    """A forge whose base has this configuration."""
    forge = MemoryForge(bootstrap_policy=text or policy())
    forge.refs[MAIN] = forge.commit(
        {".lfci/policy.toml": forge.bootstrap_policy, ".lfci/config.toml": config}
    )
    return forge


def change(forge: MemoryForge, config: bytes | None = HELD, **how: Any) -> ObjectId:
    files = {"src/lib.py": b"answer = 43\n", ".lfci/config.toml": config}
    return forge.commit({".lfci/policy.toml": forge.bootstrap_policy, **files}, **how)


def result(*failed: str, status: int = 0, passed: tuple[str, ...] = ("t::one",)) -> ResultDocument:
    cases = [TestCase(name, "failed") for name in failed] + [TestCase(name, "passed") for name in passed]
    return ResultDocument("test", status, tuple(sorted(cases, key=lambda each: (each.id, each.outcome))), ())


def failing(
    forge: MemoryForge,
    commit: ObjectId,
    document: ResultDocument | None = None,
    minutes: int = 1,
    **more: Any,
) -> RefUpdate:
    moment = NOW - minutes * MINUTE
    more = {"issued_at": moment, "started_at": moment, "result": Outcome.FAILED, **more}
    return forge.run(commit, document=document or result("t::two"), **more)


def passing(forge: MemoryForge, commit: ObjectId, minutes: int = 1, **more: Any) -> RefUpdate:
    moment = NOW - minutes * MINUTE
    return forge.run(commit, issued_at=moment, started_at=moment, **more)


# -- what counts ---------------------------------------------------------------------------------------


def test_a_failure_that_the_base_has_in_quarantine_counts_and_is_told() -> None:
    forge = forge_with()
    commit = change(forge)
    verdict = forge.judge(forge.to_main(commit), failing(forge, commit))
    [ref] = [each for each in verdict.refs if each.update.ref == MAIN]
    assert (verdict.kind, ref.kind) == (VerdictKind.ACCEPTED, VerdictKind.ACCEPTED)
    assert ref.remarks == ("QUARANTINE: check test FAILED, and counts: in quarantine on the base: t::two",)
    [line] = ref.summary
    assert line.startswith("check test: FAILED, 1 passed, 1 failed in quarantine, ")
    assert len(ref.evidence) == 1
    # Also to who pushes, though it lands.
    assert list(bypass_lines(verdict)) == [f"warning: {ref.remarks[0]}"]
    assert list(bypass_lines(forge.judge(forge.to_main(commit), passing(forge, commit)))) == []


def test_the_words_are_bounded_and_printable() -> None:
    names = [f"t::{number:02d}é{'x' * 300}" for number in range(12)]
    forge = forge_with(PLAIN + b"".join(entry(name) for name in names))
    commit = change(forge, PLAIN)
    verdict = forge.judge(forge.to_main(commit), failing(forge, commit, result(*names)))
    assert verdict.kind is VerdictKind.ACCEPTED
    [remark] = verdict.refs[0].remarks
    assert remark.isascii()
    assert remark.endswith("x... and 2 more")
    assert len(remark) < 2000
    # Ten are named, each with 160 characters.
    names = [f"t::{number}{'x' * 156}" for number in range(10)]
    forge = forge_with(PLAIN + b"".join(entry(name) for name in names))
    commit = change(forge, PLAIN)
    verdict = forge.judge(forge.to_main(commit), failing(forge, commit, result(*names)))
    assert verdict.refs[0].remarks[0].endswith(f"on the base: {', '.join(names)}")


@pytest.mark.parametrize(
    ("held", "pushed"),
    [
        (PLAIN, PLAIN),  # nothing is in quarantine
        (PLAIN, HELD),  # only the change has it
        (PLAIN + entry("t::tw"), HELD),
        (PLAIN + entry("t::two2"), HELD),
        (PLAIN + entry("T::two"), HELD),
        (PLAIN + LINT + entry(check="lint"), PLAIN + LINT + entry()),  # for another check
        (PLAIN + entry(until=NOW), HELD),  # it has just ended
        (PLAIN + entry(until=NOW - MINUTE), HELD),
        (b"version = 2\n" + HELD, HELD),  # the base's cannot be read
        (None, HELD),
    ],
)
def test_only_what_the_base_has_now_counts(held: bytes | None, pushed: bytes) -> None:
    forge = forge_with(held)
    commit = change(forge, pushed)
    assert codes(forge.judge(forge.to_main(commit), failing(forge, commit))) == {"LFCI108"}
    assert codes(forge.judge(forge.to_main(commit), passing(forge, commit))) == set()


def test_it_ends_by_the_forges_clock() -> None:
    forge = forge_with(PLAIN + entry(until=NOW + timedelta(seconds=1)))
    commit = change(forge, PLAIN)  # and the change need not have it any more
    update, failed = forge.to_main(commit), failing(forge, commit)
    assert codes(forge.judge(update, failed)) == set()
    assert codes(forge.judge(update, failed, now=NOW + timedelta(seconds=1))) == {"LFCI108"}


@pytest.mark.parametrize(
    "document",
    [
        result("t::two", status=1),  # something failed, and nobody knows whether only this
        result("t::two", status=255),
        result("t::one", "t::two", passed=()),
        result("t::one", passed=("t::two",)),
        result("t::three"),
        result("t::", "t::two"),
    ],
)
def test_anything_else_that_failed_is_a_failure(document: ResultDocument) -> None:
    forge = forge_with()
    commit = change(forge)
    verdict = forge.judge(forge.to_main(commit), failing(forge, commit, document))
    assert codes(verdict) == {"LFCI108"}
    assert verdict.refs[0].remarks == ()


def test_a_policy_that_does_not_say_so_bears_no_failure() -> None:
    for asked in ({"quarantine": "refuse"}, None):
        text = policy(asked) if asked else policy_text(rules=({**RULE, "protect": []},))
        forge = forge_with(text=text)
        commit = change(forge)
        assert codes(forge.judge(forge.to_main(commit), failing(forge, commit))) == {"LFCI108"}


def test_a_command_whose_status_tells_of_failures_is_never_borne() -> None:
    forge = forge_with()
    commit = change(forge, CONFIG)
    assert codes(forge.judge(forge.to_main(commit), failing(forge, commit))) == {"LFCI108"}


def test_without_the_document_nothing_is_known_of_what_failed() -> None:
    forge = forge_with()
    statement, _ = passing_run(
        forge.objects,
        forge.tree(change(forge)),
        NOW - MINUTE,
        document=result("t::two"),
        result=Outcome.FAILED,
    )
    line = format_inline(parse_bundle(bundle(statement, AGENT)))
    commit = change(forge, message=b"change\n\nLfci-Attestation: " + line.encode() + b"\n")
    assert codes(forge.judge(forge.to_main(commit))) == {"LFCI108"}
    # With it, from wherever it is, the same evidence counts.
    assert codes(forge.judge(forge.to_main(commit), failing(forge, commit))) == set()


def test_a_first_landing_has_no_base_and_no_quarantine() -> None:
    forge = MemoryForge(bootstrap_policy=policy())
    commit = change(forge)
    assert codes(forge.judge(forge.to_main(commit), failing(forge, commit))) == {"LFCI108"}


def test_a_passing_run_with_failed_tests_contradicts_itself_all_the_same() -> None:
    forge = forge_with()
    commit = change(forge)
    said = failing(forge, commit, result=Outcome.PASSED)
    assert codes(forge.judge(forge.to_main(commit), said)) == {"LFCI109"}


# -- rules 10 to 12 ------------------------------------------------------------------------------------


def test_a_borne_failure_is_no_veto_and_is_vetoed_by_a_real_one() -> None:
    forge = forge_with()
    commit = change(forge)
    real = result("t::one", "t::two", passed=())

    def judged(*deliveries: RefUpdate) -> set[str]:
        return codes(forge.judge(forge.to_main(commit), *deliveries))

    assert judged(passing(forge, commit, 9), failing(forge, commit, minutes=5)) == set()
    assert judged(failing(forge, commit, minutes=9), failing(forge, commit, real, 5)) == {"LFCI108"}
    assert judged(failing(forge, commit, minutes=5), failing(forge, commit, real, 5)) == {"LFCI108"}
    assert judged(failing(forge, commit, minutes=4), failing(forge, commit, real, 5)) == set()
    # Where it is no quarantine it is a veto as ever.
    assert judged(passing(forge, commit, 9), failing(forge, commit, result("t::two", status=1), 5)) == {
        "LFCI108"
    }


def test_everything_else_is_asked_of_it_too() -> None:
    forge = forge_with(text=policy({"threshold": 2}))
    commit = change(forge)
    update, mine = forge.to_main(commit), failing(forge, commit)
    assert codes(forge.judge(update, mine)) == {"LFCI111"}
    assert codes(forge.judge(update, mine, passing(forge, commit, signer=SECOND_AGENT))) == set()
    assert codes(forge.judge(update, mine, failing(forge, commit, signer=SECOND_AGENT))) == set()
    forge = forge_with()
    commit = change(forge)
    for weak in ({"hermetic": False}, {"issued_at": NOW + 10 * MINUTE}):
        found = codes(forge.judge(forge.to_main(commit), failing(forge, commit, **weak)))
        assert found in ({"LFCI109"}, {"LFCI113"}), weak


def test_a_borne_failure_is_no_failed_attempt() -> None:
    forge = forge_with(text=policy({"max-attempts": 1}))
    commit = change(forge)
    borne = failing(forge, commit, minutes=9)
    assert codes(forge.judge(forge.to_main(commit), borne, passing(forge, commit))) == set()
    assert codes(forge.judge(forge.to_main(commit), failing(forge, commit, attempt=2))) == {"LFCI109"}


# -- rule 14 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "pushed", "fresh"),
    [
        (PLAIN, HELD, "t::two"),
        (HELD, PLAIN + entry(until=LATER + MINUTE), "t::two"),
        (HELD, HELD + entry("t::one"), "t::one"),
        (CONFIG, HELD, "t::two"),
        (None, HELD, "t::two"),
        (PLAIN + LINT + entry(check="lint"), PLAIN + LINT + entry() + entry(check="lint"), "t::two"),
        (HELD, HELD, ""),
        (HELD, PLAIN, ""),
        (HELD, PLAIN + entry(until=LATER - MINUTE), ""),
        (HELD, PLAIN + entry(reason="other words"), ""),
        (PLAIN, PLAIN + LINT + entry(check="lint"), ""),  # of a check that the rule does not ask for
    ],
)
def test_what_is_newly_in_quarantine_is_a_test_that_vanishes(
    held: bytes | None, pushed: bytes, fresh: str
) -> None:
    for removed in ("allow", "approval", "refuse"):
        forge = forge_with(held, policy(tests={"removed": removed}))
        commit = change(forge, pushed)
        verdict = forge.judge(forge.to_main(commit), passing(forge, commit))
        assert codes(verdict) == ({"LFCI213"} if fresh and removed != "allow" else set()), removed
        if codes(verdict):
            [reason] = verdict.refs[0].reasons
            assert reason.message == "1 test of check test would be in quarantine, or longer than before"
            assert reason.facts == (f"newly in quarantine: {fresh}",)
            assert ("lfci approve" in reason.hint) == (removed == "approval")


def test_an_approval_of_the_whole_change_lets_it_into_quarantine() -> None:
    rule = {"protect": [{"paths": ["tests/"], "roles": ["maintainer"]}], "tests": {"removed": "approval"}}
    forge = forge_with(PLAIN, policy(**rule))
    commit = change(forge, HELD + entry("t::one"))
    update, run = forge.to_main(commit), passing(forge, commit)
    verdict = forge.judge(update, run)
    assert codes(verdict) == {"LFCI213"}
    assert verdict.refs[0].reasons[0].message.startswith("2 tests of check test would be in quarantine")
    verdict = forge.judge(update, run, whole_approval(forge, commit))
    assert codes(verdict) == set()
    assert "approved: check test: newly in quarantine: t::one, t::two" in verdict.refs[0].remarks
    # It is approved for the changes after it, not for the one that brings it.
    assert codes(forge.judge(update, failing(forge, commit), whole_approval(forge, commit))) == {"LFCI108"}


def based_on(*documents: ResultDocument, held: bytes = HELD, text: bytes | None = None) -> MemoryForge:
    """A forge whose base has these failed runs, of a rule that lets no test vanish."""
    forge = forge_with(held, text or policy(tests={"removed": "refuse"}))
    for minutes, document in enumerate(documents, 2):
        forge.land(failing(forge, forge.refs[MAIN], document, minutes))
    return forge


def test_what_landed_by_a_quarantine_is_a_base_like_any_other() -> None:
    """Nothing vanishes unseen that passed there, nor what failed."""
    forge = based_on(result("t::two", passed=("t::one", "t::three")))
    commit = change(forge)
    verdict = forge.judge(forge.to_main(commit), passing(forge, commit))
    assert codes(verdict) == {"LFCI213"}
    assert verdict.refs[0].reasons[0].facts == ("removed: t::three",)
    gone = passing(forge, commit, document=result(passed=("t::one", "t::three")))
    verdict = forge.judge(forge.to_main(commit), gone)
    assert codes(verdict) == {"LFCI213"}
    assert verdict.refs[0].reasons[0].facts == ("removed: t::two",)
    for every in (
        result("t::two", passed=("t::one", "t::three")),
        result(passed=("t::one", "t::two", "t::three")),
    ):
        outcome = Outcome.PASSED if every.tests[-1].outcome == "passed" else Outcome.FAILED
        update = failing(forge, commit, every, result=outcome)
        assert codes(forge.judge(forge.to_main(commit), update)) == set()


@pytest.mark.parametrize(
    ("document", "held", "asked"),
    [
        (result("t::two", status=1, passed=("t::three",)), HELD, {}),  # nobody knows what failed
        (result("t::two", "t::four", passed=("t::three",)), HELD, {}),  # it did not land by the quarantine
        (result("t::two", passed=("t::three",)), PLAIN, {}),
        (result("t::two", passed=("t::three",)), HELD, {"quarantine": "refuse"}),
        (result("t::two", passed=("t::three",)), PLAIN + LINT + entry(check="lint"), {}),
    ],
)
def test_any_other_failed_run_is_no_base(
    document: ResultDocument, held: bytes, asked: dict[str, Any]
) -> None:
    """Else a landing by bypass with a failed run would hide what passed before it."""
    forge = based_on(document, held=held, text=policy(asked, tests={"removed": "refuse"}))
    commit = change(forge, held)
    verdict = forge.judge(forge.to_main(commit), passing(forge, commit))
    assert codes(verdict) == set()
    assert verdict.refs[0].remarks == ("check test: no result of the base, so no tests were compared",)


def test_a_quarantine_that_has_ended_since_made_a_base_all_the_same() -> None:
    forge = based_on(
        result("t::two", passed=("t::three",)),
        held=PLAIN + entry(until=NOW - MINUTE),
    )
    commit = change(forge, PLAIN)
    assert codes(forge.judge(forge.to_main(commit), passing(forge, commit))) == {"LFCI213"}


def test_what_failed_in_a_base_that_says_it_passed_is_not_missed() -> None:
    forge = forge_with(text=policy(tests={"removed": "refuse"}))
    forge.land(failing(forge, forge.refs[MAIN], result=Outcome.PASSED))
    commit = change(forge)
    fewer = passing(forge, commit, document=result())
    assert codes(forge.judge(forge.to_main(commit), fewer)) == set()


def test_where_the_document_of_such_a_base_is_lost_nothing_can_be_told() -> None:
    forge = forge_with(text=policy(tests={"removed": "refuse"}))
    base = forge.refs[MAIN]
    note(forge, base, line_of(forge, failing(forge, base)))
    commit = change(forge)
    assert codes(forge.judge(forge.to_main(commit), passing(forge, commit))) == {"LFCI221"}
    # Of a command that ended otherwise it is none, with or without a document.
    note(forge, base, line_of(forge, failing(forge, base, result("t::two", status=1))))
    assert codes(forge.judge(forge.to_main(commit), passing(forge, commit))) == set()


def test_without_a_quarantine_on_the_base_a_lost_document_of_a_failed_run_is_no_riddle() -> None:
    forge = forge_with(PLAIN, text=policy(tests={"removed": "refuse"}))
    base = forge.refs[MAIN]
    note(forge, base, line_of(forge, failing(forge, base)))
    commit = change(forge, PLAIN)
    assert codes(forge.judge(forge.to_main(commit), passing(forge, commit))) == set()


def test_what_was_skipped_where_a_failure_was_borne_is_not_missed() -> None:
    skipped = replace(result("t::two"), tests=(*result("t::two").tests, TestCase("t::zero", "skipped")))
    forge = based_on(skipped)
    commit = change(forge)
    every = passing(forge, commit, document=result(passed=("t::one", "t::two")))
    assert codes(forge.judge(forge.to_main(commit), every)) == set()


# -- by itself -----------------------------------------------------------------------------------------


def test_nothing_is_read_where_nothing_could_count() -> None:
    def unread(_run: object) -> ResultDocument:
        raise AssertionError("read")

    def malformed(_run: object) -> ResultDocument:
        raise Refusal("LFCI115", "malformed")

    def expected(*held: str, document: object) -> Any:
        return SimpleNamespace(quarantine=frozenset(held), document=document)

    failed = replace(CHECK_RUN, result=Outcome.FAILED, exit_code=0)
    found = result("t::two")
    assert failures_of(failed, expected("t::two", document=lambda _run: found)) == ("t::two",)
    assert failures_of(failed, expected("t::two", document=lambda _run: None)) == ()
    assert failures_of(failed, expected("t::two", document=malformed)) == ()
    assert failures_of(failed, expected(document=unread)) == ()
    assert failures_of(CHECK_RUN, expected("t::two", document=unread)) == ()
    forge = forge_with()
    requirement = parse_policy(policy()).rules[0].require[0]
    definition = parse_project(HELD).check("test")
    assert definition is not None
    base = forge.refs[MAIN]
    assert in_quarantine(forge.objects, base, requirement, definition, NOW) == {"t::two"}
    for other in (
        (None, requirement, definition),
        (base, replace(requirement, quarantine=False), definition),
        (base, requirement, replace(definition, failures="status")),
    ):
        assert in_quarantine(forge.objects, *other, NOW) == frozenset()
