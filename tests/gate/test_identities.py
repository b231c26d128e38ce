"""Who is behind the keys: thresholds, vetoes and the separation of attesting and approving count holders,
limited roles and delegations count where they reach. Rules 10 to 13, on objects in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import Envelope
from lfci_gate.model import ObjectId, RefUpdate, VerdictKind
from tests.gate.test_rules_04_to_12 import DAY, FAILED, SOURCE, key, note, outcome
from tests.support.evidence import NOW, TestSigner, ed25519_signer
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started
from tests.support.statements import bundle, passing_run

LAPTOP, SERVER = ed25519_signer("alice's laptop"), ed25519_signer("alice's server")
TESTS: dict[str, bytes | None] = {"tests/test_lib.py": b"def test_answer():\n    assert 1\n"}
DOCS: dict[str, bytes | None] = {"docs/guide.md": b"read this\n"}


@pytest.fixture
def forge() -> MemoryForge:
    return started()


def with_keys(keys: dict[str, Any], *, rule: dict[str, Any] | None = None, **extra: Any) -> bytes:
    """A policy of alice's two keys, a maintainer, and these."""
    alice = {
        "laptop": key(LAPTOP, "agent", "maintainer", identity="alice"),
        "server": key(SERVER, "agent", "maintainer", identity="alice"),
        "maintainer": key(MAINTAINER, "maintainer"),
    }
    return policy_text(keys=alice | keys, rules=({**RULE, **(rule or {})},), **extra)


def needs(threshold: int, **more: Any) -> dict[str, Any]:
    return {"require": [{"check": "test", "roles": ["agent"], "threshold": threshold, **more}]}


def at(forge: MemoryForge, commit: ObjectId, minutes: int, signer: TestSigner, **changes: Any) -> RefUpdate:
    """A run that was issued so many minutes ago."""
    moment = NOW - timedelta(minutes=minutes)
    attester = signer.public.fingerprint
    return forge.run(commit, signer, issued_at=moment, started_at=moment, attester=attester, **changes)


def reasons(forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate) -> str:
    """All that is said when a push is refused."""
    verdict = forge.judge(forge.to_main(commit), *deliveries)
    assert verdict.kind is VerdictKind.REFUSED
    found = [each for ref in verdict.refs for each in ref.reasons]
    return "\n".join(line for each in found for line in (each.message, *each.facts))


# -- thresholds ------------------------------------------------------------------------------------


def test_two_keys_of_one_holder_count_once(forge: MemoryForge) -> None:
    forge.server_policy = with_keys({"bob": key(AGENT, "agent")}, rule=needs(2))
    commit = forge.commit(SOURCE)
    laptop, server = forge.run(commit, LAPTOP), at(forge, commit, 2, SERVER)
    assert outcome(forge, laptop, server, commit=commit) == {"LFCI111"}
    assert "1 of 2 distinct identities attest it" in reasons(forge, commit, laptop, server)
    for one in (laptop, server):
        assert outcome(forge, one, forge.run(commit, AGENT, duration_ms=7), commit=commit) == set()
    forge.server_policy = with_keys({}, rule=needs(1))
    assert outcome(forge, server, commit=commit) == set()


def test_two_signatures_of_one_holder_under_one_statement_count_once(forge: MemoryForge) -> None:
    forge.server_policy = with_keys({"bob": key(AGENT, "agent")}, rule=needs(2))
    commit = forge.commit(SOURCE)
    statement, _ = passing_run(forge.objects, forge.tree(commit), NOW)

    def signed_by(*signers: TestSigner) -> bytes:
        envelopes = [parse_bundle(bundle(statement, each)).envelope for each in signers]
        both = tuple(signature for each in envelopes for signature in each.signatures)
        return format_bundle(make_bundle(Envelope(envelopes[0].payload, both), signers[0].public))

    note(forge, commit, signed_by(LAPTOP, SERVER))
    assert outcome(forge, commit=commit) == {"LFCI111"}
    note(forge, commit, signed_by(LAPTOP, AGENT))
    assert outcome(forge, commit=commit) == set()


def test_approvals_of_two_keys_of_one_holder_count_once(forge: MemoryForge) -> None:
    protect = [{"paths": ["tests/", ".lfci/"], "roles": ["maintainer"], "threshold": 2}]
    policy = with_keys({"bob": key(AGENT, "agent")}, rule={"protect": protect})
    forge.server_policy = policy
    commit = forge.commit(TESTS)
    run = forge.run(commit, AGENT)
    laptop = forge.approvals(commit, LAPTOP, policy=policy, reason="laptop")
    server = forge.approvals(commit, SERVER, policy=policy, reason="server")
    assert outcome(forge, run, *laptop, *server, commit=commit) == {"LFCI206"}
    assert "needs 2 of role maintainer, has 1" in reasons(forge, commit, run, *laptop, *server)
    other = forge.approvals(commit, MAINTAINER, policy=policy)
    assert outcome(forge, run, *server, *other, commit=commit) == set()


def test_who_attested_with_one_key_does_not_approve_with_another(forge: MemoryForge) -> None:
    policy = with_keys({"bob": key(AGENT, "agent")})
    forge.server_policy = policy
    commit = forge.commit(TESTS)
    approval = forge.approvals(commit, SERVER, policy=policy)
    laptop = forge.run(commit, LAPTOP)
    assert outcome(forge, laptop, *approval, commit=commit) == {"LFCI215"}
    assert "alice: attested the change" in reasons(forge, commit, laptop, *approval)
    # With somebody else's run her own is not needed.
    assert outcome(forge, laptop, forge.run(commit, AGENT, duration_ms=7), *approval, commit=commit) == set()
    forge.server_policy = policy = with_keys(
        {"bob": key(AGENT, "agent")}, rule=needs(2)
    )  # now it is, whichever of her keys made it
    both = [at(forge, commit, 2, SERVER), forge.run(commit, AGENT, duration_ms=7)]
    assert outcome(forge, laptop, *both, *approval, commit=commit) == {"LFCI215"}


def test_an_approver_who_is_needed_least_is_spared_first(forge: MemoryForge) -> None:
    """Ann ran both checks, bob and carl one each; two of the three can be spared, but only bob and carl."""
    carl = ed25519_signer("carl")
    config = FILES[".lfci/config.toml"] or b""
    lint = config + b'\n[checks.lint]\nrun = ["x"]\nreport = { format = "junit", path = "junit.xml" }\n'
    checks = [{"check": name, "roles": ["agent"]} for name in ("test", "lint")]
    protect = [{"paths": ["tests/", ".lfci/policy.toml"], "roles": ["maintainer"], "threshold": 2}]
    people = {"ann": AGENT, "bob": SECOND_AGENT, "carl": carl}
    keys = {name: key(signer, "agent", "maintainer") for name, signer in people.items()}
    policy = policy_text(keys=keys, rules=({**RULE, "require": checks, "protect": protect},))
    forge = started(policy)
    forge.refs[MAIN] = forge.commit({".lfci/config.toml": lint, ".lfci/policy.toml": policy})
    commit = forge.commit({**TESTS, ".lfci/config.toml": lint, ".lfci/policy.toml": policy})
    runs = [
        at(forge, commit, 1, AGENT),
        at(forge, commit, 1, AGENT, check="lint"),
        at(forge, commit, 1, SECOND_AGENT),
        at(forge, commit, 1, carl, check="lint"),
    ]
    approvals = [
        each
        for name, signer in people.items()
        for each in forge.approvals(commit, signer, policy=policy, reason=name)
    ]
    assert outcome(forge, *runs, *approvals, commit=commit) == set()


# -- vetoes ----------------------------------------------------------------------------------------


def test_a_failure_of_one_key_vetoes_the_other_key_of_its_holder(forge: MemoryForge) -> None:
    forge.server_policy = with_keys({"bob": key(AGENT, "agent")})
    commit = forge.commit(SOURCE)
    failed = at(forge, commit, 5, SERVER, **FAILED)
    assert outcome(forge, at(forge, commit, 9, LAPTOP), failed, commit=commit) == {"LFCI108"}
    assert outcome(forge, at(forge, commit, 5, LAPTOP), failed, commit=commit) == {"LFCI108"}
    assert outcome(forge, at(forge, commit, 4, LAPTOP), failed, commit=commit) == set()
    assert outcome(forge, at(forge, commit, 9, AGENT), failed, commit=commit) == set()
    # Another system is another question.
    other = at(forge, commit, 5, SERVER, **FAILED, system="aarch64-linux")
    assert outcome(forge, at(forge, commit, 9, LAPTOP), other, commit=commit) == set()


@pytest.mark.parametrize(
    "times",
    [
        {"revoked": NOW - DAY},
        {"revoked": NOW},
        {"valid-until": NOW},
        {"valid-from": NOW + DAY},
        {"valid-from": NOW - timedelta(minutes=1)},  # not valid when it said so
    ],
)
def test_a_key_that_does_not_count_vetoes_nothing(forge: MemoryForge, times: dict[str, Any]) -> None:
    forge.server_policy = with_keys({"server": key(SERVER, "agent", identity="alice", **times)})
    commit = forge.commit(SOURCE)
    laptop, failed = at(forge, commit, 9, LAPTOP), at(forge, commit, 5, SERVER, **FAILED)
    assert outcome(forge, laptop, failed, commit=commit) == set()
    assert outcome(forge, failed, commit=commit) == {"LFCI103"}
    assert outcome(forge, at(forge, commit, 5, SERVER), commit=commit) == {"LFCI103"}


# -- rotation --------------------------------------------------------------------------------------


def test_a_key_is_rotated_with_an_overlap(forge: MemoryForge) -> None:
    """The new key counts from its first day; the old one's evidence goes on counting until it ends or is
    revoked; both together are one holder all the time."""

    def rotated(**old: Any) -> bytes:
        keys = {
            "laptop": key(LAPTOP, "agent", identity="alice", **old),
            "server": key(SERVER, "agent", identity="alice", **{"valid-from": NOW - timedelta(minutes=10)}),
        }
        return with_keys(keys)

    commit = forge.commit(SOURCE)
    before, after = at(forge, commit, 30, LAPTOP), at(forge, commit, 2, SERVER)
    early = at(forge, commit, 11, SERVER)
    for still in ({}, {"valid-until": NOW + timedelta(seconds=1)}, {"revoked": NOW + DAY}):
        forge.server_policy = rotated(**still)
        assert outcome(forge, before, commit=commit) == set(), still
        assert outcome(forge, after, commit=commit) == set(), still
        assert outcome(forge, early, commit=commit) == {"LFCI103"}, still
        forge.server_policy = rotated(**still).replace(b'check = "test"', b'check = "test"\nthreshold = 2')
        assert outcome(forge, before, after, commit=commit) == {"LFCI111"}, still
    for ended in ({"valid-until": NOW}, {"revoked": NOW}):
        forge.server_policy = rotated(**ended)
        assert outcome(forge, before, commit=commit) == {"LFCI103"}, ended
        assert outcome(forge, after, commit=commit) == set(), ended


# -- limited roles and delegations -----------------------------------------------------------------


def scoped(refs: list[str] | None = None, paths: list[str] | None = None, **rule: Any) -> bytes:
    """Docs agents attest only what `refs` and `paths` say."""
    limits = {name: value for name, value in (("refs", refs), ("paths", paths)) if value}
    require = [{"check": "test", "roles": ["agent", "docs-agent"]}]
    keys = {"agent": key(AGENT, "agent"), "docs": key(SECOND_AGENT, "docs-agent")}
    return with_keys(keys, rule={"require": require, **rule}, roles={"docs-agent": limits})


def test_a_limited_agent_attests_only_what_it_is_for(forge: MemoryForge) -> None:
    forge.server_policy = scoped(paths=["docs/"])
    docs, source, both = forge.commit(DOCS), forge.commit(SOURCE), forge.commit({**DOCS, **SOURCE})
    assert outcome(forge, forge.run(docs, SECOND_AGENT), commit=docs) == set()
    for commit in (source, both):
        run = forge.run(commit, SECOND_AGENT)
        assert outcome(forge, run, commit=commit) == {"LFCI109"}
        assert "docs-agent counts only for changes of docs/, and src/lib.py changed" in reasons(
            forge, commit, run
        )
        assert outcome(forge, run, forge.run(commit, AGENT), commit=commit) == set()
    forge.server_policy = scoped(refs=["refs/heads/release/*"])
    assert outcome(forge, forge.run(docs, SECOND_AGENT), commit=docs) == {"LFCI109"}
    release = RefUpdate("refs/heads/release/1", None, docs)
    assert codes(forge.judge(release, forge.run(docs, SECOND_AGENT))) == set()


def test_a_limited_role_is_about_the_change_from_the_old_tip(forge: MemoryForge) -> None:
    forge.server_policy = scoped(paths=["docs/"])
    forge.refs[MAIN] = forge.commit(SOURCE)  # as others landed it
    commit = forge.commit({**SOURCE, **DOCS})
    assert outcome(forge, forge.run(commit, SECOND_AGENT), commit=commit) == set()
    # What is changed and changed back on the way is looked at where every commit is.
    middle = forge.commit({**SOURCE, **DOCS, "src/other.py": b"x\n"})
    tip = forge.commit({**SOURCE, **DOCS}, parents=[middle])
    runs = [forge.run(each, SECOND_AGENT) for each in (middle, tip)]
    assert outcome(forge, *runs, commit=tip) == set()
    forge.server_policy = scoped(paths=["docs/"], scope="each")
    assert "LFCI109" in outcome(forge, *runs, commit=tip)
    assert outcome(forge, *runs, forge.run(middle, AGENT), commit=tip) == set()


def test_the_first_landing_changes_every_path() -> None:
    policy = scoped(paths=["docs/"])
    forge = MemoryForge(bootstrap_policy=policy)
    commit = forge.commit({".lfci/policy.toml": None})
    assert outcome(forge, forge.run(commit, SECOND_AGENT), commit=commit) == {"LFCI109"}
    forge.bootstrap_policy = policy = scoped(paths=["**"])
    assert outcome(forge, forge.run(commit, SECOND_AGENT), commit=commit) == set()
    commit = forge.commit({".lfci/policy.toml": policy})
    assert outcome(forge, forge.run(commit, SECOND_AGENT), commit=commit) == {"LFCI109"}


def delegated(until: Any = NOW + DAY, **where: Any) -> bytes:
    """Maintainers let leads approve."""
    link = {"from": "maintainer", "to": "lead", "until": until, **(where or {"paths": ["tests/"]})}
    keys = {"agent": key(AGENT, "agent"), "lead": key(SECOND_AGENT, "lead")}
    protect = [{"paths": ["tests/", ".lfci/"], "roles": ["maintainer"]}]
    return with_keys(keys, rule={"protect": protect}, delegations=[link])


def test_a_delegate_approves_what_was_delegated(forge: MemoryForge) -> None:
    commit = forge.commit(TESTS)

    def approved(policy: bytes, commit: ObjectId = commit) -> set[str]:
        forge.server_policy = policy
        lead = forge.approvals(commit, SECOND_AGENT, policy=policy)
        return outcome(forge, forge.run(commit), *lead, commit=commit)

    assert approved(delegated()) == set()
    assert approved(delegated(refs=[MAIN])) == set()
    assert approved(delegated(until=NOW)) == {"LFCI215"}
    assert approved(delegated(until=NOW + timedelta(seconds=1))) == set()
    assert approved(delegated(refs=["refs/heads/release/*"])) == {"LFCI215"}
    assert approved(delegated(paths=["tests/other/"])) == {"LFCI215"}
    # The paths of the protected part decide, not those of the whole change.
    wider = forge.commit({**TESTS, **SOURCE})
    assert approved(delegated(), wider) == set()
    config = forge.commit({**TESTS, ".lfci/config.toml": (FILES[".lfci/config.toml"] or b"") + b"\n"})
    assert approved(delegated(), config) == {"LFCI215"}
    assert approved(delegated(paths=["tests/", ".lfci/"]), config) == set()


def test_a_delegate_attests_where_no_role_is_limited(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    keys = {"lead": key(SECOND_AGENT, "lead")}
    for until, codes_ in ((NOW + DAY, set()), (NOW, {"LFCI109"})):
        link = {"from": "agent", "to": "lead", "refs": [MAIN], "until": until}
        forge.server_policy = with_keys(keys, delegations=[link])
        assert outcome(forge, forge.run(commit, SECOND_AGENT), commit=commit) == codes_, until


def test_a_delegate_never_changes_the_policy(forge: MemoryForge) -> None:
    forge.server_policy = policy = delegated(paths=["**"])
    commit = forge.commit({".lfci/policy.toml": policy_text(version=2)})
    run = forge.run(commit)
    lead = forge.approvals(commit, SECOND_AGENT, policy=policy)
    assert outcome(forge, run, *lead, commit=commit) == {"LFCI215"}
    assert "counts by no limited or delegated role" in reasons(forge, commit, run, *lead)
    maintainer = forge.approvals(commit, MAINTAINER, policy=policy)
    assert outcome(forge, run, *maintainer, commit=commit) == set()


def test_a_limited_maintainer_never_changes_the_policy(forge: MemoryForge) -> None:
    policy = with_keys({"agent": key(AGENT, "agent")}, roles={"maintainer": {"paths": ["**"]}})
    forge.server_policy = policy
    tests = forge.commit(TESTS)
    approvals = forge.approvals(tests, MAINTAINER, policy=policy)
    assert outcome(forge, forge.run(tests), *approvals, commit=tests) == set()
    commit = forge.commit({".lfci/policy.toml": policy_text(version=2)})
    approvals = forge.approvals(commit, MAINTAINER, policy=policy)
    assert outcome(forge, forge.run(commit), *approvals, commit=commit) == {"LFCI215"}
