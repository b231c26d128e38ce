"""Rule 12, assurance: corroborated, derived, rebuilt; and what somebody could not reproduce."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.statement import parse_statement
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.model import (
    CheckRun,
    ObjectId,
    RefUpdate,
    RefVerdict,
    ResultDocument,
    TestCase,
    VerdictKind,
    Verification,
)
from lfci_gate.value import replace
from tests.gate.test_rules_04_to_12 import DAY, FAILED, SOURCE, key, outcome
from tests.support.evidence import NOW, VERIFICATION, TestSigner, ed25519_signer, oid, sha
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, STRANGER, policy_text
from tests.support.memory_forge import MemoryForge, started
from tests.support.statements import bundle

VERIFIER, OTHER_VERIFIER, THIRD_AGENT = (
    ed25519_signer(name) for name in ("verifier", "other verifier", "third agent")
)
OTHER_RESULT: dict[str, Any] = {"document": ResultDocument("test", 0, (TestCase("t::three", "passed"),), ())}
OTHER_DRV = "/nix/store/1c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-lfci-check-test.drv"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def forge() -> MemoryForge:
    return started()


@pytest.fixture
def commit(forge: MemoryForge) -> ObjectId:
    return forge.commit(SOURCE)


def asking(assurance: str, threshold: int = 1, keys: dict[str, Any] | None = None, **rule: Any) -> bytes:
    """A policy that wants this of check `test`."""
    more = rule.pop("requirement", {})
    known = {
        "agent": key(AGENT, "agent"),
        "second": key(SECOND_AGENT, "agent"),
        "third": key(THIRD_AGENT, "agent"),
        "verifier": key(VERIFIER, "verifier"),
        "other-verifier": key(OTHER_VERIFIER, "verifier"),
        "maintainer": key(MAINTAINER, "maintainer"),
    }
    require = [{"check": "test", "roles": ["agent"], "assurance": assurance, "threshold": threshold, **more}]
    return policy_text(keys=known | (keys or {}), rules=({**RULE, "require": require, **rule},))


def run(
    forge: MemoryForge, commit: ObjectId, signer: TestSigner = AGENT, ago: timedelta = MINUTE, **changes: Any
) -> RefUpdate:
    moment = NOW - ago
    changes = {"attester": signer.public.fingerprint, "issued_at": moment, "started_at": moment, **changes}
    return forge.run(commit, signer, **changes)


def word(
    forge: MemoryForge,
    about: RefUpdate,
    signer: TestSigner = VERIFIER,
    method: str = "rebuilt",
    ago: timedelta = MINUTE,
    **changes: Any,
) -> RefUpdate:
    """The delivery of what a verifier says about a delivered run: that it was reproduced."""
    assert about.new is not None
    envelope = parse_bundle(read_inbox_tree(forge.objects, about.new)[0]).envelope
    attested = parse_statement(envelope.payload)
    assert isinstance(attested, CheckRun)
    said = replace(
        VERIFICATION,
        inputs_tree=attested.inputs_tree,
        check=attested.check,
        definition=attested.definition,
        drv_path=attested.drv_path,
        system=attested.system,
        method=method,
        result_sha256=attested.result_sha256 if method == "rebuilt" else None,
        attestation=attestation_id(envelope),
        verifier=signer.public.fingerprint,
        issued_at=NOW - ago,
    )
    return forge.delivery(bundle(replace(said, **changes), signer))


def doubt(forge: MemoryForge, about: RefUpdate, *args: Any, **changes: Any) -> RefUpdate:
    """... that it was not. What building it gave instead is another result."""
    if (changes.get("method") or "rebuilt") == "rebuilt":
        changes.setdefault("result_sha256", sha("something else"))
    return word(forge, about, *args, reproduced=False, **changes)


def verdict_of(forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate) -> RefVerdict:
    return forge.judge(forge.to_main(commit), *deliveries).refs[0]


def said(verdict: RefVerdict) -> str:
    return "\n".join(line for each in verdict.reasons for line in (each.message, *each.facts))


# -- corroborated ----------------------------------------------------------------------------------


def test_equal_results_of_several_identities_corroborate(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("corroborated", 2)
    one, two = run(forge, commit), run(forge, commit, SECOND_AGENT)
    assert outcome(forge, one, commit=commit) == {"LFCI111"}
    accepted = verdict_of(forge, commit, one, two)
    assert accepted.kind is VerdictKind.ACCEPTED
    assert "check test: 2 identities got the same result" in accepted.summary
    assert len(accepted.evidence) == 2
    assert accepted.remarks == ()


@pytest.mark.parametrize("other", [OTHER_RESULT, {"drv_path": OTHER_DRV}])
def test_other_results_do_not_corroborate(
    forge: MemoryForge, commit: ObjectId, other: dict[str, Any]
) -> None:
    one, two = run(forge, commit), run(forge, commit, SECOND_AGENT, **other)
    forge.server_policy = asking("claimed", 2)
    assert outcome(forge, one, two, commit=commit) == set()
    forge.server_policy = asking("corroborated", 2)
    assert outcome(forge, one, two, commit=commit) == {"LFCI116"}
    told = said(verdict_of(forge, commit, one, two))
    assert "check test needs 1 more identity to corroborate the result" in told
    assert "agent: result " in told
    assert "second: result " in told
    (reason,) = verdict_of(forge, commit, one, two).reasons
    assert reason.hint == f"let somebody else who is enrolled run: lfci check --rev {commit[:12]}"
    assert sorted(fact.partition(":")[0] for fact in reason.facts) == ["agent", "second"]  # each once
    accepted = verdict_of(forge, commit, one, two, run(forge, commit, THIRD_AGENT))
    assert accepted.kind is VerdictKind.ACCEPTED
    assert accepted.remarks == ("check test: second got another result than the others",)
    assert len(accepted.evidence) == 2
    forge.server_policy = asking("corroborated", 4, {"fourth": key(STRANGER, "agent")})
    everybody = [one, two, run(forge, commit, THIRD_AGENT), run(forge, commit, STRANGER, **OTHER_RESULT)]
    more = said(verdict_of(forge, commit, *everybody))
    assert "needs 2 more identities to corroborate" in more


def test_an_older_equal_result_still_corroborates(forge: MemoryForge, commit: ObjectId) -> None:
    """Whoever saw two results has attested both; the others decide which of them holds."""
    forge.server_policy = asking("corroborated", 2)
    older, newer = run(forge, commit, ago=5 * MINUTE), run(forge, commit, **OTHER_RESULT)
    two = run(forge, commit, SECOND_AGENT)
    assert outcome(forge, older, newer, commit=commit) == {"LFCI111"}
    assert outcome(forge, older, newer, two, commit=commit) == set()
    # But not beyond a failure, nor when it is too weak by itself.
    failed = run(forge, commit, ago=3 * MINUTE, **FAILED)
    assert outcome(forge, older, failed, newer, two, commit=commit) == {"LFCI116"}
    weak = run(forge, commit, ago=5 * MINUTE, hermetic=False)
    assert outcome(forge, weak, newer, two, commit=commit) == {"LFCI116"}


def test_two_keys_of_one_holder_do_not_corroborate(forge: MemoryForge, commit: ObjectId) -> None:
    keys = {"second": key(SECOND_AGENT, "agent", identity="agent")}
    forge.server_policy = asking("corroborated", 2, keys)
    one, two = run(forge, commit), run(forge, commit, SECOND_AGENT)
    assert outcome(forge, one, two, commit=commit) == {"LFCI111"}
    assert outcome(forge, one, two, run(forge, commit, THIRD_AGENT, **OTHER_RESULT), commit=commit) == {
        "LFCI116"
    }


def test_who_got_another_result_may_approve(forge: MemoryForge) -> None:
    """Only those whose evidence counts have attested the change."""
    keys = {"third": key(THIRD_AGENT, "agent", "maintainer")}
    policy = asking("corroborated", 2, keys)
    forge.server_policy = policy
    commit = forge.commit({"tests/new.py": b"\n"})
    runs = [run(forge, commit), run(forge, commit, SECOND_AGENT)]
    approval = forge.approvals(commit, THIRD_AGENT, policy=policy)
    other = run(forge, commit, THIRD_AGENT, **OTHER_RESULT)
    assert outcome(forge, *runs, other, *approval, commit=commit) == set()
    third = [runs[0], run(forge, commit, THIRD_AGENT)]
    assert outcome(forge, *third, *approval, commit=commit) == {"LFCI215"}


@pytest.mark.parametrize("approver", [AGENT, THIRD_AGENT])
def test_of_two_results_that_enough_got_either_spares_an_approver(
    forge: MemoryForge, approver: TestSigner
) -> None:
    keys = {name: key(who, "agent", "maintainer") for name, who in (("agent", AGENT), ("third", THIRD_AGENT))}
    policy = asking("corroborated", 2, {**keys, "fourth": key(STRANGER, "agent")})
    forge.server_policy = policy
    commit = forge.commit({"tests/new.py": b"\n"})
    these = [run(forge, commit, signer) for signer in (AGENT, SECOND_AGENT)]
    those = [run(forge, commit, signer, **OTHER_RESULT) for signer in (THIRD_AGENT, STRANGER)]
    approval = forge.approvals(commit, approver, policy=policy)
    assert outcome(forge, *these, *those, *approval, commit=commit) == set()
    for who, runs in ((AGENT, these), (THIRD_AGENT, those)):
        expected = {"LFCI215"} if who is approver else set()
        assert outcome(forge, *runs, *approval, commit=commit) == expected


# -- derived and rebuilt ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assurance", "method", "code"),
    [
        ("derived", "derived", None),
        ("derived", "rebuilt", None),
        ("rebuilt", "rebuilt", None),
        ("rebuilt", "derived", "LFCI116"),
        ("claimed", "derived", None),
    ],
)
def test_a_verifier_proves_what_was_asked(
    forge: MemoryForge, commit: ObjectId, assurance: str, method: str, code: str | None
) -> None:
    forge.server_policy = asking(assurance)
    claimed = run(forge, commit)
    assert outcome(forge, claimed, commit=commit) == ({"LFCI116"} if assurance != "claimed" else set())
    assert outcome(forge, commit=commit) == {"LFCI101"}
    proof = word(forge, claimed, method=method)
    assert outcome(forge, proof, commit=commit) == {"LFCI101"}
    assert outcome(forge, claimed, proof, commit=commit) == ({code} if code else set())
    if code is None and assurance != "claimed":
        accepted = verdict_of(forge, commit, claimed, proof)
        assert len(accepted.evidence) == 2
        assert f"check test: {method} by verifier" in accepted.summary


def test_what_is_missing_is_said(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("rebuilt")
    told = said(verdict_of(forge, commit, run(forge, commit)))
    assert "check test needs a verifier's rebuild of what agent attests" in told
    assert "wanted: a verification by verifier" in told
    (reason,) = verdict_of(forge, commit, run(forge, commit)).reasons
    assert reason.hint == f"ask a verifier for: lfci verify {commit[:12]} --rebuild --attest"
    forge.server_policy = asking("derived", requirement={"verifiers": ["farm", "verifier"]})
    told = said(verdict_of(forge, commit, run(forge, commit)))
    assert "needs a verifier's derivation of what agent attests" in told
    assert "by farm or verifier" in told
    (reason,) = verdict_of(forge, commit, run(forge, commit)).reasons
    assert reason.hint.endswith(" --rederive --attest")


@pytest.mark.parametrize("assurance", ["derived", "rebuilt"])
@pytest.mark.parametrize(
    "changes",
    [
        {"repository": "11111111-2222-3333-4444-555555555555"},
        {"check": "lint"},
        {"definition": sha("another")},
        {"drv_path": OTHER_DRV},
        {"system": "aarch64-linux"},
        {"result_sha256": sha("another")},
        {"inputs_tree": oid("another")},
        {"issued_at": NOW + timedelta(seconds=301)},
    ],
)
def test_a_word_about_something_else_proves_nothing(
    forge: MemoryForge, commit: ObjectId, changes: dict[str, Any], assurance: str
) -> None:
    """Of the weaker question neither: not even that this derivation is the one of the tree."""
    forge.server_policy = asking(assurance)
    claimed = run(forge, commit)
    assert outcome(forge, claimed, word(forge, claimed, **changes), commit=commit) == {"LFCI116"}
    doubted = doubt(forge, claimed, **{"result_sha256": sha("x"), **changes})
    expected = {"LFCI117"} if changes.keys() & {"result_sha256", "issued_at"} else {"LFCI116"}
    assert outcome(forge, claimed, doubted, commit=commit) == expected


def test_a_word_about_another_run_with_the_same_result_proves_it_too(
    forge: MemoryForge, commit: ObjectId
) -> None:
    forge.server_policy = asking("rebuilt")
    proof = word(forge, run(forge, commit, SECOND_AGENT))
    assert outcome(forge, run(forge, commit), proof, commit=commit) == set()


def test_whose_word_counts(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("rebuilt", requirement={"verifiers": ["farm", "verifier"]})
    claimed = run(forge, commit)
    for signer in (MAINTAINER, SECOND_AGENT):
        proof = word(forge, claimed, signer)
        assert outcome(forge, claimed, proof, commit=commit) == {"LFCI116"}
        assert "has no role that counts for it" in said(verdict_of(forge, commit, claimed, proof))
    assert outcome(forge, claimed, word(forge, claimed, STRANGER), commit=commit) == {"LFCI116"}
    # Nobody verifies his own run, with whichever key.
    for more in (
        {"agent": key(AGENT, "agent", "verifier")},
        {"verifier": key(VERIFIER, "verifier", identity="agent")},
    ):
        forge.server_policy = asking("rebuilt", keys=more)
        signer = AGENT if "agent" in more else VERIFIER
        own = word(forge, claimed, signer)
        assert outcome(forge, claimed, own, commit=commit) == {"LFCI116"}
        assert "agent verified it and attested it too" in said(verdict_of(forge, commit, claimed, own))
        assert outcome(forge, claimed, own, word(forge, claimed, OTHER_VERIFIER), commit=commit) == set()
    # But an agent who is a verifier too verifies another's.
    forge.server_policy = asking("rebuilt", keys={"agent": key(AGENT, "agent", "verifier")})
    others = run(forge, commit, SECOND_AGENT)
    assert outcome(forge, others, word(forge, others, AGENT), commit=commit) == set()


@pytest.mark.parametrize(
    "times",
    [
        {"revoked": NOW},
        {"valid-until": NOW},
        {"valid-from": NOW + DAY},
        {"valid-from": NOW - timedelta(seconds=30)},
    ],
)
def test_a_verifier_s_key_is_valid(forge: MemoryForge, commit: ObjectId, times: dict[str, datetime]) -> None:
    claimed = run(forge, commit)
    proof, against = word(forge, claimed), doubt(forge, claimed)
    forge.server_policy = asking("rebuilt", keys={"verifier": key(VERIFIER, "verifier", **times)})
    assert outcome(forge, claimed, proof, commit=commit) == {"LFCI116"}
    # Its doubts are heard as little.
    other = word(forge, claimed, OTHER_VERIFIER)
    assert outcome(forge, claimed, other, against, commit=commit) == set()


def test_a_verification_grows_old(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("rebuilt", **{"max-age": "1h"})
    claimed = run(forge, commit)
    old = word(forge, claimed, ago=timedelta(hours=1, seconds=1))
    assert outcome(forge, claimed, old, commit=commit) == {"LFCI116"}
    assert "the verification by verifier is too old" in said(verdict_of(forge, commit, claimed, old))
    assert outcome(forge, claimed, word(forge, claimed, ago=timedelta(hours=1)), commit=commit) == set()
    assert outcome(forge, claimed, old, word(forge, claimed), commit=commit) == set()
    # As far ahead as clocks may differ it proves as much; one second further nothing.
    ahead = word(forge, claimed, ago=timedelta(seconds=-300))
    assert outcome(forge, claimed, ahead, commit=commit) == set()


def test_a_limited_verifier_verifies_what_it_is_for(forge: MemoryForge, commit: ObjectId) -> None:
    text = asking("rebuilt").decode()
    claimed = run(forge, commit)
    proof = word(forge, claimed)
    forge.server_policy = (text + '\n[roles.verifier]\npaths = ["src/"]\n').encode()
    assert outcome(forge, claimed, proof, commit=commit) == set()
    forge.server_policy = (text + '\n[roles.verifier]\npaths = ["docs/"]\n').encode()
    assert outcome(forge, claimed, proof, commit=commit) == {"LFCI116"}


def test_each_counted_run_is_verified(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("rebuilt", 2)
    one, two = run(forge, commit), run(forge, commit, SECOND_AGENT, **OTHER_RESULT)
    first, second = word(forge, one), word(forge, two, OTHER_VERIFIER)
    assert outcome(forge, one, two, first, commit=commit) == {"LFCI116"}
    told = said(verdict_of(forge, commit, one, two, first))
    assert "rebuild of what second attests" in told
    assert "of what agent attests" not in told
    assert outcome(forge, one, two, first, second, commit=commit) == set()
    accepted = verdict_of(forge, commit, one, two, first, second)
    assert len(accepted.evidence) == 4
    # An older run that was verified counts, when the newer was not.
    forge.server_policy = asking("rebuilt")
    old = run(forge, commit, ago=5 * MINUTE)
    newer = run(forge, commit, **OTHER_RESULT)
    assert outcome(forge, old, newer, word(forge, old), commit=commit) == set()
    # An identity that is both attester and the only other's verifier does not make two.
    keys = {"second": key(SECOND_AGENT, "agent", "verifier")}
    forge.server_policy = asking("rebuilt", 2, keys)
    twice = [one, run(forge, commit, SECOND_AGENT)]
    by_second = word(forge, one, SECOND_AGENT)
    assert outcome(forge, *twice, by_second, commit=commit) == {"LFCI116"}


# -- doubts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("assurance", ["derived", "rebuilt"])
def test_a_verifier_s_doubt_vetoes(forge: MemoryForge, commit: ObjectId, assurance: str) -> None:
    forge.server_policy = asking(assurance)
    claimed = run(forge, commit)
    against = doubt(forge, claimed)
    assert outcome(forge, claimed, against, commit=commit) == {"LFCI117"}
    refused = verdict_of(forge, commit, claimed, against)
    assert "verifier could not reproduce what agent attests" in said(refused)
    assert f"it gave result {sha('something else')[:12]}" in said(refused)
    assert refused.remarks == (
        "WARNING: check test: verifier could not reproduce what agent attests (building the same derivation)",
    )
    # Another verifier's word does not outweigh it, another agent's run is another matter.
    support = word(forge, claimed, OTHER_VERIFIER)
    assert outcome(forge, claimed, support, against, commit=commit) == {"LFCI117"}
    other = run(forge, commit, SECOND_AGENT, **OTHER_RESULT)
    about_other = word(forge, other, OTHER_VERIFIER)
    assert outcome(forge, claimed, against, other, about_other, commit=commit) == {"LFCI117"}


def test_a_doubt_about_one_result_leaves_the_result_that_the_rebuild_gave(
    forge: MemoryForge, commit: ObjectId
) -> None:
    forge.server_policy = asking("rebuilt")
    wrong, right = run(forge, commit, **OTHER_RESULT), run(forge, commit, SECOND_AGENT)
    proof = word(forge, right)
    result = _said(forge, proof).result_sha256
    against = doubt(forge, wrong, result_sha256=result)
    assert outcome(forge, wrong, right, proof, against, commit=commit) == set()
    accepted = verdict_of(forge, commit, wrong, right, proof, against)
    assert any("WARNING" in each and "what agent attests" in each for each in accepted.remarks)
    # Without the proof: the one was doubted, the other never verified.
    assert outcome(forge, wrong, right, against, commit=commit) == {"LFCI116", "LFCI117"}
    # A doubt about the very run counts, whatever result it names.
    itself = doubt(forge, right, OTHER_VERIFIER, result_sha256=result)
    assert outcome(forge, right, proof, itself, commit=commit) == {"LFCI117"}


def _said(forge: MemoryForge, delivery: RefUpdate) -> Verification:
    assert delivery.new is not None
    found = parse_statement(parse_bundle(read_inbox_tree(forge.objects, delivery.new)[0]).envelope.payload)
    assert isinstance(found, Verification)
    return found


def test_the_newest_word_of_a_verifier_counts(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("derived")
    claimed = run(forge, commit)

    def after(*words: tuple[str, bool, int]) -> set[str]:
        """Codes after these words, each (method, reproduced, minutes ago)."""
        told = [
            (word if reproduced else doubt)(forge, claimed, method=method, ago=ago * MINUTE)
            for method, reproduced, ago in words
        ]
        return outcome(forge, claimed, *told, commit=commit)

    assert after(("rebuilt", False, 9), ("rebuilt", True, 5)) == set()
    assert after(("rebuilt", True, 9), ("rebuilt", False, 5)) == {"LFCI117"}
    assert after(("derived", False, 9), ("derived", True, 5)) == set()
    assert after(("derived", False, 9), ("rebuilt", True, 5)) == set()
    # A weaker method takes back no stronger doubt, and at one moment the doubt is the newer.
    assert after(("rebuilt", False, 9), ("derived", True, 5)) == {"LFCI117"}
    assert after(("rebuilt", False, 5), ("rebuilt", True, 5)) == {"LFCI117"}
    assert after(("rebuilt", True, 9), ("derived", False, 5)) == {"LFCI117"}
    # From the future it takes back nothing.
    assert after(("rebuilt", False, 9), ("rebuilt", True, -6)) == {"LFCI117"}
    assert after(("rebuilt", False, -6), ("rebuilt", True, 5)) == {"LFCI117"}
    # About another run it takes back nothing, not even that nobody could derive it.
    for method in ("derived", "rebuilt"):
        against = doubt(forge, claimed, method=method, ago=9 * MINUTE)
        for changes in ({"drv_path": OTHER_DRV}, {"system": "aarch64-linux"}, {"result_sha256": sha("x")}):
            elsewhere = word(forge, claimed, **changes)
            assert outcome(forge, claimed, against, elsewhere, commit=commit) == {"LFCI117"}, changes
    # Of another holder's key it takes back nothing, of another key of the same holder it does.
    for identity, codes in (("verifier", set()), ("other-verifier", {"LFCI117"})):
        keys = {"other-verifier": key(OTHER_VERIFIER, "verifier", identity=identity)}
        forge.server_policy = asking("derived", keys=keys)
        words = doubt(forge, claimed, ago=9 * MINUTE), word(forge, claimed, OTHER_VERIFIER)
        assert outcome(forge, claimed, *words, commit=commit) == codes


def test_a_doubt_does_not_grow_old_and_too_old_a_proof_takes_it_back(
    forge: MemoryForge, commit: ObjectId
) -> None:
    forge.server_policy = asking("rebuilt", **{"max-age": "1h"})
    claimed = run(forge, commit)
    ancient = doubt(forge, claimed, ago=30 * DAY)
    fresh = word(forge, claimed, OTHER_VERIFIER)
    assert outcome(forge, claimed, fresh, ancient, commit=commit) == {"LFCI117"}
    taken_back = word(forge, claimed, ago=20 * DAY)
    assert outcome(forge, claimed, fresh, ancient, taken_back, commit=commit) == set()


@pytest.mark.parametrize(("assurance", "threshold"), [("claimed", 1), ("corroborated", 2)])
def test_where_no_verifier_is_asked_a_doubt_is_a_warning(
    forge: MemoryForge, commit: ObjectId, assurance: str, threshold: int
) -> None:
    forge.server_policy = asking(assurance, threshold)
    runs = [run(forge, commit), run(forge, commit, SECOND_AGENT)]
    against = [doubt(forge, runs[0]), doubt(forge, runs[0], method="derived")]
    told = verdict_of(forge, commit, *runs, *against)
    assert told.kind is VerdictKind.ACCEPTED
    assert told.remarks
    assert all(
        each.startswith("WARNING: check test: verifier could not reproduce what") for each in told.remarks
    )
    # An agent that verified is no verifier, and still worth a warning, also where one is asked.
    by_agent = doubt(forge, runs[0], SECOND_AGENT)
    forge.server_policy = asking("rebuilt")
    told = verdict_of(forge, commit, runs[0], word(forge, runs[0]), by_agent)
    assert told.kind is VerdictKind.ACCEPTED
    assert "WARNING: check test: second could not reproduce what agent attests" in told.remarks[0]
    # No keys, no words.
    forge.server_policy = asking(assurance, threshold)
    assert not verdict_of(forge, commit, *runs, doubt(forge, runs[0], STRANGER)).remarks


def test_a_doubt_is_told_when_claims_do_not_suffice_either(forge: MemoryForge, commit: ObjectId) -> None:
    forge.server_policy = asking("rebuilt", 2)
    claimed = run(forge, commit)
    told = verdict_of(forge, commit, claimed, doubt(forge, claimed))
    assert {each.code for each in told.reasons} == {"LFCI111"}
    assert "WARNING" in told.remarks[0]
