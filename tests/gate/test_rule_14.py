"""Rule 14 on objects in memory: tests that vanish against the base."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.results import result_document
from lfci_gate.attest.statement import format_statement
from lfci_gate.attest.trailer import format_inline
from lfci_gate.config.policy import parse_policy
from lfci_gate.errors import Undecided
from lfci_gate.gate import base_tests
from lfci_gate.gate.against_base import WHOLE, Sight, whole_change
from lfci_gate.gate.base_tests import passing_runs
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import NOTES_REF, RESULTS_REF, History, Limits
from lfci_gate.gate.protect import Change
from lfci_gate.gate.results import Results
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.notes import updated_notes_tree
from lfci_gate.git.results import updated_results_tree
from lfci_gate.model import (
    Approval,
    GitObject,
    ObjectId,
    Outcome,
    Reason,
    RefUpdate,
    ResultDocument,
    Sha256,
    TestCase,
    Verdict,
    VerdictKind,
)
from tests.support.evidence import NOW, REPOSITORY
from tests.support.forge import AGENT, CONFIG, MAINTAINER, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started
from tests.support.statements import bundle, passing_run

CHANGE: dict[str, bytes | None] = {"src/lib.py": b"answer = 43\n"}


def document(*tests: tuple[str, str]) -> ResultDocument:
    return ResultDocument("test", 0, tuple(TestCase(name, outcome) for name, outcome in sorted(tests)), ())


BEFORE = document(("t::one", "passed"), ("t::two", "passed"), ("t::idle", "skipped"))


def forge_with(section: dict[str, Any], before: ResultDocument | None = BEFORE) -> MemoryForge:
    """A forge whose rule has ``section`` and whose base has a landed result."""
    forge = started(policy_text(rules=(RULE | section,)))
    if before is not None:
        forge.land(forge.run(forge.refs[MAIN], document=before))
    return forge


def push(forge: MemoryForge, after: ResultDocument, *more: RefUpdate) -> Verdict:
    commit = next_commit(forge)
    return forge.judge(forge.to_main(commit), forge.run(commit, document=after), *more)


def next_commit(forge: MemoryForge) -> ObjectId:
    policy = forge.bootstrap_policy
    return forge.commit(CHANGE | {".lfci/policy.toml": policy})


REFUSE = {"tests": {"removed": "refuse"}}
APPROVAL = {"tests": {"removed": "approval"}}


@pytest.mark.parametrize(
    ("after", "gone"),
    [
        (document(("t::one", "passed"), ("t::two", "passed")), 0),
        (document(("t::one", "passed"), ("t::two", "passed"), ("t::new", "passed")), 0),
        (document(("t::one", "passed")), 1),
        (document(("t::one", "passed"), ("t::two", "skipped")), 1),
        (document(("t::one", "passed"), ("t::Two", "passed")), 1),
        (document(("t::other", "passed")), 2),
        (document(("t::one", "passed"), ("t::two", "passed"), ("t::idle", "passed")), 0),
    ],
)
def test_a_test_that_passed_and_is_gone_or_skipped_vanished(after: ResultDocument, gone: int) -> None:
    verdict = push(forge_with(REFUSE), after)
    assert codes(verdict) == ({"LFCI213"} if gone else set())
    if gone:
        (reason,) = verdict.refs[0].reasons
        assert reason.message.startswith(f"{gone} test")
        assert "t::two" in reason.facts[0]
        assert reason.hint == "restore the tests: the policy lets none vanish"
    else:
        assert verdict.kind is VerdictKind.ACCEPTED
        assert verdict.refs[0].remarks == ()


def test_a_policy_that_allows_it_compares_nothing() -> None:
    verdict = push(forge_with({}), document(("t::other", "passed")))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.refs[0].remarks == ()


def test_without_a_result_of_the_base_the_verdict_says_so() -> None:
    verdict = push(forge_with(REFUSE, before=None), document(("t::one", "passed")))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.refs[0].remarks == ("check test: no result of the base, so no tests were compared",)


def test_a_second_result_of_the_base_cannot_shrink_it() -> None:
    forge = forge_with(REFUSE)
    forge.land(forge.run(forge.refs[MAIN], SECOND_AGENT, document=document(("t::one", "passed"))))
    assert codes(push(forge, document(("t::one", "passed")))) == {"LFCI213"}


def test_a_result_of_the_base_by_a_key_without_the_role_does_not_count() -> None:
    forge = forge_with(REFUSE, before=None)
    forge.land(forge.run(forge.refs[MAIN], MAINTAINER, document=BEFORE))
    assert push(forge, document(("t::one", "passed"))).kind is VerdictKind.ACCEPTED


def test_every_counting_document_must_have_executed_the_test() -> None:
    rule = RULE | REFUSE | {"require": [{"check": "test", "roles": ["agent"], "threshold": 2}]}
    forge = started(policy_text(rules=(rule,)))
    forge.land(forge.run(forge.refs[MAIN], document=BEFORE))
    fewer = document(("t::one", "passed"))
    second = forge.run(next_commit(forge), SECOND_AGENT, document=BEFORE)
    assert codes(push(forge, fewer, second)) == {"LFCI213"}
    assert codes(push(forge, BEFORE, second)) == set()


def test_the_first_landing_has_no_base_and_that_is_said() -> None:
    policy = policy_text(rules=(RULE | REFUSE,))
    forge = MemoryForge(bootstrap_policy=policy)
    commit = forge.commit({".lfci/policy.toml": policy})
    verdict = forge.judge(forge.to_main(commit), forge.run(commit, document=BEFORE))
    assert codes(verdict) == set()
    assert "first landing: no base to compare tests with" in verdict.refs[0].remarks


def whole_approval(forge: MemoryForge, commit: ObjectId, **changes: Any) -> RefUpdate:
    assert forge.bootstrap_policy is not None
    rule = parse_policy(forge.bootstrap_policy).rules[0]
    change = Change(MAIN, commit, forge.tree(forge.refs[MAIN]), forge.tree(commit))
    part = whole_change(change, rule)
    approval = Approval(
        part.to_tree, part.from_tree, REPOSITORY, MAIN, WHOLE, "maintainer", "fewer tests", NOW
    )
    signer = changes.pop("signer", MAINTAINER)
    return forge.delivery(bundle(replace(approval, **changes), signer))


def test_an_approval_of_the_whole_change_lets_tests_vanish() -> None:
    forge = forge_with(APPROVAL)
    fewer = document(("t::one", "passed"))
    refused = push(forge, fewer)
    assert codes(refused) == {"LFCI213"}
    commit = next_commit(forge)
    assert refused.refs[0].reasons[0].hint == f"ask a maintainer for: lfci approve {commit[:12]} --tests"
    approval = whole_approval(forge, commit)
    accepted = push(forge, fewer, approval)
    assert accepted.kind is VerdictKind.ACCEPTED
    assert approval.ref.rpartition("/")[2] in accepted.refs[0].evidence
    assert "approved: check test: removed: t::two" in accepted.refs[0].remarks


def test_an_approval_that_is_not_needed_is_no_evidence() -> None:
    forge = forge_with(APPROVAL)
    approval = whole_approval(forge, next_commit(forge))
    verdict = push(forge, BEFORE, approval)
    assert verdict.kind is VerdictKind.ACCEPTED
    assert approval.ref.rpartition("/")[2] not in verdict.refs[0].evidence


@pytest.mark.parametrize(
    "wrong",
    [
        {"signer": AGENT},
        {"signer": SECOND_AGENT},
        {"paths": ("tests/",)},
        {"from_tree": ObjectId("1" * 40)},
        {"ref": "refs/heads/release/1"},
    ],
)
def test_another_approval_does_not(wrong: dict[str, Any]) -> None:
    forge = forge_with(APPROVAL)
    approval = whole_approval(forge, next_commit(forge), **wrong)
    assert codes(push(forge, document(("t::one", "passed")), approval)) == {"LFCI213"}


def test_no_approval_helps_where_the_policy_refuses() -> None:
    forge = forge_with(REFUSE)
    approval = whole_approval(forge, next_commit(forge))
    assert codes(push(forge, document(("t::one", "passed")), approval)) == {"LFCI213"}


# -- each way to run less ---------------------------------------------------------------------------


def the_reason(verdict: Verdict) -> Reason:
    (reason,) = verdict.refs[0].reasons
    return reason


def test_the_facts_tell_the_classes_apart() -> None:
    before = document(*((f"t::{name}", "passed") for name in "abccc"))
    verdict = push(forge_with(REFUSE, before), document(("t::b", "skipped"), ("t::c", "passed")))
    reason = the_reason(verdict)
    assert (reason.code, reason.check) == ("LFCI213", "test")
    assert reason.message == "2 tests of check test passed on the base, now gone or skipped"
    assert reason.facts == (
        "removed: t::a",
        "newly skipped: t::b",
        "executed 1 of 5 before: t::c 1 of 3 times",
    )


def test_fewer_cases_of_an_id_are_fewer_tests() -> None:
    forge = forge_with(REFUSE, document(*[("t::case", "passed")] * 3))
    fewer = document(*[("t::case", "passed")] * 2, ("t::new", "passed"))
    assert the_reason(push(forge, fewer)).facts == ("executed 2 of 3 before: t::case 2 of 3 times",)
    assert codes(push(forge, document(*[("t::case", "passed")] * 4))) == set()


OPTIONAL = {"require": [{"check": "test", "roles": ["agent"], "report": "optional"}], "protect": []}
NO_REPORT = CONFIG[: CONFIG.index(b"report")]


def configured(forge: MemoryForge, config: bytes, **more: bytes | None) -> ObjectId:
    changes = {".lfci/config.toml": config, ".lfci/policy.toml": forge.bootstrap_policy}
    return forge.commit(CHANGE | changes | more)


def without_report(forge: MemoryForge, commit: ObjectId, **changes: Any) -> RefUpdate:
    return forge.run(commit, document=document(), tests=None, **changes)


def test_a_report_that_is_dropped_takes_all_tests_with_it() -> None:
    forge = forge_with(REFUSE | OPTIONAL)
    commit = configured(forge, NO_REPORT)
    reason = the_reason(forge.judge(forge.to_main(commit), without_report(forge, commit)))
    assert reason.code == "LFCI213"
    assert reason.message == "check test has no test report now, and 2 tests passed on the base"
    assert reason.facts == ("removed: t::one, t::two",)


def test_a_run_that_claims_no_tests_executed_none() -> None:
    """The declaration is as it was: whoever attested left the tests out."""
    forge = forge_with(REFUSE | OPTIONAL)
    commit = next_commit(forge)
    silent = without_report(forge, commit)
    assert codes(forge.judge(forge.to_main(commit), silent)) == {"LFCI213"}
    honest = forge.run(commit, SECOND_AGENT, document=BEFORE)
    assert codes(forge.judge(forge.to_main(commit), honest)) == set()
    assert codes(forge.judge(forge.to_main(commit), honest, silent)) == {"LFCI213"}


def test_a_check_that_never_had_a_report_has_no_tests_to_compare() -> None:
    forge = started(policy_text(rules=(RULE | REFUSE | OPTIONAL,)))
    forge.refs[MAIN] = configured(forge, NO_REPORT)
    forge.land(without_report(forge, forge.refs[MAIN]))
    commit = configured(forge, NO_REPORT, **{"src/more.py": b""})
    verdict = forge.judge(forge.to_main(commit), without_report(forge, commit))
    assert (codes(verdict), verdict.refs[0].remarks) == (set(), ())
    first = configured(forge, CONFIG)
    verdict = forge.judge(forge.to_main(first), forge.run(first, document=BEFORE))
    assert codes(verdict) == set()
    assert "check test: no test report on the base, so no tests were compared" in verdict.refs[0].remarks


NARROW = CONFIG + b'inputs = ["src/"]\n'


@pytest.mark.parametrize(
    "config",
    [
        NARROW,
        CONFIG.replace(b"pytest", b"pytest -k one"),
        CONFIG + b'env = { ONLY = "one" }\n',
        CONFIG + b'timeout = "30m"\n',
    ],
)
def test_a_check_that_is_declared_otherwise_is_compared_all_the_same(config: bytes) -> None:
    """The base's runs are those of the base's declaration."""
    forge = forge_with(REFUSE | {"protect": []})
    commit = configured(forge, config)
    fewer = forge.run(commit, document=document(("t::one", "passed")))
    assert codes(forge.judge(forge.to_main(commit), fewer)) == {"LFCI213"}
    assert codes(forge.judge(forge.to_main(commit), forge.run(commit, document=BEFORE))) == set()


def test_the_same_files_under_another_command_are_not_the_same_check() -> None:
    """Inputs that do not hold the configuration: the tree that the check sees is the same."""
    forge = started(policy_text(rules=(RULE | REFUSE | {"protect": []},)))
    forge.refs[MAIN] = forge.commit(
        {".lfci/config.toml": NARROW, ".lfci/policy.toml": forge.bootstrap_policy}
    )
    forge.land(forge.run(forge.refs[MAIN], document=BEFORE))
    fewer = document(("t::one", "passed"))
    for config, expected in ((NARROW, set()), (NARROW.replace(b"pytest", b"pytest -k one"), {"LFCI213"})):
        commit = forge.commit(
            {".lfci/config.toml": config, ".lfci/policy.toml": forge.bootstrap_policy, "docs/a": b"1"}
        )
        newest = forge.run(commit, document=fewer, started_at=NOW, issued_at=NOW)
        assert codes(forge.judge(forge.to_main(commit), newest)) == expected


def test_what_no_run_counts_for_is_not_compared_and_that_is_said() -> None:
    forge = forge_with(REFUSE)
    verdict = forge.judge(forge.to_main(next_commit(forge)))
    assert codes(verdict) == {"LFCI101"}
    assert verdict.refs[0].remarks == ("check test: no run counts, so no tests were compared",)


# -- documents that are not there -------------------------------------------------------------------


def by_trailer(forge: MemoryForge, doc: ResultDocument, **changes: Any) -> ObjectId:
    """A commit that carries its evidence itself; no result document comes with it."""
    plain = next_commit(forge)
    statement, _ = passing_run(forge.objects, forge.tree(plain), NOW - timedelta(minutes=1), document=doc)
    inline = format_inline(parse_bundle(bundle(replace(statement, **changes), AGENT)))
    message = f"change\n\nLfci-Attestation: {inline}\n".encode()
    return forge.commit_of(forge.tree(plain), [forge.refs[MAIN]], message)


@pytest.mark.parametrize("landed", [BEFORE, None])
def test_a_run_without_its_document_is_no_way_around(landed: ResultDocument | None) -> None:
    """Nor on a base without a result: what lands is the next base."""
    forge = forge_with(REFUSE, landed)
    reason = the_reason(forge.judge(forge.to_main(by_trailer(forge, document(("t::one", "passed"))))))
    assert reason.code == "LFCI221"
    assert reason.facts == ("the result document of a run that counts is missing",)
    allowing = forge_with({}, landed)
    assert (
        codes(allowing.judge(allowing.to_main(by_trailer(allowing, document(("t::one", "passed")))))) == set()
    )


def test_a_trailer_that_names_the_document_of_another_run_brings_none() -> None:
    forge = forge_with(REFUSE)
    data = result_document(BEFORE)
    tree = updated_results_tree(forge.objects, None, [data], forge.objects.add)
    assert tree is not None
    forge.refs[RESULTS_REF] = forge.commit_of(tree)
    assert codes(forge.judge(forge.to_main(by_trailer(forge, BEFORE)))) == set(), "it lies on the forge"
    assert codes(push(forge, document(*(("t::" + each, "passed") for each in ("one", "two", "x"))))) == set()
    other = by_trailer(forge, document(("t::one", "passed")), result_sha256=hashlib.sha256(data).hexdigest())
    assert the_reason(forge.judge(forge.to_main(other))).code == "LFCI221"


def test_a_lost_document_of_the_base_is_no_way_around() -> None:
    forge = forge_with(REFUSE, before=None)
    run, _ = passing_run(forge.objects, forge.tree(forge.refs[MAIN]), NOW, document=BEFORE)
    forge.land(forge.delivery(bundle(run, AGENT)))
    reason = the_reason(push(forge, BEFORE))
    assert reason.code == "LFCI221"
    assert reason.facts == ("a result document of the base is missing",)
    assert reason.hint == "ask the operator to restore refs/lfci/results (in a clone: git fetch)"
    # Another run of the base does not stand for the one that is lost.
    forge.land(forge.run(forge.refs[MAIN], SECOND_AGENT, document=document(("t::one", "passed"))))
    assert codes(push(forge, document(("t::one", "passed")))) == {"LFCI221"}


def test_a_document_that_is_none_stops_the_push() -> None:
    """Under its name lies something else; nothing is compared, and nothing lands."""
    forge = forge_with(REFUSE, before=None)
    junk = b"not a result document"
    tree = updated_results_tree(forge.objects, None, [junk], forge.objects.add)
    assert tree is not None
    forge.refs[RESULTS_REF] = forge.commit_of(tree)
    run, _ = passing_run(forge.objects, forge.tree(forge.refs[MAIN]), NOW, document=BEFORE)
    named = replace(run, result_sha256=Sha256(hashlib.sha256(junk).hexdigest()))
    forge.land(forge.delivery(bundle(named, AGENT)))
    assert codes(push(forge, BEFORE)) == {"LFCI115"}


def test_junk_in_the_inbox_does_not_hide_a_document() -> None:
    forge = forge_with(REFUSE, before=None)
    tip = forge.refs[MAIN]
    forge.refs[f"refs/lfci/inbox/{forge.tree(tip)}/{'0' * 64}"] = forge.tree(tip)
    forge.land(forge.run(tip, document=BEFORE))
    assert codes(push(forge, document(("t::one", "passed")))) == {"LFCI213"}


def test_an_approval_of_the_whole_change_lets_the_unknown_land() -> None:
    forge = forge_with(APPROVAL)
    commit = by_trailer(forge, document(("t::one", "passed")))
    refused = forge.judge(forge.to_main(commit))
    assert codes(refused) == {"LFCI221"}
    assert refused.refs[0].reasons[0].hint == f"ask a maintainer for: lfci approve {commit[:12]} --tests"
    accepted = forge.judge(forge.to_main(commit), whole_approval(forge, commit))
    assert codes(accepted) == set()
    said = "approved: check test: the result document of a run that counts is missing"
    assert said in accepted.refs[0].remarks


# -- the last result before the base ------------------------------------------------------------------


def unattested(forge: MemoryForge, number: int) -> ObjectId:
    """A commit that landed with no evidence, as by a bypass."""
    return forge.commit({"src/lib.py": b"%d\n" % number, ".lfci/policy.toml": forge.bootstrap_policy})


@pytest.mark.parametrize(("landings", "compared"), [(1, True), (3, True), (4, False)])
def test_a_base_without_a_result_is_compared_with_the_last_one_before_it(
    landings: int, compared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_tests, "LOOKED_BACK", 4)
    forge = forge_with(REFUSE)
    for number in range(landings):
        forge.refs[MAIN] = unattested(forge, number)
    verdict = push(forge, document(("t::one", "passed")))
    assert codes(verdict) == ({"LFCI213"} if compared else set())
    said = "check test: no result of the base, so no tests were compared"
    assert (said in verdict.refs[0].remarks) != compared
    assert codes(push(forge, BEFORE)) == set()


def test_a_new_branch_is_compared_with_what_landed_before_it_left() -> None:
    forge = forge_with(REFUSE)
    between = unattested(forge, 1)
    forge.refs[MAIN] = forge.commit(
        {"src/lib.py": b"2\n", ".lfci/policy.toml": forge.bootstrap_policy}, parents=[between]
    )
    forge.land(forge.run(forge.refs[MAIN], document=BEFORE))
    commit = forge.commit(CHANGE | {".lfci/policy.toml": forge.bootstrap_policy}, parents=[between])
    update = RefUpdate("refs/heads/release/1", None, commit)
    fewer = forge.run(commit, document=document(("t::one", "passed")))
    assert codes(forge.judge(update, fewer)) == {"LFCI213"}
    assert codes(forge.judge(update, forge.run(commit, document=BEFORE))) == set()


def test_where_history_ends_nothing_more_is_looked_for() -> None:
    forge = forge_with(REFUSE, before=None)
    root = forge.refs[MAIN]
    forge.refs[MAIN] = unattested(forge, 1)
    commit = next_commit(forge)
    run = forge.run(commit, document=BEFORE)
    del forge.objects.objects[root]
    forge.history = lambda base, new, limit: History((new,), (new,), True)  # type: ignore[method-assign]
    verdict = forge.judge(forge.to_main(commit), run)
    assert codes(verdict) == set()


def test_objects_that_cannot_be_read_leave_it_undecided() -> None:
    forge = forge_with(REFUSE, before=None)
    root = forge.refs[MAIN]
    forge.refs[MAIN] = unattested(forge, 1)
    commit = next_commit(forge)
    kept = forge.objects.read

    def read(oid: ObjectId, *, limit: int = 2**26) -> GitObject:
        if oid == root:
            raise Undecided("LFCI513", "git ended")
        return kept(oid, limit=limit)

    forge.objects.read = read  # type: ignore[method-assign]
    verdict = forge.judge(forge.to_main(commit), forge.run(commit, document=BEFORE))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI513"})


@pytest.mark.parametrize("config", [b"no", None, b"version = 1\n"])
def test_a_base_that_declares_no_such_check_has_no_result(config: bytes | None) -> None:
    forge = forge_with(REFUSE, before=None)
    forge.refs[MAIN] = forge.commit(
        {".lfci/config.toml": config, ".lfci/policy.toml": forge.bootstrap_policy}
    )
    commit = configured(forge, CONFIG)
    verdict = forge.judge(
        forge.to_main(commit),
        forge.run(commit, document=BEFORE),
        *forge.approvals(commit, policy=forge.bootstrap_policy),
    )
    assert codes(verdict) == set()
    assert "check test: no result of the base, so no tests were compared" in verdict.refs[0].remarks
    limits = Limits()
    policy = parse_policy(forge.bootstrap_policy or b"")
    sight = Sight(forge, EvidenceBook(forge, policy, limits, {}), Results(forge, {}, limits), policy, limits)
    assert passing_runs(sight, forge.tree(forge.refs[MAIN]), policy.rules[0].require[0]) == []


# -- whose word about the base counts -----------------------------------------------------------------


def test_runs_of_the_base_by_those_who_were_ever_lent_a_role_count() -> None:
    """A delegation that has ended gives nothing now; what landed by it was tested."""
    delegations = [
        {"from": "agent", "to": "helper", "paths": ["docs/"], "until": NOW - timedelta(days=9)},
        {"from": "helper", "to": "maintainer", "refs": ["refs/heads/x"], "until": NOW - timedelta(days=9)},
    ]
    forge = started(policy_text(rules=(RULE | REFUSE,), delegations=delegations))
    forge.land(forge.run(forge.refs[MAIN], MAINTAINER, document=BEFORE))
    assert codes(push(forge, document(("t::one", "passed")))) == {"LFCI213"}


def test_runs_by_those_who_were_lent_another_role_do_not() -> None:
    delegations = [{"from": "other", "to": "maintainer", "paths": ["docs/"], "until": NOW}]
    forge = started(policy_text(rules=(RULE | REFUSE,), delegations=delegations))
    forge.land(forge.run(forge.refs[MAIN], MAINTAINER, document=BEFORE))
    assert codes(push(forge, document(("t::one", "passed")))) == set()


def test_one_signature_with_the_role_is_enough() -> None:
    forge = forge_with(REFUSE, before=None)
    run, data = passing_run(forge.objects, forge.tree(forge.refs[MAIN]), NOW, document=BEFORE)
    one, other = (sign(format_statement(run), signer) for signer in (AGENT, MAINTAINER))
    both = replace(one, signatures=one.signatures + other.signatures)
    forge.land(forge.delivery(format_bundle(make_bundle(both, AGENT.public)), data))
    assert codes(push(forge, document(("t::one", "passed")))) == {"LFCI213"}


def test_nobody_who_comes_later_hides_what_the_base_landed_with() -> None:
    """Of a note with more bundles than are looked at, the first ones are, and the newest."""
    forge = forge_with(REFUSE, before=None)
    less = document(("t::one", "passed"))
    honest = forge.run(forge.refs[MAIN], SECOND_AGENT, document=BEFORE)
    flood = [forge.run(forge.refs[MAIN], document=less, duration_ms=number) for number in range(1, 8)]
    held = [read_inbox_tree(forge.objects, update.new or "") for update in (honest, *flood)]
    documents = [data for _, data in held if data is not None]
    forge.refs[RESULTS_REF] = forge.commit_of(
        updated_results_tree(forge.objects, None, documents, forge.objects.add) or ""
    )
    subject = forge.run(forge.refs[MAIN]).ref.split("/")[3]
    first, *others = (line for line, _ in held)

    def codes_with(*lines: bytes) -> set[str]:
        text = b"".join(line + b"\n" for line in lines)
        tree = updated_notes_tree(forge.objects, None, {subject: text}, forge.objects.add)
        forge.refs[NOTES_REF] = forge.commit_of(tree)
        commit = next_commit(forge)
        limits = Limits(noted=4, first_noted=2)
        return codes(forge.judge(forge.to_main(commit), forge.run(commit, document=less), limits=limits))

    assert codes_with(first, *others) == {"LFCI213"}
    assert codes_with(others[0], first, *others[1:]) == {"LFCI213"}
    assert codes_with(*others[:-1], first, others[-1]) == {"LFCI213"}  # among the newest two
    assert codes_with(*others[:3], first, *others[3:]) == set()  # in the middle: not looked at


@pytest.mark.parametrize(
    "other",
    [{"definition": "0" * 64}, {"repository": "11111111-2222-3333-4444-555555555555"}, {"check": "lint"}],
)
def test_runs_of_something_else_say_nothing_of_the_base(other: dict[str, Any]) -> None:
    """They are of the same tree, as is an approval of all of it."""
    forge = forge_with(REFUSE, before=None)
    run, data = passing_run(forge.objects, forge.tree(forge.refs[MAIN]), NOW, document=BEFORE)
    forge.land(forge.delivery(bundle(replace(run, **other), AGENT), data))
    tree = forge.tree(forge.refs[MAIN])
    approval = Approval(tree, tree, REPOSITORY, MAIN, WHOLE, "maintainer", "seen", NOW)
    forge.land(forge.delivery(bundle(approval, MAINTAINER)))
    verdict = push(forge, document(("t::one", "passed")))
    assert codes(verdict) == set()
    assert "check test: no result of the base, so no tests were compared" in verdict.refs[0].remarks


def test_a_failed_run_of_the_base_says_nothing() -> None:
    forge = forge_with(REFUSE, before=None)
    failed = replace(document(("t::one", "failed"), ("t::two", "passed")), exit_code=1)
    forge.land(forge.run(forge.refs[MAIN], document=failed, result=Outcome.FAILED))
    assert codes(push(forge, document(("t::one", "passed")))) == set()


# -- tests in files that moved ------------------------------------------------------------------------

TEST = FILES["tests/test_lib.py"]
MOVED: dict[str, bytes | None] = {"tests/test_lib.py": None, "qa/test_lib.py": TEST}


def moved(forge: MemoryForge, after: ResultDocument, changes: dict[str, bytes | None] = MOVED) -> Verdict:
    commit = forge.commit(changes | {".lfci/policy.toml": forge.bootstrap_policy})
    return forge.judge(forge.to_main(commit), forge.run(commit, document=after))


def passed(*ids: str) -> ResultDocument:
    return document(*((each, "passed") for each in ids))


OPEN = REFUSE | {"protect": []}


def test_tests_of_a_file_that_moved_are_renamed_and_that_is_said() -> None:
    forge = forge_with(OPEN, passed("tests.test_lib::a", "tests.test_lib.T::b[x]"))
    verdict = moved(forge, passed("qa.test_lib::a", "qa.test_lib.T::b[x]"))
    assert verdict.kind is VerdictKind.ACCEPTED
    (remark,) = verdict.refs[0].remarks
    pairs = "tests.test_lib.T::b[x] -> qa.test_lib.T::b[x], tests.test_lib::a -> qa.test_lib::a"
    assert remark == f"check test: renamed: {pairs}"


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        # One of them is not run where it is now.
        (("tests.test_lib::a", "tests.test_lib::b"), ("qa.test_lib::a",), MOVED),
        # Another parameter is another test.
        (("tests.test_lib::a[1]",), ("qa.test_lib::a[2]",), MOVED),
        # A function that is called otherwise, in a file that changed.
        (
            ("tests.test_lib::a",),
            ("tests.test_lib::b",),
            {"tests/test_lib.py": TEST.replace(b"test_answer", b"test_question")},
        ),
        # The file changed on the way.
        (("tests.test_lib::a",), ("qa.test_lib::a",), {**MOVED, "qa/test_lib.py": TEST + b"#\n"}),
        # It was copied, and its own tests are not run any more.
        (("tests.test_lib::a",), ("qa.test_lib::a",), {"qa/test_lib.py": TEST}),
        # It moved onto an id that there was.
        (("tests.test_lib::a", "qa.test_lib::a"), ("qa.test_lib::a",), MOVED),
        # Another test whose id begins like it.
        (("tests.test_lib_more::a",), ("qa.test_lib_more::a",), MOVED),
    ],
)
def test_what_is_no_rename(
    before: tuple[str, ...], after: tuple[str, ...], changes: dict[str, bytes | None]
) -> None:
    reason = the_reason(moved(forge_with(OPEN, passed(*before)), passed(*after), changes))
    assert reason.code == "LFCI213"
    assert reason.facts[0].startswith("removed: ")


def test_two_equal_files_that_become_one_are_a_removal() -> None:
    forge = started(policy_text(rules=(RULE | OPEN,)))
    twins: dict[str, bytes | None] = {"tests/one.py": TEST, "tests/two.py": TEST}
    forge.refs[MAIN] = forge.commit(twins | {".lfci/policy.toml": forge.bootstrap_policy})
    forge.land(forge.run(forge.refs[MAIN], document=passed("tests.one::a", "tests.two::a")))
    verdict = moved(forge, passed("qa.both::a"), {"qa/both.py": TEST})
    assert the_reason(verdict).facts == ("removed: tests.two::a",)
    assert "check test: renamed: tests.one::a -> qa.both::a" in verdict.refs[0].remarks


def test_an_empty_file_that_moves_hides_nothing() -> None:
    forge = started(policy_text(rules=(RULE | OPEN,)))
    forge.refs[MAIN] = forge.commit({"tests/unit.py": b"", ".lfci/policy.toml": forge.bootstrap_policy})
    forge.land(forge.run(forge.refs[MAIN], document=passed("tests.unit::a")))
    verdict = moved(forge, passed("tests.other::a"), {"tests/other.py": b""})
    assert the_reason(verdict).facts == ("removed: tests.unit::a",)


def test_renames_are_looked_for_from_the_tree_that_has_the_result() -> None:
    """The file moved in a landing without a result; the tests are still the same tests."""
    forge = forge_with(OPEN, passed("tests.test_lib::a"))
    forge.refs[MAIN] = forge.commit(MOVED | {".lfci/policy.toml": forge.bootstrap_policy})
    verdict = moved(forge, passed("qa.test_lib::a"), {**MOVED, "src/lib.py": b"1\n"})
    assert codes(verdict) == set()
    assert "check test: renamed: tests.test_lib::a -> qa.test_lib::a" in verdict.refs[0].remarks
