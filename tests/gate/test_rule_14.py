"""Rule 14 on objects in memory: tests that vanish against the base, dependencies that are not pinned."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from lfci_gate.config.policy import parse_policy
from lfci_gate.gate.against_base import WHOLE, whole_change
from lfci_gate.gate.protect import Change
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    Approval,
    LockfileFact,
    ObjectId,
    RefUpdate,
    ResultDocument,
    Sha256,
    TestCase,
    Verdict,
    VerdictKind,
)
from tests.support.evidence import NOW, REPOSITORY
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import MAIN, MemoryForge, codes, started
from tests.support.statements import bundle

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
    ],
)
def test_a_test_that_passed_and_is_gone_or_skipped_vanished(after: ResultDocument, gone: int) -> None:
    verdict = push(forge_with(REFUSE), after)
    assert codes(verdict) == ({"LFCI213"} if gone else set())
    if gone:
        (reason,) = verdict.refs[0].reasons
        assert reason.message.startswith(f"{gone} test")
        assert "t::two" in reason.facts[0]
    else:
        assert verdict.kind is VerdictKind.ACCEPTED


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


@pytest.mark.parametrize(("unpinned", "codes_then"), [(0, set()), (2, {"LFCI214"}), (None, {"LFCI214"})])
def test_dependencies_that_are_not_known_to_be_pinned(unpinned: int | None, codes_then: set[str]) -> None:
    forge = forge_with({"dependencies": {"unpinned": "refuse"}})
    commit = next_commit(forge)
    fact = LockfileFact("flake.lock", _digest(forge, commit), None if unpinned is None else 3, unpinned)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit, lockfiles=(fact,)))
    assert codes(verdict) == codes_then


def _digest(forge: MemoryForge, commit: ObjectId) -> Sha256:
    data = read_file(forge.objects, forge.tree(commit), b"flake.lock", 1 << 20)
    assert data is not None
    return Sha256(hashlib.sha256(data).hexdigest())
