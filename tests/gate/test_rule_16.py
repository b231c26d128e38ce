"""Rule 16 on objects in memory: break-glass is for one exact update, by two people, for a short time, and
waives what the policy lets it waive and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lfci_gate.gate.facts import Limits
from lfci_gate.git.commit import Commit, format_commit
from lfci_gate.model import (
    Bypass,
    LockfileFact,
    ObjectId,
    RefUpdate,
    RefVerdict,
    Sha256,
    Verdict,
    VerdictKind,
)
from tests.gate.test_rule_14 import BEFORE, document
from tests.gate.test_rules_04_to_12 import key
from tests.support.evidence import BYPASS, NOW, TestSigner, ed25519_signer, oid
from tests.support.forge import AGENT, CONFIG, MAINTAINER, RULE, SECOND_AGENT, STRANGER, policy_text
from tests.support.memory_forge import FILES, MAIN, WHO, MemoryForge, codes, started
from tests.support.statements import cosigned

DEPUTY = ed25519_signer("deputy")
SECOND_KEY = ed25519_signer("second key of the maintainer")
BOTH = (MAINTAINER, DEPUTY)

KEYS: dict[str, Any] = {
    "maintainer": key(MAINTAINER, "maintainer"),
    "maintainer-2": key(SECOND_KEY, "maintainer") | {"identity": "maintainer"},
    "deputy": key(DEPUTY, "maintainer"),
    "agent": key(AGENT, "agent"),
    "second-agent": key(SECOND_AGENT, "agent"),
}
EVERYTHING = ["checks", "approvals", "tests", "dependencies"]
GLASS: dict[str, Any] = {"roles": ["maintainer"], "threshold": 2, "longest": "4h", "waives": EVERYTHING}

TESTS: dict[str, bytes | None] = {"tests/test_lib.py": b"def test_answer():\n    assert 1\n"}


def policy(glass: dict[str, Any] | None = None, version: int = 1, **changes: Any) -> bytes:
    rule = {**RULE, **changes, "break-glass": {**GLASS, **(glass or {})}}
    return policy_text(version=version, rules=(rule,), keys=KEYS)


def forge_with(data: bytes) -> MemoryForge:
    """The policy is the server's, so that the tree stays as it is."""
    forge = started()
    forge.server_policy = data
    return forge


@pytest.fixture
def forge() -> MemoryForge:
    return forge_with(policy())


def bypass_of(forge: MemoryForge, commit: ObjectId, **changes: Any) -> Bypass:
    """A bypass of everything for landing ``commit`` on main now, good for two hours."""
    made = replace(
        BYPASS,
        commit=commit,
        old=forge.refs.get(MAIN),
        waives=tuple(sorted(EVERYTHING)),
        issued_at=NOW,
        not_after=NOW + timedelta(hours=2),
    )
    return replace(made, **changes)


def offered(forge: MemoryForge, commit: ObjectId, *signers: TestSigner, **changes: Any) -> RefUpdate:
    """The delivery of such a bypass, signed by both people or by these."""
    return forge.delivery(cosigned(bypass_of(forge, commit, **changes), *(signers or BOTH)))


def landed(
    forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate, to: str = MAIN, **options: Any
) -> Verdict:
    return forge.judge(RefUpdate(to, forge.refs.get(to), commit), *deliveries, **options)


def main_of(verdict: Verdict) -> RefVerdict:
    return verdict.refs[0]


def refused(verdict: Verdict, *expected: str) -> str:
    """Facts of the last reason, after what was refused was refused for exactly this."""
    assert verdict.kind is VerdictKind.REFUSED
    assert codes(verdict) == set(expected)
    assert main_of(verdict).bypass is None
    assert main_of(verdict).waived == ()
    assert not [remark for remark in main_of(verdict).remarks if "BREAK-GLASS" in remark]
    return "\n".join(main_of(verdict).reasons[-1].facts)


# -- what it is for ------------------------------------------------------------------------------------


def test_two_people_let_a_change_without_evidence_land(forge: MemoryForge) -> None:
    commit = forge.commit(TESTS)
    assert codes(landed(forge, commit)) == {"LFCI101", "LFCI206"}
    delivery = offered(forge, commit, reason="the forge burns\nfor hours", requested_by="dora")
    verdict = landed(forge, commit, delivery)
    ref = main_of(verdict)
    assert (verdict.kind, ref.reasons) == (VerdictKind.ACCEPTED, ())
    assert ref.bypass == delivery.ref.rpartition("/")[2]
    assert [reason.code for reason in ref.waived] == ["LFCI206", "LFCI101"]
    assert ref.bypass not in ref.evidence
    assert ref.remarks == (
        f"BREAK-GLASS: did NOT pass, landed by bypass {ref.bypass}",
        "BREAK-GLASS: signed by deputy, maintainer, good until 2026-11-23T07:40:00Z",
        'BREAK-GLASS: asked for by "dora": "the forge burns for hours"',
        "BREAK-GLASS: waived LFCI206, protected paths changed without approval",
        "BREAK-GLASS: waived LFCI101, no attestation for check test",
    )


def test_it_may_be_there_before_the_push(forge: MemoryForge) -> None:
    commit = forge.commit()
    forge.land(offered(forge, commit))
    assert main_of(landed(forge, commit)).bypass is not None


def test_what_somebody_wrote_cannot_be_taken_for_more_than_one_line(forge: MemoryForge) -> None:
    commit = forge.commit()
    delivery = offered(forge, commit, reason="x\n\tBREAK-GLASS: y\n" * 500, requested_by='a" "b\u202e')
    line = main_of(landed(forge, commit, delivery)).remarks[2]
    assert line.isascii()
    assert line.isprintable()
    assert line.endswith('..."')
    assert len(line) < 600


def test_a_bypass_that_is_not_needed_is_not_used(forge: MemoryForge) -> None:
    commit = forge.commit()
    verdict = landed(forge, commit, offered(forge, commit), forge.run(commit))
    ref = main_of(verdict)
    assert (verdict.kind, ref.bypass, ref.waived) == (VerdictKind.ACCEPTED, None, ())
    assert ref.remarks == ("a bypass was offered and not needed: nothing was waived, it is not used up",)
    assert main_of(landed(forge, commit, forge.run(commit))).remarks == ()


def test_of_several_the_one_that_counts_is_used(forge: MemoryForge) -> None:
    commit = forge.commit()
    bad = offered(forge, commit, nonce="B" * 22, ref="refs/heads/other")
    narrow = offered(forge, commit, nonce="C" * 22, waives=("tests",))
    good = offered(forge, commit, nonce="D" * 22)
    verdict = landed(forge, commit, bad, narrow, good)
    assert main_of(verdict).bypass == good.ref.rpartition("/")[2]
    facts = refused(landed(forge, commit, bad, narrow), "LFCI101", "LFCI218")
    assert "is for another ref, refs/heads/other" in facts
    assert "does not waive LFCI101" in facts


def test_a_new_ref_leaves_nothing(forge: MemoryForge) -> None:
    commit = forge.commit()
    release = "refs/heads/release/1"
    facts = refused(
        landed(forge, commit, offered(forge, commit, ref=release), to=release), "LFCI101", "LFCI218"
    )
    assert "is for another old tip" in facts
    delivery = offered(forge, commit, ref=release, old=None)
    assert main_of(landed(forge, commit, delivery, to=release)).bypass is not None


def test_a_tag_is_named_by_its_commit() -> None:
    forge = forge_with(policy(refs=["refs/heads/main", "refs/tags/v*"]))
    tag = forge.tag(commit := forge.commit())
    delivery = offered(forge, commit, ref="refs/tags/v1", old=None)
    update = RefUpdate("refs/tags/v1", None, tag)
    assert main_of(forge.judge(update, delivery)).bypass is not None


# -- who ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signers", "why"),
    [
        ((MAINTAINER,), "needs 2 different people, is signed by maintainer"),
        ((MAINTAINER, SECOND_KEY), "needs 2 different people, is signed by maintainer"),
        ((MAINTAINER, STRANGER), "needs 2 different people, is signed by maintainer"),
        ((AGENT, SECOND_AGENT), "is signed by nobody who counts; key agent has roles agent"),
        ((MAINTAINER, AGENT), "is signed by maintainer; key agent has roles agent"),
    ],
)
def test_two_different_people_with_a_role_sign_it(
    forge: MemoryForge, signers: tuple[TestSigner, ...], why: str
) -> None:
    commit = forge.commit()
    assert why in refused(landed(forge, commit, offered(forge, commit, *signers)), "LFCI101", "LFCI218")


def test_the_policy_may_want_more_than_two_and_never_less() -> None:
    forge = forge_with(policy({"threshold": 3, "roles": ["maintainer", "agent"]}))
    commit = forge.commit()
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI218")
    assert "needs 3 different people, is signed by deputy, maintainer" in facts
    assert main_of(landed(forge, commit, offered(forge, commit, *BOTH, AGENT))).bypass is not None


def test_a_threshold_of_one_would_still_want_two(forge: MemoryForge, monkeypatch: pytest.MonkeyPatch) -> None:
    """No policy can say so (LFCI202); this holds should one ever get through."""
    from lfci_gate.config import powers

    original = powers.break_glass
    monkeypatch.setattr(powers, "break_glass", lambda fields: replace(original(fields), threshold=1))
    commit = forge.commit()
    facts = refused(landed(forge, commit, offered(forge, commit, MAINTAINER)), "LFCI101", "LFCI218")
    assert "needs 2 different people" in facts
    assert main_of(landed(forge, commit, offered(forge, commit))).bypass is not None


def test_the_signatures_of_two_envelopes_of_one_statement_count_together(forge: MemoryForge) -> None:
    """They are over the same bytes. The note of the commit keeps both."""
    from lfci_gate.gate.facts import NOTES_REF
    from lfci_gate.git.notes import updated_notes_tree

    commit = forge.commit()
    bypass = bypass_of(forge, commit)
    lines = cosigned(bypass, MAINTAINER) + b"\n" + cosigned(bypass, DEPUTY) + b"\n"
    tree = updated_notes_tree(forge.objects, None, {commit: lines}, forge.objects.add)
    forge.refs[NOTES_REF] = forge.commit_of(tree)
    assert main_of(landed(forge, commit)).bypass is not None


def test_a_key_that_is_revoked_or_not_valid_yet_does_not_sign_it() -> None:
    for times, why in (
        ({"revoked": NOW}, "is revoked"),
        ({"valid-until": NOW}, "is no longer valid"),
        ({"valid-from": NOW + timedelta(seconds=1)}, "is not valid yet"),
    ):
        data = policy_text(
            rules=({**RULE, "break-glass": GLASS},), keys={**KEYS, "deputy": KEYS["deputy"] | times}
        )
        forge = forge_with(data)
        commit = forge.commit()
        facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI218")
        assert f"is signed by maintainer; key deputy {why}" in facts


def test_nobody_s_signature_is_no_bypass(forge: MemoryForge) -> None:
    commit = forge.commit()
    verdict = landed(forge, commit, offered(forge, commit, STRANGER))
    facts = refused(verdict, "LFCI103", "LFCI218")
    assert "signed by a key that the policy does not know" in facts


# -- for exactly what ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"repository": "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12"}, "is for another repository"),
        ({"ref": "refs/heads/release/1"}, "is for another ref, refs/heads/release/1"),
        ({"old": oid("elsewhere")}, f"is for another old tip, {oid('elsewhere')[:12]}"),
        ({"old": None}, "is for another old tip, none"),
    ],
)
def test_it_is_for_one_update_of_one_ref_of_one_repository(
    forge: MemoryForge, change: dict[str, Any], why: str
) -> None:
    commit = forge.commit()
    assert why in refused(landed(forge, commit, offered(forge, commit, **change)), "LFCI101", "LFCI218")


def test_it_is_for_one_commit(forge: MemoryForge) -> None:
    """The same tree under another message is another commit. Nothing is found about it."""
    delivery = offered(forge, forge.commit(TESTS))
    refused(landed(forge, forge.commit(TESTS, message=b"again\n"), delivery), "LFCI101", "LFCI206")


def test_a_note_under_the_wrong_commit_gives_nothing(forge: MemoryForge) -> None:
    from lfci_gate.gate.facts import NOTES_REF
    from lfci_gate.git.notes import updated_notes_tree

    commit, other = forge.commit(), forge.commit(message=b"other\n")
    line = cosigned(bypass_of(forge, other), *BOTH)
    tree = updated_notes_tree(forge.objects, None, {commit: line + b"\n"}, forge.objects.add)
    forge.refs[NOTES_REF] = forge.commit_of(tree)
    assert f"is for another commit, {other[:12]}" in refused(landed(forge, commit), "LFCI101", "LFCI218")


def test_commits_under_it_land_with_it() -> None:
    forge = forge_with(policy(scope="each"))
    tip = forge.commit(parents=[forge.commit(TESTS)], changes={"src/lib.py": b"x\n"})
    verdict = landed(forge, tip, offered(forge, tip))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert len({reason.commit for reason in main_of(verdict).waived}) == 2


# -- how long --------------------------------------------------------------------------------------------


def test_it_begins_and_it_ends(forge: MemoryForge) -> None:
    commit = forge.commit()
    delivery = offered(forge, commit, issued_at=NOW, not_after=NOW + timedelta(hours=4))
    last = NOW + timedelta(hours=4) - timedelta(seconds=1)
    for now in (NOW - timedelta(seconds=300), NOW, last):
        assert main_of(landed(forge, commit, delivery, now=now)).bypass is not None
    for now, why in (
        (NOW - timedelta(seconds=301), "is from the future"),
        (last + timedelta(seconds=1), "has expired at 2026-11-23T09:40:00Z"),
    ):
        assert why in refused(landed(forge, commit, delivery, now=now), "LFCI101", "LFCI218")


def test_it_does_not_live_longer_than_the_policy_lets_it(forge: MemoryForge) -> None:
    commit = forge.commit()
    for seconds in (14400, 14401):
        delivery = offered(forge, commit, not_after=NOW + timedelta(seconds=seconds))
        verdict = landed(forge, commit, delivery)
        if seconds == 14400:
            assert main_of(verdict).bypass is not None
        else:
            assert "lives longer than 14400 s" in refused(verdict, "LFCI101", "LFCI218")


# -- once -----------------------------------------------------------------------------------------------


def test_it_is_used_once(forge: MemoryForge) -> None:
    commit = forge.commit()
    delivery = offered(forge, commit)
    name = delivery.ref.rpartition("/")[2]
    forge.used.add((name, commit))
    facts = refused(landed(forge, commit, delivery), "LFCI101", "LFCI219")
    assert facts == f"bypass {name[:12]} was used"
    again = offered(forge, commit, nonce="B" * 22)
    assert main_of(landed(forge, commit, delivery, again)).bypass == again.ref.rpartition("/")[2]


def test_nobody_asks_whether_it_was_used_where_it_does_not_count(
    forge: MemoryForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the forge remembers is read only where it decides."""
    asked: list[str] = []
    monkeypatch.setattr(forge, "spent", lambda bypass, commit: bool(asked.append(bypass)), raising=False)
    commit = forge.commit()
    landed(forge, commit)
    landed(forge, commit, offered(forge, commit, MAINTAINER))
    landed(forge, commit, offered(forge, commit), forge.run(commit))
    assert asked == []
    landed(forge, commit, offered(forge, commit))
    assert len(asked) == 1


# -- what it waives --------------------------------------------------------------------------------------


def test_it_waives_no_more_than_the_policy_lets_it() -> None:
    forge = forge_with(policy({"waives": ["checks", "tests"]}))
    commit = forge.commit()
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI218")
    assert "waives approvals, dependencies, which the policy does not let it" in facts
    assert main_of(landed(forge, commit, offered(forge, commit, waives=("checks",)))).bypass is not None


@pytest.mark.parametrize("missing", ["checks", "approvals"])
def test_it_waives_all_that_is_wrong_or_nothing(forge: MemoryForge, missing: str) -> None:
    commit = forge.commit(TESTS)
    waives = tuple(sorted(set(EVERYTHING) - {missing}))
    left = {"checks": "LFCI101", "approvals": "LFCI206"}[missing]
    facts = refused(
        landed(forge, commit, offered(forge, commit, waives=waives)), "LFCI101", "LFCI206", "LFCI218"
    )
    assert facts.endswith(f"does not waive {left}")


def test_without_break_glass_in_the_policy_there_is_none() -> None:
    forge = forge_with(policy_text(keys=KEYS))
    commit = forge.commit()
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI218")
    assert "is not known to the policy: refs/heads/main has no break-glass" in facts
    assert main_of(landed(forge, commit, offered(forge, commit), forge.run(commit))).remarks == ()


def test_checks_that_are_not_declared_or_see_nothing(forge: MemoryForge) -> None:
    other = CONFIG.replace(b"[checks.test]", b"[checks.other]")
    for config, code in (
        (None, "LFCI404"),
        (b"nonsense", "LFCI405"),
        (other, "LFCI406"),
        (CONFIG + b'inputs = ["nowhere/**"]\n', "LFCI414"),
    ):
        changes = {".lfci/config.toml": config}
        if code == "LFCI414":
            changes |= {"flake.nix": None, "flake.lock": None}
        commit = forge.commit(changes)
        assert codes(landed(forge, commit)) == {code, "LFCI206"}
        assert {reason.code for reason in main_of(landed(forge, commit, offered(forge, commit))).waived} == {
            code,
            "LFCI206",
        }


def test_tests_that_vanished_are_waived_by_name() -> None:
    forge = forge_with(policy(tests={"removed": "refuse"}))
    forge.land(forge.run(forge.refs[MAIN], document=BEFORE))
    commit = forge.commit({"src/lib.py": b"x\n"})
    run = forge.run(commit, document=document(("t::one", "passed")))
    assert codes(landed(forge, commit, run)) == {"LFCI213"}
    others = ("approvals", "checks", "dependencies")
    facts = refused(landed(forge, commit, run, offered(forge, commit, waives=others)), "LFCI213", "LFCI218")
    assert facts.endswith("does not waive LFCI213")
    verdict = landed(forge, commit, run, offered(forge, commit, waives=("tests",)))
    assert [reason.code for reason in main_of(verdict).waived] == ["LFCI213"]


def test_dependencies_are_waived_by_name() -> None:
    forge = forge_with(policy(dependencies={"unpinned": "refuse"}))
    commit = forge.commit()
    digest = Sha256(hashlib.sha256(FILES["flake.lock"]).hexdigest())
    run = forge.run(commit, lockfiles=(LockfileFact("flake.lock", digest, None, None),))
    assert codes(landed(forge, commit, run)) == {"LFCI214"}
    others = ("approvals", "checks", "tests")
    facts = refused(landed(forge, commit, run, offered(forge, commit, waives=others)), "LFCI214", "LFCI218")
    assert facts.endswith("does not waive LFCI214")
    verdict = landed(forge, commit, run, offered(forge, commit, waives=("dependencies",)))
    assert [reason.code for reason in main_of(verdict).waived] == ["LFCI214"]


@pytest.mark.parametrize("removed", ["refuse", "approval"])
def test_a_waived_check_leaves_no_tests_to_compare(removed: str) -> None:
    """Else waiving the checks would waive what the rule asks of tests, unseen."""
    forge = forge_with(policy(tests={"removed": removed}))
    commit = forge.commit()
    assert codes(landed(forge, commit)) == {"LFCI101"}
    facts = refused(landed(forge, commit, offered(forge, commit, waives=("checks",))), "LFCI101", "LFCI218")
    assert facts.endswith("does not waive tests")
    both = offered(forge, commit, waives=("checks", "tests"))
    assert main_of(landed(forge, commit, both)).bypass is not None


# -- what is never waived --------------------------------------------------------------------------------


def test_a_change_of_the_policy_needs_its_approvals(forge: MemoryForge) -> None:
    changed = policy(version=2)
    forge = started(policy())
    commit = forge.commit({".lfci/policy.toml": changed, **TESTS})
    assert codes(landed(forge, commit)) == {"LFCI101", "LFCI206"}
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI206", "LFCI218")
    assert facts.endswith("does not waive LFCI206")
    approvals = forge.approvals(commit, policy=policy())
    assert approvals
    verdict = landed(forge, commit, offered(forge, commit), *approvals)
    assert [reason.code for reason in main_of(verdict).waived] == ["LFCI101"]


def test_a_policy_that_must_not_land_does_not(forge: MemoryForge) -> None:
    forge = started(policy())
    for data, code in (
        (policy({"longest": "3h"}), "LFCI204"),
        (b"nonsense", "LFCI202"),
        (None, "LFCI201"),
        (policy(version=2, refs=["refs/heads/release/*"]), "LFCI216"),
    ):
        commit = forge.commit({".lfci/policy.toml": data})
        approvals = forge.approvals(commit, policy=policy())
        verdict = landed(forge, commit, offered(forge, commit), forge.run(commit), *approvals)
        refused(verdict, code, "LFCI218")


def test_unsound_trees_and_commits_and_updates_stay_refused(forge: MemoryForge) -> None:
    unsound = forge.objects.tree((0o100644, b"..", forge.objects.blob(b"x")))
    commit = forge.commit_of(unsound, [forge.refs[MAIN]])
    refused(landed(forge, commit, offered(forge, commit)), "LFCI401")
    raw = format_commit(Commit(forge.tree(forge.refs[MAIN]), (forge.refs[MAIN],), WHO, WHO, b"x\n"))
    twice = forge.objects.add(
        "commit", raw.replace(b"author", b"author Eve <e@example.org> 1 +0000\nauthor", 1)
    )
    refused(landed(forge, twice, offered(forge, twice)), "LFCI402")
    tree = forge.objects.tree((0o160000, b"sub", oid("sub")))
    commit = forge.commit_of(tree, [forge.refs[MAIN]])
    refused(landed(forge, commit, offered(forge, commit)), "LFCI407")
    root = forge.commit(parents=[], message=b"another root\n")
    refused(landed(forge, root, offered(forge, root)), "LFCI208")
    tip = forge.refs[MAIN]
    refused(forge.judge(RefUpdate(MAIN, tip, None), offered(forge, tip)), "LFCI207")


def test_a_malformed_trailer_stays_refused(forge: MemoryForge) -> None:
    commit = forge.commit(message=b"change\n\nLfci-Session: a\nLfci-Session: b\n")
    assert "does not waive LFCI409" in refused(
        landed(forge, commit, offered(forge, commit)), "LFCI409", "LFCI218"
    )


def test_what_could_not_be_decided_stays_undecided(forge: MemoryForge) -> None:
    """A note of the checks' subject cannot be read: nobody knows what it would have said."""
    from lfci_gate.gate.facts import NOTES_REF

    commit = forge.commit(TESTS)
    forge.refs[NOTES_REF] = forge.commit_of(oid("no tree"))
    verdict = landed(forge, commit, offered(forge, commit))
    assert verdict.kind is not VerdictKind.ACCEPTED
    assert main_of(verdict).bypass is None
    assert "LFCI501" in codes(verdict)
    assert not main_of(verdict).remarks


def test_something_undecided_is_enough_to_waive_nothing(
    forge: MemoryForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lfci_gate.errors import Undecided
    from lfci_gate.gate import judge

    def unreadable(*_: object) -> None:
        raise Undecided("LFCI501", "the approvals cannot be read")

    monkeypatch.setattr(judge, "rule_13_approvals", unreadable)
    commit = forge.commit(TESTS)
    verdict = landed(forge, commit, offered(forge, commit))
    assert refused(verdict, "LFCI101", "LFCI501") == ""
    assert verdict.refs[0].kind is VerdictKind.REFUSED


def test_a_bypass_that_cannot_be_looked_for_is_no_bypass(forge: MemoryForge) -> None:
    """More is offered about the commit than anybody looks at."""
    commit = forge.commit()
    deliveries = [offered(forge, commit, nonce=letter * 22) for letter in "AB"]
    limits = Limits(candidates=1)
    verdict = landed(forge, commit, *deliveries, limits=limits)
    refused(verdict, "LFCI101", "LFCI503")
    # Where nothing has to be waived nothing depends on it.
    verdict = landed(forge, commit, *deliveries, forge.run(commit), limits=limits)
    assert (verdict.kind, main_of(verdict).remarks) == (VerdictKind.ACCEPTED, ())


def test_other_statements_about_the_commit_are_no_bypasses(forge: MemoryForge) -> None:
    from lfci_gate.gate.facts import NOTES_REF
    from lfci_gate.git.notes import updated_notes_tree
    from tests.support.evidence import APPROVAL

    commit = forge.commit()
    tree = updated_notes_tree(
        forge.objects, None, {commit: cosigned(APPROVAL, *BOTH) + b"\n"}, forge.objects.add
    )
    forge.refs[NOTES_REF] = forge.commit_of(tree)
    refused(landed(forge, commit), "LFCI101")
    assert main_of(landed(forge, commit, offered(forge, commit))).bypass is not None
    assert main_of(landed(forge, commit, forge.run(commit))).remarks == ()


def test_the_first_landing_is_one_of_the_policy_and_needs_its_approvals() -> None:
    data = policy().replace(b"version = 1", b'version = 1\nbootstrap = "approval"')
    forge = MemoryForge(bootstrap_policy=data)
    commit = forge.commit({".lfci/policy.toml": data}, parents=[])
    assert codes(landed(forge, commit)) == {"LFCI101", "LFCI206"}
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI206", "LFCI218")
    assert facts.endswith("does not waive LFCI206")
    approvals = forge.approvals(commit, policy=data)
    verdict = landed(forge, commit, offered(forge, commit), *approvals)
    assert [reason.code for reason in main_of(verdict).waived] == ["LFCI101"]


def test_a_reason_is_waived_for_who_gave_it_not_for_its_code(
    forge: MemoryForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 13 could not read the approvals (LFCI110): that is no word about a check."""
    from lfci_gate.errors import Refusal
    from lfci_gate.gate import judge

    def unreadable(*_: object) -> None:
        raise Refusal("LFCI110", "the note of the approvals is malformed")

    monkeypatch.setattr(judge, "rule_13_approvals", unreadable)
    commit = forge.commit(TESTS)
    facts = refused(landed(forge, commit, offered(forge, commit)), "LFCI101", "LFCI110", "LFCI218")
    assert facts.endswith("does not waive LFCI110")


def test_the_pusher_is_never_waived(forge: MemoryForge) -> None:
    from lfci_gate.gate.bypass import WAIVABLE

    waived = {code for _, known in WAIVABLE.values() for code in known}
    assert not waived & {
        "LFCI201",
        "LFCI202",
        "LFCI203",
        "LFCI204",
        "LFCI205",
        "LFCI207",
        "LFCI208",
        "LFCI216",
    }
    assert not waived & {
        "LFCI217",
        "LFCI401",
        "LFCI402",
        "LFCI403",
        "LFCI407",
        "LFCI409",
        "LFCI411",
        "LFCI412",
    }
    assert set(WAIVABLE) == set(EVERYTHING)
