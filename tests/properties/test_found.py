"""Pushes that the machine found to be judged wrongly, as plain tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.gate.apart import Apart, Asked, Attested
from lfci_gate.model import ObjectId, RefUpdate, ResultDocument, TestCase
from tests.gate.test_rules_04_to_12 import key
from tests.support.evidence import BYPASS, NOW, ed25519_signer
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import MAIN, MemoryForge, codes, started
from tests.support.statements import cosigned

EVE, DAN = ed25519_signer("eve"), ed25519_signer("dan")
KEYS = {
    "ada": key(AGENT, "agent", "maintainer"),
    "bob": key(SECOND_AGENT, "agent", "maintainer"),
    "eve": key(EVE, "agent"),
    "dan": key(DAN, "agent"),
    "mia": key(MAINTAINER, "maintainer"),
}


def forge_with(**rule: Any) -> tuple[MemoryForge, bytes]:
    policy = policy_text(keys=KEYS, rules=({**RULE, **rule},))
    return started(policy), policy


def outcome(forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate) -> set[str]:
    return codes(forge.judge(forge.to_main(commit), *deliveries))


def test_two_who_attested_do_not_approve_one_part_each() -> None:
    """Part by part each was spare as an attester; together nobody was left who only attested."""
    protect = [{"paths": [path], "roles": ["maintainer"]} for path in ("tests/", "docs/")]
    forge, policy = forge_with(protect=protect)
    commit = forge.commit({".lfci/policy.toml": policy, "tests/test_lib.py": b"1\n", "docs/a": b"2\n"})
    tests, _ = forge.approvals(commit, AGENT, policy=policy)
    _, docs = forge.approvals(commit, SECOND_AGENT, policy=policy)
    runs = (forge.run(commit, AGENT), forge.run(commit, SECOND_AGENT))
    assert outcome(forge, commit, tests, docs, *runs) == {"LFCI215"}
    assert outcome(forge, commit, tests, docs, *runs, forge.run(commit, EVE)) == set()
    [_, also_docs] = forge.approvals(commit, AGENT, policy=policy)
    assert outcome(forge, commit, tests, also_docs, *runs) == set()


def test_an_approver_who_also_ran_the_check_is_no_trouble_where_others_corroborate_it() -> None:
    """Of two groups that got a result each, only the one that was counted first was thought of."""
    need = {"check": "test", "roles": ["agent"], "threshold": 2, "assurance": "corroborated"}
    forge, policy = forge_with(require=[need])
    commit = forge.commit({".lfci/policy.toml": policy, "tests/test_lib.py": b"1\n"})
    other = ResultDocument("test", 0, (TestCase("t::one", "passed"),), ())
    mine = [forge.run(commit, each, document=other) for each in (AGENT, SECOND_AGENT)]
    theirs = [forge.run(commit, each) for each in (EVE, DAN)]
    approvals = forge.approvals(commit, AGENT, policy=policy)
    assert outcome(forge, commit, *approvals, *mine, *theirs) == set()
    assert outcome(forge, commit, *approvals, *mine, theirs[0]) == {"LFCI215"}


def test_a_bypass_where_the_rule_knows_none_under_a_policy_with_limited_roles() -> None:
    """Whether its signers had a role for it was asked of no role at all, and was an internal error."""
    policy = policy_text(keys=KEYS, roles={"agent": {"paths": ["src/"]}})
    forge = started(policy)
    commit = forge.commit({".lfci/policy.toml": policy, "src/lib.py": b"1\n"})
    bypass = replace(BYPASS, commit=commit, old=forge.refs[MAIN], not_after=NOW + timedelta(hours=1))
    line = cosigned(bypass, AGENT, SECOND_AGENT)
    assert outcome(forge, commit, forge.delivery(line)) == {"LFCI101", "LFCI218"}


people = st.frozensets(st.sampled_from("abcdef"), max_size=5)


@given(
    st.lists(st.builds(Asked, people, st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(
        st.builds(Attested, st.lists(people, min_size=1, max_size=2).map(tuple), st.integers(0, 3)),
        max_size=4,
    ),
)
def test_who_can_be_told_apart_is_found_whenever_there_is_a_way(
    parts: list[Asked], checks: list[Attested]
) -> None:
    """Against trying every set of approvers."""

    def works(approvers: frozenset[str], some: list[Asked]) -> bool:
        return all(len(part.approvers & approvers) >= part.threshold for part in some) and all(
            check.holds_without(approvers) for check in checks
        )

    sets = [frozenset(who for bit, who in enumerate("abcdef") if number >> bit & 1) for number in range(64)]
    apart = Apart(checks)
    approved: list[Asked] = []
    for part in parts:
        chosen = apart.approve(part)
        possible = any(works(each, [*approved, part]) for each in sets)
        assert (chosen is not None) == possible
        if chosen is not None:
            approved.append(part)
            assert works(chosen, approved)
