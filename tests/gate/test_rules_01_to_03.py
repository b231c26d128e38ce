"""Rules 1 to 3 on objects in memory: which refs, whose policy, what kind of update."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from lfci_gate.errors import Refusal
from lfci_gate.gate.facts import Limits, PolicyFloor, Push
from lfci_gate.gate.inbox import read_delivered
from lfci_gate.gate.refnames import Namespace, classify, fold, malformed, shadowed_by
from lfci_gate.gate.rules import evaluate
from lfci_gate.model import FileDigest, ObjectId, RefUpdate, ResultDocument, TestCase, VerdictKind
from tests.support.evidence import LANDING, NOW, REPOSITORY, SESSION, oid
from tests.support.forge import AGENT, RULE, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started
from tests.support.memory_objects import MemoryObjects
from tests.support.statements import bundle, passing_run

TAGS_TOO = policy_text(rules=({**RULE, "refs": ["refs/heads/main", "refs/heads/release/*", "refs/tags/v*"]},))
LIES: tuple[dict[str, Any], ...] = (
    {"tests": None},
    {"exit_code": 3},
    {"artifacts": (FileDigest("invented", LANDING.policy_sha256),)},
    {"check": "lint"},
)
OTHER_NAMES = ResultDocument("test", 0, (TestCase("t::three", "passed"), TestCase("t::two", "passed")), ())
ANY = policy_text(rules=({**RULE, "update": "any"},))


@pytest.fixture
def forge() -> MemoryForge:
    return started()


def new(ref: str, commit: ObjectId) -> RefUpdate:
    return RefUpdate(ref, None, commit)


# -- the whole push ---------------------------------------------------------------------------


def test_an_attested_commit_is_accepted_wherever_in_the_push_its_evidence_is(forge: MemoryForge) -> None:
    commit = forge.commit({"src/lib.py": b"answer = 43\n"})
    evidence = forge.run(commit)
    for updates in ((forge.to_main(commit), evidence), (evidence, forge.to_main(commit))):
        verdict = forge.judge(*updates)
        assert verdict.kind is VerdictKind.ACCEPTED, codes(verdict)
        [landing] = [ref for ref in verdict.refs if ref.protected]
        assert landing.evidence == (evidence.ref.rpartition("/")[2],)
        assert landing.summary == ("check test: PASSED, 2 passed, engine develop, key agent",)


def test_an_empty_push_is_undecided(forge: MemoryForge) -> None:
    assert evaluate(Push((), NOW), forge).kind is VerdictKind.UNDECIDED


def test_one_refused_ref_refuses_the_push(forge: MemoryForge) -> None:
    commit = forge.commit()
    verdict = forge.judge(forge.run(commit), forge.to_main(commit), new("refs/heads/topic/x", commit))
    assert verdict.kind is VerdictKind.ACCEPTED
    verdict = forge.judge(forge.run(commit), forge.to_main(commit), new("refs/replace/" + commit, commit))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.REFUSED, {"LFCI211"})


def test_more_updates_than_the_limit_are_refused(forge: MemoryForge) -> None:
    commit = forge.commit()
    updates = tuple(new(f"refs/heads/topic/{number}", commit) for number in range(3))
    verdict = forge.judge(*updates, limits=Limits(updates=2))
    assert (codes(verdict), verdict.refs[0].update) == ({"LFCI411"}, updates[0])
    assert forge.judge(*updates, limits=Limits(updates=3)).kind is VerdictKind.ACCEPTED


def test_more_bytes_of_attestations_than_the_limit_are_refused(forge: MemoryForge) -> None:
    commit = forge.commit()
    updates = (forge.run(commit), forge.run(commit, attester="another"))
    assert codes(forge.judge(*updates, limits=Limits(pushed_bundle_bytes=12_000))) == set()
    assert codes(forge.judge(*updates, limits=Limits(pushed_bundle_bytes=4_000))) == {"LFCI411"}
    exactly = sum(len(read_delivered(each.ref, each.new, forge.objects, Limits()).line) for each in updates)
    assert codes(forge.judge(*updates, limits=Limits(pushed_bundle_bytes=exactly))) == set()
    assert codes(forge.judge(*updates, limits=Limits(pushed_bundle_bytes=exactly - 1))) == {"LFCI411"}


# -- rule 1 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ref",
    [
        "HEAD",
        "refs/replace/0123456789012345678901234567890123456789",
        "refs/stash",
        "refs/remotes/origin/main",
        "refs/meta/config",
        "refs/Heads/main",
        "refs/heads/refs/heads/main",
        "refs/heads/heads/main",
        "refs/tags/refs/tags/v1",
        "refs/heads/HEAD",
        "refs/heads/.hidden",
        "refs/heads/a..b",
        "refs/heads/a.lock",
        "refs/heads/a//b",
        "refs/heads/a@{1}",
        "refs/heads/a b",
        "refs/heads/a\x7fb",
        "refs/heads/a\x01b",
        "refs/heads/end/",
        "refs/heads/end.",
        "refs/heads/sur\udc80rogate",
        "refs/heads/" + "x" * 1024,
        "refs/heads/" + "x" * 251,
        "refs/heads/" + "\u00e9" * 126,
    ],
)
def test_rule_01_names_and_namespaces_that_are_refused(forge: MemoryForge, ref: str) -> None:
    assert codes(forge.judge(new(ref, forge.commit()))) == {"LFCI211"}


@pytest.mark.parametrize(
    "ref",
    [
        "refs/notes/lfci",
        "refs/notes/lfci-landed",
        "refs/notes/lfci-anything",
        "refs/notes/LFCI",
        "refs/lfci/results",
        "refs/lfci/Inbox/x/y",
        "refs/lfci/else",
        "refs/notes/l\u200dfci",  # some file systems leave the joiner out
        "refs/\uff4cfci/results",
    ],
)
def test_rule_01_the_forges_own_refs_are_refused(forge: MemoryForge, ref: str) -> None:
    for update in (new(ref, forge.commit()), RefUpdate(ref, forge.commit(), None)):
        assert codes(forge.judge(update)) == {"LFCI209"}


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/Main",
        "refs/heads/MAIN",
        "refs/heads/ma\u00adin",  # soft hyphen
        "refs/heads/m\u200bain",  # zero width space
        "refs/heads/\uff4dain",  # full width m
        "refs/heads/main\u0301",  # a combining accent
        "refs/heads/mai\u0144",  # the same in one character
        "refs/heads/main\ufe0f",  # variation selector
        "refs/heads/Release/1",
        "refs/heads/re\u2060lease/1",
        "refs/heads/main\u3164",  # a Hangul filler: a letter that shows nothing
        "refs/heads/main\u2800",  # the empty Braille pattern
        "refs/heads/main\u20dd",  # a mark around the letter before
        "refs/heads/main\u2065",  # a format character that Unicode has only reserved
        "refs/heads/m\u0430in",  # Cyrillic a
        "refs/heads/ma\u0131n",  # i without its dot
        "refs/heads/R\u0415LE\u0391SE/1",  # Cyrillic E, Greek Alpha
    ],
)
def test_rule_01_look_alikes_of_protected_refs_are_refused(forge: MemoryForge, ref: str) -> None:
    assert codes(forge.judge(new(ref, forge.commit()))) == {"LFCI211"}


def test_rule_01_a_tag_cannot_shadow_a_protected_branch(forge: MemoryForge) -> None:
    forge.refs["refs/heads/release/1"] = forge.refs[MAIN]
    for name in ("main", "release/1"):
        assert codes(forge.judge(new(f"refs/tags/{name}", forge.commit()))) == {"LFCI211"}
    forge.refs["refs/heads/topic"] = forge.refs[MAIN]
    for name in ("release/2", "mainly", "v1"):  # no branch of that name is there to be mistaken for
        assert forge.judge(new(f"refs/tags/{name}", forge.commit())).kind is VerdictKind.ACCEPTED
    # Nor where a branch is that nobody protects.
    assert forge.judge(new("refs/tags/topic", forge.commit())).kind is VerdictKind.ACCEPTED


def test_rule_01_a_tag_cannot_take_the_name_of_heads_branch_before_that_lands() -> None:
    forge = MemoryForge(bootstrap_policy=policy_text())
    assert codes(forge.judge(new("refs/tags/main", forge.commit()))) == {"LFCI211"}


def test_rule_01_a_look_alike_of_one_rule_s_refs_need_not_be_one_of_all(forge: MemoryForge) -> None:
    others = {**RULE, "refs": ["refs/heads/stable"], "protect": []}
    forge.server_policy = policy_text(rules=(RULE, others))
    for ref in ("refs/heads/Main", "refs/heads/Stable"):
        assert codes(forge.judge(new(ref, forge.commit()))) == {"LFCI211"}


def test_rule_01_unprotected_refs_pass_untouched(forge: MemoryForge) -> None:
    weird = forge.objects.add("blob", b"no commit at all")
    for ref in ("refs/heads/topic", "refs/heads/mainly", "refs/tags/any", "refs/notes/commits"):
        for update in (new(ref, weird), RefUpdate(ref, weird, None)):
            verdict = forge.judge(update)
            assert verdict.kind is VerdictKind.ACCEPTED
            assert not verdict.refs[0].protected


def test_rule_01_an_alias_is_judged_as_what_it_moves(forge: MemoryForge) -> None:
    forge.symrefs["refs/heads/alias"] = MAIN
    forge.refs["refs/heads/alias"] = forge.refs[MAIN]
    commit = forge.commit()
    update = RefUpdate("refs/heads/alias", forge.refs[MAIN], commit)
    assert codes(forge.judge(update)) == {"LFCI101"}
    assert forge.judge(update, forge.run(commit)).kind is VerdictKind.ACCEPTED
    assert codes(forge.judge(RefUpdate("refs/heads/alias", forge.refs[MAIN], None))) == {"LFCI207"}
    both = forge.judge(update, forge.to_main(commit), forge.run(commit))
    assert codes(both) == {"LFCI212"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("refs/notes/lfci", "LFCI209"),
        ("refs/lfci/inbox/a/b", "LFCI212"),
        ("refs/heads/alias", "LFCI212"),
        ("HEAD", "LFCI211"),
    ],
)
def test_rule_01_aliases_that_lead_where_no_push_may_go(forge: MemoryForge, target: str, code: str) -> None:
    forge.symrefs["refs/heads/alias"] = target
    assert codes(forge.judge(new("refs/heads/alias", forge.commit()))) == {code}


def test_rule_01_aliases_of_aliases_are_followed_as_far_as_git_does(forge: MemoryForge) -> None:
    commit = forge.commit()
    names = [f"refs/heads/alias{number}" for number in range(5)]
    forge.symrefs |= dict(zip(names, [*names[1:], MAIN], strict=True))
    forge.refs |= dict.fromkeys(names, forge.refs[MAIN])
    for name, found in ((names[1], "LFCI101"), (names[0], "LFCI212")):  # four, and five in a row
        assert codes(forge.judge(RefUpdate(name, forge.refs[MAIN], commit))) == {found}


def test_rule_01_classify_knows_its_namespaces() -> None:
    assert classify("refs/heads/x") is Namespace.BRANCH
    assert classify("refs/lfci/inbox/x") is Namespace.INBOX
    with pytest.raises(Refusal):
        classify("refs/x")
    assert fold("MAIN\u200b") == "main"


def test_rule_01_the_longest_names_that_are_well_formed() -> None:
    part = "x" * 250
    longest = f"refs/heads/{part}/{part}/{part}/{part}/{'y' * 9}"
    assert len(longest) == 1024
    assert malformed(longest) == malformed(f"refs/heads/{part}") == ""
    assert malformed("refs/heads/" + "\u00e9" * 125) == ""
    assert malformed(longest + "y") == "longer than 1,024 bytes"
    assert malformed(f"refs/heads/{part}x/y") == "a component of more than 250 bytes"
    assert classify(longest) is Namespace.BRANCH


@pytest.mark.parametrize(
    ("why", "names"),
    [
        ("not below refs/<namespace>/", ("HEAD", "refs/x", "heads/a/b", "xrefs/heads/a")),
        (
            "a character that is not allowed in ref names",
            tuple(f"refs/heads/a{char}b" for char in " ~^:?*[\\\x7f\x00\x1f\udc80\udcff"),
        ),
        (
            "a sequence that is not allowed in ref names",
            tuple(f"refs/heads/{name}" for name in ("a..b", "a@{1}", "a//b", "a/", "a.")),
        ),
        (
            "a component that is not allowed in ref names",
            tuple(f"refs/heads/{name}" for name in (".a", "a/.b/c", "a.lock", "a.lock/b")),
        ),
        (
            "",
            tuple(f"refs/heads/{name}" for name in ("a.b", "a@b", "@", "a.locks", "\ud7ff\ue000", "\u00a0")),
        ),
    ],
)
def test_rule_01_each_way_to_be_malformed_is_found_by_itself(why: str, names: tuple[str, ...]) -> None:
    """git refuses these names, too; whoever looks ahead has no git that does."""
    assert {name: malformed(name) for name in names} == dict.fromkeys(names, why)


def test_rule_01_only_tags_are_taken_for_branches() -> None:
    assert shadowed_by("refs/heads/origin/main") == shadowed_by("refs/notes/main") == ()
    assert shadowed_by("refs/tags/v1") == ("refs/heads/v1",)
    assert shadowed_by("refs/tags/origin/v1") == ("refs/heads/origin/v1", "refs/heads/v1")
    assert shadowed_by("refs/tags/upstream/a/b") == ("refs/heads/upstream/a/b", "refs/heads/a/b")


# -- rule 2 -----------------------------------------------------------------------------------


def test_rule_02_without_a_policy_nothing_is_accepted(forge: MemoryForge) -> None:
    empty = MemoryForge()
    commit = empty.commit()
    for ref in (MAIN, "refs/heads/topic"):
        assert codes(empty.judge(new(ref, commit))) == {"LFCI201"}


def test_rule_02_head_without_a_branch_decides_nothing(forge: MemoryForge) -> None:
    """Else the bootstrap policy would be back, and every new ref a first landing."""
    forge.head = None
    verdict = forge.judge(new("refs/heads/release/1", forge.commit({"tests/test_lib.py": b"pass\n"})))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI516"})


def test_rule_02_a_malformed_landed_policy_decides_nothing(forge: MemoryForge) -> None:
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": b"version = 0\n"})
    verdict = forge.judge(new("refs/heads/topic", forge.commit()))
    assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI202"})


def test_rule_02_a_policy_older_than_one_seen_before_is_refused(forge: MemoryForge) -> None:
    forge.policy_floor = PolicyFloor(REPOSITORY, 2)
    assert codes(forge.judge(new("refs/heads/topic", forge.commit()))) == {"LFCI203"}
    forge.policy_floor = PolicyFloor(REPOSITORY, 1)
    assert codes(forge.judge(new("refs/heads/topic", forge.commit()))) == set()
    forge.policy_floor = PolicyFloor("11111111-2222-3333-4444-555555555555", 1)
    assert codes(forge.judge(new("refs/heads/topic", forge.commit()))) == {"LFCI205"}


def test_rule_02_a_policy_planted_on_another_branch_judges_nothing(forge: MemoryForge) -> None:
    lax = policy_text(version=9, rules=({"refs": ["refs/heads/main", "refs/heads/topic"]},))
    forge.refs["refs/heads/topic"] = forge.commit({".lfci/policy.toml": lax})
    commit = forge.commit({"src/lib.py": b"evil\n"}, parents=[forge.refs[MAIN]])
    assert codes(forge.judge(forge.to_main(commit))) == {"LFCI101"}


def test_rule_02_the_servers_file_comes_before_the_landed_one(forge: MemoryForge) -> None:
    forge.server_policy = policy_text(rules=({"refs": ["refs/heads/main"]},))
    commit = forge.commit({"src/lib.py": b"2\n"})
    assert forge.judge(forge.to_main(commit)).kind is VerdictKind.ACCEPTED


def test_rule_02_the_branch_of_head_without_a_rule_takes_no_push(forge: MemoryForge) -> None:
    forge.server_policy = policy_text(rules=({"refs": ["refs/heads/release/*"]},))
    for update in (forge.to_main(forge.commit()), RefUpdate(MAIN, forge.refs[MAIN], None)):
        assert codes(forge.judge(update)) == {"LFCI216"}


# -- rule 3: kinds of update --------------------------------------------------------------------


def test_rule_03_a_protected_ref_is_not_deleted(forge: MemoryForge) -> None:
    assert codes(forge.judge(RefUpdate(MAIN, forge.refs[MAIN], None))) == {"LFCI207"}


def test_rule_03_only_fast_forwards_unless_the_rule_says_any(forge: MemoryForge) -> None:
    other = forge.commit({"src/lib.py": b"3\n"}, parents=[])
    updates = (forge.to_main(other), forge.run(other))
    assert codes(forge.judge(*updates)) == {"LFCI208"}
    forge.server_policy = ANY
    assert forge.judge(*updates).kind is VerdictKind.ACCEPTED


def test_rule_03_a_rewind_by_update_any_needs_fresh_evidence_too(forge: MemoryForge) -> None:
    forge.server_policy = ANY
    first = forge.refs[MAIN]
    forge.refs[MAIN] = forge.commit({"src/lib.py": b"2\n"})
    assert codes(forge.judge(forge.to_main(first))) == {"LFCI101"}


def test_rule_03_what_the_push_says_about_the_old_tip_must_be_so(forge: MemoryForge) -> None:
    commit = forge.commit()
    for old in (None, commit):
        verdict = forge.judge(RefUpdate(MAIN, old, commit), forge.run(commit))
        assert (verdict.kind, codes(verdict)) == (VerdictKind.UNDECIDED, {"LFCI507"})


def test_rule_03_a_shallow_repository_is_not_judged(forge: MemoryForge) -> None:
    forge.shallow = True
    commit = forge.commit()
    assert codes(forge.judge(forge.to_main(commit), forge.run(commit))) == {"LFCI408"}


def test_rule_03_a_branch_points_to_a_commit_and_nothing_else(forge: MemoryForge) -> None:
    commit = forge.commit()
    tree = forge.tree(commit)
    for target in (forge.tag(commit), tree, forge.objects.blob(b"x"), forge.tag(tree, "tree")):
        assert codes(forge.judge(forge.to_main(target), forge.run(commit))) == {"LFCI403"}


def test_rule_03_a_protected_tag_leads_to_an_attested_commit() -> None:
    forge = started(TAGS_TOO)
    commit = forge.commit({"src/lib.py": b"2\n", ".lfci/policy.toml": TAGS_TOO})
    for target in (commit, forge.tag(commit), forge.tag(forge.tag(commit), "tag")):
        assert codes(forge.judge(new("refs/tags/v1", target))) == {"LFCI101"}
        assert forge.judge(new("refs/tags/v1", target), forge.run(commit)).kind is VerdictKind.ACCEPTED
    for target in (forge.tree(commit), forge.tag(forge.objects.blob(b""), "blob")):
        assert codes(forge.judge(new("refs/tags/v1", target), forge.run(commit))) == {"LFCI403"}
    for said in ("tree", "blob", "tag"):
        lie = new("refs/tags/v1", forge.tag(commit, said))
        assert codes(forge.judge(lie, forge.run(commit))) == {"LFCI402"}
    deep = commit
    for _ in range(9):
        deep = forge.tag(deep, "tag" if deep != commit else "commit")
    assert codes(forge.judge(new("refs/tags/v1", deep))) == {"LFCI403"}


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [("main", True), ("origin/main", True), ("upstream/main", True), ("v1/main", False), ("origin/x", False)],
)
def test_rule_01_a_tag_that_is_taken_for_a_protected_branch(
    forge: MemoryForge, name: str, is_refused: bool
) -> None:
    """In a clone `git merge origin/main` looks among the tags before it looks among the forge's branches."""
    commit = forge.commit()
    assert codes(forge.judge(new(f"refs/tags/{name}", commit))) == ({"LFCI211"} if is_refused else set())


# -- rule 3: refs that do not exist yet -----------------------------------------------------------


def test_rule_03_a_landed_commit_is_promoted_with_the_evidence_that_is_there(forge: MemoryForge) -> None:
    commit = forge.refs[MAIN]
    promotion = new("refs/heads/release/1", commit)
    assert codes(forge.judge(promotion)) == {"LFCI101"}
    forge.land(forge.run(commit))
    assert forge.judge(promotion).kind is VerdictKind.ACCEPTED


def test_rule_03_a_new_ref_is_compared_with_where_it_left_the_branch_of_head(forge: MemoryForge) -> None:
    commit = forge.commit({"tests/test_lib.py": b"pass\n"})
    assert codes(forge.judge(new("refs/heads/release/1", commit), forge.run(commit))) == {"LFCI206"}


def test_rule_03_an_unrelated_history_is_compared_with_the_tip_of_head(forge: MemoryForge) -> None:
    root = forge.commit({"tests/test_lib.py": b"pass\n"}, parents=[])
    assert codes(forge.judge(new("refs/heads/release/1", root), forge.run(root))) == {"LFCI206"}


def test_rule_03_a_commit_that_only_passed_through_head_is_no_base(forge: MemoryForge) -> None:
    """Of a push of two commits only the second is compared with what was there: the first may have
    any protected paths, and is in the history of the branch all the same."""
    first = forge.refs[MAIN]
    middle = forge.commit({"tests/test_lib.py": b"pass\n"})
    tip = forge.commit({"src/lib.py": b"answer = 43\n"}, parents=[middle])
    assert forge.judge(forge.to_main(tip), forge.run(tip)).kind is VerdictKind.ACCEPTED
    forge.refs[MAIN] = tip
    forge.landed |= {first, tip}
    for pushed in (middle, forge.commit({"tests/test_lib.py": b"pass\n", "x": b"y"}, parents=[middle])):
        verdict = forge.judge(new("refs/heads/release/1", pushed), forge.run(pushed))
        assert codes(verdict) == {"LFCI206"}
        approvals = forge.approvals(pushed, to="refs/heads/release/1", base=tip)
        verdict = forge.judge(new("refs/heads/release/1", pushed), forge.run(pushed), *approvals)
        assert codes(verdict) == set()
    # What was the tip once may be branched off again, also when main has moved on with approval.
    further = forge.commit({"tests/test_lib.py": b"def test_more(): pass\n"}, parents=[tip])
    forge.refs[MAIN] = further
    assert codes(forge.judge(new("refs/heads/release/1", tip), forge.run(tip))) == set()


def test_rule_03_only_the_branch_of_head_has_a_first_landing() -> None:
    forge = MemoryForge(bootstrap_policy=FILES[".lfci/policy.toml"])
    commit = forge.commit()
    assert codes(forge.judge(new("refs/heads/release/1", commit), forge.run(commit))) == {"LFCI206"}
    verdict = forge.judge(new(MAIN, commit), forge.run(commit))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.refs[0].remarks == ("first landing: protected parts were not approved",)


# -- rule 3: the inbox ------------------------------------------------------------------------


def test_rule_03_inbox_refs_are_only_created(forge: MemoryForge) -> None:
    delivery = forge.run(forge.commit())
    assert forge.judge(delivery).kind is VerdictKind.ACCEPTED
    changed = RefUpdate(delivery.ref, oid("old"), delivery.new)
    deleted = RefUpdate(delivery.ref, delivery.new, None)
    assert codes(forge.judge(changed)) == codes(forge.judge(deleted)) == {"LFCI210"}
    assert codes(forge.judge(RefUpdate(delivery.ref, None, None))) == {"LFCI210"}
    forge.land(delivery)
    assert codes(forge.judge(delivery)) == {"LFCI210"}


@pytest.mark.parametrize(
    "ref",
    [
        "refs/lfci/inbox/x",
        "refs/lfci/inbox/" + "0" * 40,
        f"refs/lfci/inbox/{'0' * 40}/{'A' * 64}",
        f"refs/lfci/inbox/{'0' * 40}/{'a' * 64}/x",
    ],
)
def test_rule_03_inbox_names_have_one_form(forge: MemoryForge, ref: str) -> None:
    assert codes(forge.judge(new(ref, forge.run(forge.commit()).new or oid("")))) == {"LFCI210"}


def test_rule_03_only_an_inbox_ref_is_read_as_one(forge: MemoryForge) -> None:
    tree = forge.run(forge.commit()).new or oid("")
    for ref in (MAIN, "refs/lfci/inbox/x", f"refs/lfci/inbox/{'0' * 64}/{'a' * 64}"):
        with pytest.raises(Refusal, match="not an inbox ref of this repository") as caught:
            read_delivered(ref, tree, forge.objects, Limits())
        assert caught.value.code == "LFCI210"


def test_rule_03_inbox_name_equals_content(forge: MemoryForge) -> None:
    delivery = forge.run(forge.commit())
    assert delivery.new is not None
    _, _, _, subject, name = delivery.ref.split("/")
    for other in (f"{oid('x')}/{name}", f"{subject}/{'0' * 64}"):
        assert codes(forge.judge(new(f"refs/lfci/inbox/{other}", delivery.new))) == {"LFCI210"}


def test_rule_03_inbox_subjects_are_names_of_this_repositorys_hash(forge: MemoryForge) -> None:
    other = MemoryForge(MemoryObjects("sha256"))
    statement, data = passing_run(other.objects, other.tree(other.commit()), NOW)
    assert codes(forge.judge(forge.delivery(bundle(statement, AGENT), data))) == {"LFCI210"}


def test_rule_03_inbox_holds_the_attested_result_document(forge: MemoryForge) -> None:
    statement, data = passing_run(forge.objects, forge.tree(forge.commit()), NOW)
    line = bundle(statement, AGENT)
    assert codes(forge.judge(forge.delivery(line, None))) == {"LFCI210"}
    assert codes(forge.judge(forge.delivery(line, data + b" "))) == {"LFCI115"}
    for lie in LIES:
        wrong = bundle(replace(statement, **lie), AGENT)
        assert codes(forge.judge(forge.delivery(wrong, data))) == {"LFCI115"}, lie
    # Another document that nothing contradicts: as many tests of other names.
    _, other = passing_run(forge.objects, forge.tree(forge.commit()), NOW, document=OTHER_NAMES)
    assert codes(forge.judge(forge.delivery(line, other))) == {"LFCI115"}
    assert "not the attested one" in forge.judge(forge.delivery(line, other)).refs[0].reasons[0].message
    unreadable = replace(statement, result_sha256=hashlib.sha256(b"{}").hexdigest())
    assert codes(forge.judge(forge.delivery(bundle(unreadable, AGENT), b"{}"))) == {"LFCI115"}
    session = bundle(SESSION, AGENT)
    assert forge.judge(forge.delivery(session)).kind is VerdictKind.ACCEPTED
    assert codes(forge.judge(forge.delivery(session, data))) == {"LFCI210"}


def test_rule_03_landing_records_are_not_delivered(forge: MemoryForge) -> None:
    assert codes(forge.judge(forge.delivery(bundle(LANDING, AGENT)))) == {"LFCI210"}


def test_rule_03_inbox_objects_have_one_form(forge: MemoryForge) -> None:
    delivery = forge.run(forge.commit())
    assert delivery.new is not None
    objects = forge.objects
    held = {entry[1]: entry[2] for entry in _entries(forge, delivery.new)}
    bad = [
        objects.blob(b"no tree"),
        objects.tree((0o100644, b"attestation", held[b"attestation"]), (0o100644, b"x", objects.blob())),
        objects.tree(
            (0o100755, b"attestation", held[b"attestation"]), (0o100644, b"result", held[b"result"])
        ),
        objects.tree(
            (0o120000, b"attestation", held[b"attestation"]), (0o100644, b"result", held[b"result"])
        ),
        objects.tree((0o100644, b"result", held[b"result"])),
        objects.tree((0o100644, b"attestation", objects.blob(b"{}\n{}\n"))),
        objects.tree((0o100644, b"attestation", objects.blob(b"x" * (257 * 1024) + b"\n"))),
    ]
    for tree in bad:
        assert codes(forge.judge(new(delivery.ref, tree))) == {"LFCI210"}
    junk = objects.tree((0o100644, b"attestation", objects.blob(b"{}\n")))
    assert codes(forge.judge(new(delivery.ref, junk))) == {"LFCI110"}


def _entries(forge: MemoryForge, tree: ObjectId) -> tuple[tuple[int, bytes, ObjectId], ...]:
    from lfci_gate.git.tree import read_tree

    return tuple((entry.mode, entry.name, entry.oid) for entry in read_tree(forge.objects, tree))


@pytest.mark.parametrize(
    ("ref", "is_refused"),
    [
        ("refs/heads/main/x", True),
        ("refs/heads/release", True),
        ("refs/heads/release/1/x", True),
        ("refs/heads/release/1/x/y", True),
        ("refs/heads/mainline", False),
        ("refs/heads/releases", False),
    ],
)
def test_rule_01_a_ref_in_the_way_of_a_protected_one_is_refused(ref: str, is_refused: bool) -> None:
    """git cannot hold a ref above or below another one, so such a ref would block a landing."""
    forge = started()
    verdict = forge.judge(RefUpdate(ref, None, forge.refs[MAIN]))
    assert codes(verdict) == ({"LFCI211"} if is_refused else set())
