"""Rules 4 to 12 on objects in memory: new commits, trees, checks, and what evidence proves."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import Envelope
from lfci_gate.attest.trailer import format_inline, format_reference
from lfci_gate.errors import Refusal
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.rules import evaluate
from lfci_gate.model import (
    Engine,
    FileDigest,
    LockfileFact,
    Outcome,
    RefUpdate,
    ResultDocument,
    SessionFact,
    TestCase,
    VerdictKind,
)
from tests.support.evidence import (
    NOW,
    TestSigner,
    ecdsa_signer,
    oid,
    sha,
)
from tests.support.forge import AGENT, CONFIG, MAINTAINER, RULE, SECOND_AGENT, STRANGER, policy_text
from tests.support.memory_forge import MAIN, MemoryForge, codes, started
from tests.support.statements import bundle, passing_run

SOURCE: dict[str, bytes | None] = {"src/lib.py": b"answer = 43\n"}
DAY = timedelta(days=1)


@pytest.fixture
def forge() -> MemoryForge:
    return started()


def rule(**changes: Any) -> bytes:
    """A policy whose rule differs; given as the server's, so that the tree stays as it is."""
    return policy_text(rules=({**RULE, **changes},))


def require(**changes: Any) -> bytes:
    return rule(require=[{"check": "test", "roles": ["agent"], **changes}])


def key(signer: TestSigner, *roles: str, **times: Any) -> dict[str, Any]:
    from lfci_gate.attest.keys import format_public

    return {"public": format_public(signer.public), "roles": list(roles), **times}


def outcome(forge: MemoryForge, *deliveries: RefUpdate, commit: Any = None, **how: Any) -> set[str]:
    """Codes of pushing a change of the source with these deliveries; empty when accepted."""
    verdict = forge.judge(forge.to_main(commit or forge.commit(SOURCE)), *deliveries, **how)
    assert (verdict.kind is VerdictKind.ACCEPTED) == (not codes(verdict))
    return codes(verdict)


# -- rule 4 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"tree ", b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntree ", 1),
        lambda data: data.replace(b"author ", b"author A <a@b> 1 +0000\nauthor ", 1),
        lambda data: data.replace(b"committer ", b"comitter ", 1),
        lambda data: data.replace(b"\n\n", b"\ntree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\n", 1),
        lambda data: data + b"\0",
    ],
)
def test_rule_04_commits_that_two_readers_could_read_differently(
    forge: MemoryForge, spoil: Callable[[bytes], bytes]
) -> None:
    good = forge.commit(SOURCE)
    bad = forge.objects.add("commit", spoil(forge.objects.objects[good].data))
    verdict = evaluate_with_history(forge, bad, good)
    assert codes(verdict) == {"LFCI402"}


def evaluate_with_history(forge: MemoryForge, bad: Any, good: Any) -> Any:
    """The memory forge reads history strictly itself; git would not, so it is told."""
    from lfci_gate.gate.facts import History, Push

    class Told(MemoryForge):
        def history(self, base: Any, new: Any, limit: int) -> History:
            return History((bad,), (bad,), True)

    told = Told(forge.objects, forge.refs)
    return evaluate(Push((told.to_main(bad), forge.run(good)), NOW), told)


def test_rule_04_scope_tip_asks_for_the_tip_and_each_for_every_commit(forge: MemoryForge) -> None:
    middle = forge.commit({"src/lib.py": b"untested\n"})
    tip = forge.commit(SOURCE, parents=[middle])
    assert outcome(forge, forge.run(tip), commit=tip) == set()
    assert outcome(forge, forge.run(middle), commit=tip) == {"LFCI104"}
    forge.server_policy = rule(scope="each")
    verdict = forge.judge(forge.to_main(tip), forge.run(tip))
    assert [(each.code, each.commit) for each in verdict.refs[0].reasons] == [("LFCI104", middle)]
    assert outcome(forge, forge.run(tip), forge.run(middle), commit=tip) == set()


def test_rule_04_scope_each_is_the_line_of_first_parents(forge: MemoryForge) -> None:
    forge.server_policy = rule(scope="each")
    side = forge.commit({"src/lib.py": b"on the side\n"})
    merge = forge.commit(SOURCE, parents=[forge.refs[MAIN], side])
    assert outcome(forge, forge.run(merge), commit=merge) == set()
    turned = forge.commit(SOURCE, parents=[side, forge.refs[MAIN]])
    assert outcome(forge, forge.run(turned), commit=turned) == {"LFCI104"}
    assert outcome(forge, forge.run(turned), forge.run(side), commit=turned) == set()


def test_rule_04_a_tip_that_is_not_new_needs_evidence_too(forge: MemoryForge) -> None:
    forge.server_policy = rule(scope="each")
    landed = forge.refs["refs/heads/main"]
    forge.landed.add(landed)
    update = RefUpdate("refs/heads/release/1", None, landed)
    assert codes(forge.judge(update)) == {"LFCI101"}
    assert codes(forge.judge(update, forge.run(landed))) == set()


def test_rule_06_without_a_required_check_nothing_has_to_be_declared(forge: MemoryForge) -> None:
    forge.server_policy = rule(require=[], protect=[])
    assert outcome(forge, commit=forge.commit({".lfci/config.toml": None})) == set()


def test_rule_04_the_number_of_new_commits_is_bounded(forge: MemoryForge) -> None:
    class Long(MemoryForge):
        def history(self, base: Any, new: Any, limit: int) -> Any:
            raise Refusal("LFCI411", f"more than {limit} new commits")

    long = Long(forge.objects, forge.refs)
    assert outcome(long) == {"LFCI411"}


# -- rule 5 -------------------------------------------------------------------------------------


def test_rule_05_trees_of_all_new_commits_are_walked(forge: MemoryForge) -> None:
    blob = forge.objects.blob(b"x")
    evil = forge.commit_of(forge.objects.tree((0o100644, b".GIT", blob)), [forge.refs[MAIN]])
    tip = forge.commit(SOURCE, parents=[evil])
    assert outcome(forge, forge.run(tip), commit=tip) == {"LFCI401"}
    merge = forge.commit(SOURCE, parents=[forge.refs[MAIN], evil])
    assert outcome(forge, forge.run(merge), commit=merge) == {"LFCI401"}


def test_rule_05_gitlinks_only_where_the_rule_allows_them(forge: MemoryForge) -> None:
    objects = forge.objects
    base = forge.commit(SOURCE)
    entries = {entry[1]: entry for entry in _root(forge, base)}
    tree = objects.tree(*entries.values(), (0o160000, b"vendored", oid("elsewhere")))
    commit = forge.commit_of(tree, [forge.refs[MAIN]])
    assert outcome(forge, forge.run(commit), commit=commit) == {"LFCI407"}
    forge.server_policy = rule(gitlinks=True)
    assert outcome(forge, forge.run(commit), commit=commit) == set()


def _root(forge: MemoryForge, commit: Any) -> list[tuple[int, bytes, Any]]:
    from lfci_gate.git.tree import read_tree

    return [tuple(entry) for entry in read_tree(forge.objects, forge.tree(commit))]


def test_rule_05_tree_entries_are_bounded(forge: MemoryForge) -> None:
    commit = forge.commit({f"src/{number}": b"" for number in range(50)})
    how = {"limits": Limits(tree_entries=40)}
    assert outcome(forge, forge.run(commit), commit=commit, **how) == {"LFCI411"}


# -- rule 6 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (None, "LFCI404"),
        (b"version = 2\n", "LFCI405"),
        (b"version = 1\n[checks.lint]\nrun = 'true'\n", "LFCI406"),
        (CONFIG + b'inputs = ["nothing/here"]\n', "LFCI414"),
    ],
)
def test_rule_06_the_pushed_tree_declares_the_check(config: bytes | None, code: str) -> None:
    forge = started(rule(protect=[]))
    policy = forge.bootstrap_policy
    files = {".lfci/config.toml": config, ".lfci/policy.toml": policy, "flake.nix": None, "flake.lock": None}
    assert outcome(forge, commit=forge.commit(files)) == {code}


# -- rules 7 and 8 --------------------------------------------------------------------------------


def test_rule_07_evidence_counts_wherever_it_lies(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    assert outcome(forge, commit=commit) == {"LFCI101"}
    delivery = forge.run(commit)
    assert outcome(forge, delivery, commit=commit) == set()
    forge.land(delivery)
    assert outcome(forge, commit=commit) == set()
    del forge.refs[delivery.ref]
    note(forge, commit, line_of(forge, delivery))
    assert outcome(forge, commit=commit) == set()


def test_rule_07_an_inline_trailer_is_evidence_and_a_reference_is_not(forge: MemoryForge) -> None:
    line = line_of(forge, forge.run(forge.commit(SOURCE)))
    inline = f"change\n\nLfci-Attestation: {format_inline(parse_bundle(line))}\n".encode()
    assert outcome(forge, commit=forge.commit(SOURCE, message=inline)) == set()
    reference = f"change\n\nLfci-Attestation: {format_reference('0' * 64)}\n".encode()
    assert outcome(forge, commit=forge.commit(SOURCE, message=reference)) == {"LFCI101"}
    doubled = inline + inline.splitlines(keepends=True)[-1]
    assert outcome(forge, commit=forge.commit(SOURCE, message=doubled)) == {"LFCI409"}
    early = inline + b"\nnot the last paragraph\n"
    assert outcome(forge, commit=forge.commit(SOURCE, message=early)) == {"LFCI409"}
    bomb = b"change\n\nLfci-Attestation: v1." + _base64url(zlib.compress(b" " * (64 << 20))) + b"\n"
    assert outcome(forge, commit=forge.commit(SOURCE, message=bomb)) == {"LFCI409"}


def _base64url(data: bytes) -> bytes:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).rstrip(b"=")


def test_rule_07_a_note_listed_twice_is_not_read(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    tree, blob = forge.tree(commit), forge.objects.blob(b"{}\n")
    fanned = forge.objects.tree((0o100644, tree[2:].encode(), blob))
    doubled = forge.objects.tree((0o100644, tree.encode(), blob), (0o40000, tree[:2].encode(), fanned))
    forge.refs["refs/notes/lfci"] = forge.commit_of(doubled)
    assert outcome(forge, forge.run(commit), commit=commit) == {"LFCI410"}


def test_rule_07_of_a_long_note_the_newest_count(forge: MemoryForge) -> None:
    """A check whose inputs seldom change is attested by every landing again."""
    commit = forge.commit(SOURCE)
    lines = [line_of(forge, forge.run(commit, duration_ms=number)) for number in range(40)]
    note(forge, commit, *[b"{}"] * 5000, *lines)
    assert outcome(forge, commit=commit) == set()
    # The first ones are looked at as well; what is in between is not.
    note(forge, commit, lines[0], *[b"{}"] * 256)
    assert outcome(forge, commit=commit) == set()
    note(forge, commit, *[b"{}"] * 64, lines[0], *[b"{}"] * 192)
    assert outcome(forge, commit=commit) == {"LFCI110"}
    note(forge, commit, *[b"{}"] * 65, lines[0], *[b"{}"] * 191)
    assert outcome(forge, commit=commit) == set()
    # Of a short one each line is one candidate.
    note(forge, commit, lines[0])
    assert outcome(forge, commit=commit, limits=Limits(candidates=1)) == set()


def test_rule_07_what_is_malformed_in_the_inbox_is_passed_over(forge: MemoryForge) -> None:
    """Rule 3 keeps it out; it may be from before the gate."""
    commit = forge.commit(SOURCE)
    evidence = forge.run(commit)
    forge.refs[evidence.ref.rpartition("/")[0] + "/" + "0" * 64] = forge.objects.blob(b"no tree")
    assert outcome(forge, commit=commit) == {"LFCI101"}
    assert outcome(forge, evidence, commit=commit) == set()


def test_rule_07_more_candidates_than_the_limit_decide_nothing(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    deliveries = [forge.run(commit, duration_ms=number) for number in range(3)]
    verdict = forge.judge(forge.to_main(commit), *deliveries, limits=Limits(candidates=2))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI503"})
    verdict = forge.judge(forge.to_main(commit), *deliveries, limits=Limits(verifications=2))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI503"})


def test_rule_08_the_signatures_of_a_push_are_bounded_over_all_its_refs(forge: MemoryForge) -> None:
    deliveries, updates = [], []
    for number, ref in enumerate((MAIN, "refs/heads/release/1")):
        commit = forge.commit({"src/lib.py": b"answer = %d\n" % number})
        deliveries.append(forge.run(commit))
        updates.append(RefUpdate(ref, forge.refs.get(ref), commit))
    # Each attestation may be asked of three keys; the agent's is hinted, so it is asked first.
    for most, found in ((2, set()), (1, {"LFCI503"})):
        verdict = forge.judge(*updates, *deliveries, limits=Limits(verifications=most))
        assert codes(verdict) == found
    for update, delivery in zip(updates, deliveries, strict=True):
        assert codes(forge.judge(update, delivery, limits=Limits(verifications=1))) == set()


def test_rule_08_each_attestation_is_verified_once_and_a_second_envelope_is_paid_for(
    forge: MemoryForge,
) -> None:
    """Whose signatures lie in two envelopes is asked again, about all of them and all their keys."""
    commit = forge.commit(SOURCE)
    statement, _ = passing_run(forge.objects, forge.tree(commit), NOW)
    lines = [bundle(statement, signer) for signer in (AGENT, SECOND_AGENT)]
    three = [*lines, bundle(statement, MAINTAINER)]
    for offered, cost in (
        *((lines[:1], 1), ([lines[0]] * 3, 1), (lines, 6), ([*lines, *lines], 6)),
        (three, 3 + 2 * 2 + 3 * 3),
    ):
        note(forge, commit, *offered)
        assert outcome(forge, commit=commit, limits=Limits(verifications=cost)) == set(), offered
        short = outcome(forge, commit=commit, limits=Limits(verifications=cost - 1))
        assert short == {"LFCI503"}, offered


def test_rule_08_whoever_the_hint_names_wrongly_is_asked_only_once(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    statement, _ = passing_run(forge.objects, forge.tree(commit), NOW)
    envelope = parse_bundle(bundle(statement, SECOND_AGENT)).envelope
    # The others are asked in the policy's order: agent, maintainer, second-agent.
    for named, cost in ((SECOND_AGENT, 1), (AGENT, 3), (MAINTAINER, 3)):
        note(forge, commit, format_bundle(make_bundle(envelope, named.public)))
        assert outcome(forge, commit=commit, limits=Limits(verifications=cost)) == set()
        assert outcome(forge, commit=commit, limits=Limits(verifications=cost - 1)) == {"LFCI503"}


def test_rule_08_an_attestation_has_a_largest_size(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    line = line_of(forge, forge.run(commit))
    note(forge, commit, line)
    assert outcome(forge, commit=commit, limits=Limits(bundle_bytes=len(line))) == set()
    assert outcome(forge, commit=commit, limits=Limits(bundle_bytes=len(line) - 1)) == {"LFCI110"}


def test_rule_07_what_the_fold_found_to_be_junk_costs_nothing(forge: MemoryForge) -> None:
    from lfci_gate.config.policy import parse_policy

    commit = forge.commit(SOURCE)
    junk = [forge.run(commit, STRANGER, duration_ms=number) for number in range(20)]
    forge.land(*junk)
    tight = {"limits": Limits(verifications=30)}
    evidence = forge.run(commit)
    assert outcome(forge, evidence, commit=commit, **tight) == {"LFCI503"}
    policy = parse_policy(forge.bootstrap_policy or b"").digest
    forge.junk = (policy, frozenset(update.ref for update in junk))
    assert outcome(forge, evidence, commit=commit, **tight) == set()
    # Under another policy nothing is known about them.
    forge.server_policy = policy_text(version=2, keys={"agent": key(STRANGER, "agent")})
    assert outcome(forge, commit=commit) == set()


def test_rule_08_unknown_keys_and_wrong_signatures(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit, STRANGER), commit=commit) == {"LFCI103"}
    statement, _ = passing_run(forge.objects, forge.tree(commit), NOW)
    honest = parse_bundle(bundle(statement, AGENT))
    payload = honest.envelope.payload
    forged = {
        "another key's hint": make_bundle(parse_bundle(bundle(statement, STRANGER)).envelope, AGENT.public),
        "flipped": make_bundle(Envelope(payload, (_flipped(honest.envelope.signatures[0]),)), AGENT.public),
        "truncated": make_bundle(Envelope(payload, (honest.envelope.signatures[0][:63],)), AGENT.public),
        "of other bytes": make_bundle(
            Envelope(payload.replace(b'"exitCode":0', b'"exitCode":1'), honest.envelope.signatures),
            AGENT.public,
        ),
        "zeros": make_bundle(Envelope(payload, (bytes(64),)), AGENT.public),
    }
    for what, wrong in forged.items():
        line = format_bundle(wrong)
        note(forge, commit, line)
        assert outcome(forge, commit=commit) == {"LFCI102"}, what
    note(forge, commit, b"not a bundle")
    assert outcome(forge, commit=commit) == {"LFCI110"}


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_rule_08_a_key_of_the_pushed_policy_signs_nothing(forge: MemoryForge) -> None:
    policy = policy_text(version=2, keys={"stranger": key(STRANGER, "agent", "maintainer")})
    commit = forge.commit({".lfci/policy.toml": policy})
    approvals = forge.approvals(commit)
    assert outcome(forge, forge.run(commit, STRANGER), *approvals, commit=commit) == {"LFCI103", "LFCI202"}


def test_rule_08_ecdsa_keys_count_like_others(forge: MemoryForge) -> None:
    carol = ecdsa_signer("carol")
    forge.server_policy = policy_text(keys={"carol": key(carol, "agent")})
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit, carol), commit=commit) == set()
    assert outcome(forge, forge.run(commit, AGENT), commit=commit) == {"LFCI103"}


# -- rule 9 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"repository": "11111111-2222-3333-4444-555555555555"}, "LFCI105"),
        ({"inputs_tree": oid("another")}, "LFCI104"),
        ({"definition": sha("another")}, "LFCI106"),
        ({"flake": ()}, "LFCI114"),
        ({"flake": (FileDigest("flake.lock", sha("x")), FileDigest("flake.nix", sha("y")))}, "LFCI114"),
        ({"lockfiles": (LockfileFact("mix.lock", sha("absent"), 1, 0),)}, "LFCI114"),
        ({"lockfiles": (LockfileFact("src", sha("a folder"), 1, 0),)}, "LFCI114"),
        ({"lockfiles": (LockfileFact("src/lib.py/x", sha("below a file"), 1, 0),)}, "LFCI114"),
    ],
)
def test_rule_09_what_is_attested_is_what_is_pushed(
    forge: MemoryForge, changes: dict[str, Any], code: str
) -> None:
    commit = forge.commit(SOURCE)
    wrong = forge.run(commit, **changes)
    assert outcome(forge, wrong, commit=commit) == {code}
    assert outcome(forge, wrong, forge.run(commit, SECOND_AGENT), commit=commit) == set()


def test_rule_09_both_flake_files_are_named(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    full, _ = passing_run(forge.objects, forge.tree(commit), NOW)
    for left in full.flake:
        assert outcome(forge, forge.run(commit, flake=(left,)), commit=commit) == {"LFCI114"}


def test_rule_09_a_subset_of_inputs_is_bound_by_what_is_left(forge: MemoryForge) -> None:
    config = CONFIG + b'inputs = ["src/"]\n'
    policy = rule(protect=[])
    forge = started(policy)
    files: dict[str, bytes | None] = {".lfci/config.toml": config, ".lfci/policy.toml": policy}
    forge.refs[MAIN] = forge.commit(files)
    evidence = forge.run(forge.refs[MAIN])
    assert outcome(forge, evidence, commit=forge.commit({**files, "docs/x": b"new\n"})) == set()
    for path in ("src/lib.py", "src/new.py", "flake.nix", "flake.lock"):
        commit = forge.commit({**files, path: b"changed\n"})
        assert outcome(forge, evidence, commit=commit) == {"LFCI104"}, path
    other = config.replace(b"junit.xml", b"j.xml")
    assert outcome(forge, evidence, commit=forge.commit({**files, ".lfci/config.toml": other})) == {"LFCI106"}


def session(base: Any) -> SessionFact:
    return SessionFact("AAECAwQFBgcICQoLDA0ODw", base, oid("tree"), sha("snapshot"), NOW)


def test_rule_09_bound_to_the_base(forge: MemoryForge) -> None:
    forge.server_policy = rule(bind=["base"])
    commit = forge.commit(SOURCE)
    for wrong in (None, session(None), session(oid("another"))):
        assert outcome(forge, forge.run(commit, session=wrong), commit=commit) == {"LFCI112"}
    right = forge.run(commit, session=session(forge.refs[MAIN]))
    assert outcome(forge, right, commit=commit) == set()
    new = RefUpdate("refs/heads/release/1", None, commit)
    assert codes(forge.judge(new, right)) == set()
    policy = rule(bind=["base"])
    empty = MemoryForge(forge.objects, bootstrap_policy=policy)
    first = empty.commit({".lfci/policy.toml": policy})
    assert codes(empty.judge(empty.to_main(first), empty.run(first))) == set()


def test_rule_09_the_first_landing_has_no_base_to_be_bound_to() -> None:
    policy = rule(bind=["base"])
    forge = MemoryForge(bootstrap_policy=policy)
    commit = forge.commit({".lfci/policy.toml": policy})
    # Also where the session began at a commit of somewhere else.
    for begun in (None, session(None), session(oid("elsewhere"))):
        assert codes(forge.judge(forge.to_main(commit), forge.run(commit, session=begun))) == set()


def test_rule_09_a_tree_without_a_flake_names_none(forge: MemoryForge) -> None:
    forge.server_policy = rule(protect=[])
    commit = forge.commit({"flake.nix": None, "flake.lock": None})
    assert outcome(forge, forge.run(commit), commit=commit) == set()


def test_rule_09_bound_to_the_ref(forge: MemoryForge) -> None:
    forge.server_policy = rule(bind=["ref"])
    commit = forge.commit(SOURCE)
    for wrong in (None, "refs/heads/release/1"):
        assert outcome(forge, forge.run(commit, target_ref=wrong), commit=commit) == {"LFCI112"}
    assert outcome(forge, forge.run(commit, target_ref=MAIN), commit=commit) == set()


# -- rule 10 ------------------------------------------------------------------------------------


NOTHING_RUN = ResultDocument("test", 0, (TestCase("t::one", "skipped"),), ())
ONE_FAILED = ResultDocument("test", 0, (TestCase("a", "passed"), TestCase("t", "failed")), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"hermetic": False},
        {"tests": None, "document": ResultDocument("test", 0, (), ())},
        {"document": NOTHING_RUN},
        {"document": ResultDocument("test", 0, (), ())},
        {"document": ONE_FAILED},
        {"document": replace(ONE_FAILED, tests=NOTHING_RUN.tests, exit_code=1)},
        {"started_at": NOW},
    ],
)
def test_rule_10_weak_or_contradictory_evidence(forge: MemoryForge, changes: dict[str, Any]) -> None:
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit, **changes), commit=commit) == {"LFCI109"}


def test_rule_10_role_engine_and_nix_floor(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit, MAINTAINER), commit=commit) == {"LFCI109"}
    forge.server_policy = require(engines=["build"])
    assert outcome(forge, forge.run(commit), commit=commit) == {"LFCI109"}
    assert outcome(forge, forge.run(commit, engine=Engine.BUILD), commit=commit) == set()
    forge.server_policy = rule(nix={"minimum": "2.18.0"})
    for version, strong in {
        "2.18": True,
        "2.18.1": True,
        "3.0pre": True,
        "2.17.9": False,
        "2.9": False,
        "x2.99": False,
        "2": False,
    }.items():
        expected = set() if strong else {"LFCI109"}
        assert outcome(forge, forge.run(commit, nix_version=version), commit=commit) == expected, version


def test_rule_10_a_rule_may_ask_for_less(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    forge.server_policy = require(hermetic=False, report="optional")
    no_report = ResultDocument("test", 0, (), ())
    run = forge.run(commit, hermetic=False, tests=None, document=no_report)
    assert outcome(forge, run, commit=commit) == set()
    # Also then a report without an executed test is no pass.
    assert outcome(forge, forge.run(commit, document=NOTHING_RUN), commit=commit) == {"LFCI109"}


def test_rule_10_at_most_so_many_attempts(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)

    def run(minutes: int, signer: TestSigner = AGENT, **changes: Any) -> RefUpdate:
        moment = NOW - timedelta(minutes=minutes)
        return forge.run(commit, signer, issued_at=moment, started_at=moment, **changes)

    fails = [run(minutes, **FAILED) for minutes in (9, 8, 7)]
    assert outcome(forge, run(1, attempt=99), *fails, commit=commit) == set()  # any, where nothing is said
    forge.server_policy = require(**{"max-attempts": 2})
    assert outcome(forge, run(1, attempt=2), commit=commit) == set()
    assert outcome(forge, run(1, attempt=3), commit=commit) == {"LFCI109"}
    # What is delivered counts, whatever the pass says; never less than what it says.
    assert outcome(forge, run(1), fails[0], commit=commit) == set()
    both = {"LFCI108", "LFCI109"}  # the failures are reasons, too, when nothing counts
    assert outcome(forge, run(1), *fails[:2], commit=commit) == both
    assert outcome(forge, run(1, attempt=3), fails[0], commit=commit) == both
    # The same failure twice is one; that of somebody else, or on another system, is none of this run's.
    assert outcome(forge, run(1), fails[0], fails[0], commit=commit) == set()
    assert outcome(forge, run(1, SECOND_AGENT), *fails, commit=commit) == set()
    other = [run(minutes, system="aarch64-linux", **FAILED) for minutes in (9, 8)]
    assert outcome(forge, run(1), *other, commit=commit) == set()
    # An older pass stays vetoed: it does not become a first attempt.
    assert outcome(forge, run(20), fails[0], commit=commit) == {"LFCI108"}
    verdict = forge.judge(forge.to_main(commit), run(1), *fails[:2])
    [weak] = [reason for reason in verdict.refs[0].reasons if reason.code == "LFCI109"]
    assert weak.facts[0] == "it is attempt 3, and at most 2 counts"
    assert weak.hint.endswith("lfci check --runs 20")
    # With more that is wrong, or something else, another run may help.
    for changes in ({"attempt": 3, "hermetic": False}, {"hermetic": False}):
        [weak] = forge.judge(forge.to_main(commit), run(1, **changes)).refs[0].reasons
        assert weak.code == "LFCI109"
        assert "--runs" not in weak.hint


# -- rule 11 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"revoked": NOW}, "LFCI103"),
        ({"revoked": NOW - DAY}, "LFCI103"),
        ({"revoked": NOW + DAY}, None),
        ({"valid-from": NOW + DAY}, "LFCI103"),
        ({"valid-from": NOW - timedelta(seconds=30)}, "LFCI103"),  # was not valid when it signed
        ({"valid-from": NOW - timedelta(minutes=1)}, None),
        ({"valid-until": NOW}, "LFCI103"),
        ({"valid-until": NOW + timedelta(seconds=1)}, None),
    ],
)
def test_rule_11_the_key_is_valid_now_and_was_then(
    forge: MemoryForge, times: dict[str, datetime], code: str | None
) -> None:
    forge.server_policy = policy_text(keys={"agent": key(AGENT, "agent", **times)})
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit), commit=commit) == ({code} if code else set())


def test_rule_11_age_and_clock_skew(forge: MemoryForge) -> None:
    forge.server_policy = rule(**{"max-age": "1h"})
    commit = forge.commit(SOURCE)

    def at(seconds: int) -> set[str]:
        issued = NOW + timedelta(seconds=seconds)
        return outcome(forge, forge.run(commit, issued_at=issued, started_at=issued), commit=commit)

    assert [at(seconds) for seconds in (-3600, -60, 0, 300)] == [set()] * 4
    assert at(-3601) == {"LFCI107"}
    assert at(301) == {"LFCI113"}


# -- rule 12 ------------------------------------------------------------------------------------


def test_rule_12_thresholds_count_keys(forge: MemoryForge) -> None:
    forge.server_policy = require(threshold=2)
    commit = forge.commit(SOURCE)
    one = forge.run(commit)
    again = forge.run(commit, duration_ms=7)
    assert outcome(forge, one, again, commit=commit) == {"LFCI111"}
    assert outcome(forge, one, forge.run(commit, SECOND_AGENT), commit=commit) == set()
    # A third key without the role does not help.
    other = forge.run(commit, MAINTAINER)
    verdict = forge.judge(forge.to_main(commit), one, other)
    # How many there are is told first, then what is wrong with the others.
    assert [reason.code for reason in verdict.refs[0].reasons] == ["LFCI111", "LFCI109"]


def test_rule_12_one_statement_in_two_bundles_by_two_keys(forge: MemoryForge) -> None:
    forge.server_policy = require(threshold=2)
    commit = forge.commit(SOURCE)
    statement, _ = passing_run(forge.objects, forge.tree(commit), NOW)
    first, second = bundle(statement, AGENT), bundle(statement, SECOND_AGENT)
    note(forge, commit, first, first)
    assert outcome(forge, commit=commit) == {"LFCI111"}
    note(forge, commit, first, second)
    assert outcome(forge, commit=commit) == set()
    both = parse_bundle(first).envelope.signatures + parse_bundle(second).envelope.signatures
    payload = parse_bundle(first).envelope.payload
    note(forge, commit, format_bundle(make_bundle(Envelope(payload, both), SECOND_AGENT.public)))
    assert outcome(forge, commit=commit) == set()


FAILED: dict[str, Any] = {
    "result": Outcome.FAILED,
    "document": ResultDocument("test", 1, (TestCase("t", "failed"),), ()),
}


def test_rule_12_a_newer_failure_vetoes_its_own_key(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)

    def run(minutes: int, signer: TestSigner = AGENT, **changes: Any) -> RefUpdate:
        moment = NOW - timedelta(minutes=minutes)
        return forge.run(commit, signer, issued_at=moment, started_at=moment, **changes)

    failed = run(5, **FAILED)
    assert outcome(forge, failed, commit=commit) == {"LFCI108"}
    assert outcome(forge, run(9), failed, commit=commit) == {"LFCI108"}
    assert outcome(forge, run(5), failed, commit=commit) == {"LFCI108"}  # a tie is no pass
    assert outcome(forge, run(4), failed, commit=commit) == set()
    assert outcome(forge, run(9, SECOND_AGENT), failed, commit=commit) == set()
    assert outcome(forge, run(4), failed, run(3, **FAILED), commit=commit) == {"LFCI108"}
    # Weak passes do not clear it: what is newer has to count by itself.
    assert outcome(forge, run(4, hermetic=False), failed, commit=commit) == {"LFCI108", "LFCI109"}
    forge.server_policy = require(threshold=2)
    assert outcome(forge, failed, run(9), run(9, SECOND_AGENT), commit=commit) == {"LFCI108", "LFCI111"}


def test_rule_12_of_each_key_the_newest_evidence_counts(forge: MemoryForge) -> None:
    """It is what a landing names, in whatever order it was delivered."""
    commit = forge.commit(SOURCE)
    moments = [NOW - timedelta(minutes=minutes) for minutes in (9, 1, 5)]
    runs = [forge.run(commit, issued_at=moment, started_at=moment) for moment in moments]
    for delivered in (runs, runs[::-1]):
        verdict = forge.judge(forge.to_main(commit), *delivered)
        assert verdict.refs[0].evidence == (runs[1].ref.rpartition("/")[2],)


def test_rule_12_a_failure_with_no_reason_to_fail_still_vetoes(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    assert outcome(forge, forge.run(commit, result=Outcome.FAILED), commit=commit) == {"LFCI108"}


# -- helpers --------------------------------------------------------------------------------------


def line_of(forge: MemoryForge, delivery: RefUpdate) -> bytes:
    from lfci_gate.git.inbox import read_inbox_tree

    assert delivery.new is not None
    return read_inbox_tree(forge.objects, delivery.new)[0]


def note(forge: MemoryForge, commit: Any, *lines: bytes) -> None:
    """Makes ``lines`` the note about the commit's tree."""
    blob = forge.objects.blob(b"".join(line + b"\n" for line in lines))
    tree = forge.objects.tree((0o100644, forge.tree(commit).encode(), blob))
    forge.refs["refs/notes/lfci"] = forge.commit_of(tree)


def test_every_requirement_has_to_be_met(forge: MemoryForge) -> None:
    config = CONFIG + b'\n[checks.lint]\nrun = ["ruff", "check"]\n'
    needs = [
        {"check": "test", "roles": ["agent"]},
        {"check": "lint", "roles": ["agent"], "report": "optional"},
    ]
    policy = rule(require=needs, protect=[])
    forge = started(policy)
    commit = forge.commit({".lfci/config.toml": config, ".lfci/policy.toml": policy})
    lint = forge.run(commit, check="lint", tests=None, document=ResultDocument("lint", 0, (), ()))
    test = forge.run(commit)
    assert outcome(forge, test, lint, commit=commit) == set()
    assert outcome(forge, test, commit=commit) == outcome(forge, lint, commit=commit) == {"LFCI101"}


def test_rule_07_evidence_of_many_commits_is_not_looked_at_for_each(forge: MemoryForge) -> None:
    forge.server_policy = rule(scope="each")
    tip, deliveries = forge.refs[MAIN], []
    for number in range(60):
        tip = forge.commit({"src/lib.py": b"%d\n" % number}, parents=[tip])
        deliveries.append(forge.run(tip))
    tight = {"limits": Limits(candidates=1)}  # one for each subject is enough
    assert outcome(forge, *deliveries, commit=tip, **tight) == set()
    verdict = forge.judge(forge.to_main(tip), *deliveries[1:], **tight)
    assert codes(verdict) == {"LFCI104"}


def test_the_summary_says_what_was_run_and_what_was_skipped(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    ran = TestCase("t::a", "passed")
    for cases, found in (((ran,), "1 passed,"), ((ran, TestCase("t::b", "skipped")), "1 passed, 1 skipped,")):
        delivery = forge.run(commit, document=ResultDocument("test", 0, cases, ()))
        [line] = forge.judge(forge.to_main(commit), delivery).refs[0].summary
        assert line.startswith(f"check test: PASSED, {found} engine ")


def test_a_reason_without_a_nearer_hint_has_that_of_its_code() -> None:
    from lfci_gate.codes import CODES
    from lfci_gate.gate.evidence import reason_of

    assert reason_of("LFCI101", "x").hint == CODES["LFCI101"].remedy != ""
    assert reason_of("LFCI101", "x", hint="nearer").hint == "nearer"
