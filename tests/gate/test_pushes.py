"""What git itself does with a push, under the gate: quarantine, aliases, namespaces, odd objects, histories.

All over git daemon but where the text says otherwise. Refusals share one forge, which none of them changes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lfci_gate.gate.forge import open_forge
from tests.gate.conftest import Farm
from tests.support.forge import RULE, STRANGER, Developer, policy_text

EACH = policy_text(rules=({**RULE, "scope": "each"},))
TAGS_TOO = policy_text(rules=({**RULE, "refs": [*RULE["refs"], "refs/tags/v*"]},))


# -- refused, on a shared forge --------------------------------------------------------------------


def test_no_evidence_or_that_of_a_stranger(guest: Developer) -> None:
    guest.edit()
    guest.refused("LFCI101", "origin", "main")
    guest.refused("LFCI103", "origin", "main", guest.evidence("HEAD", STRANGER))


def test_evidence_of_another_commit(guest: Developer) -> None:
    guest.edit()
    other = guest.evidence("HEAD")
    guest.edit()
    guest.refused("LFCI104", "origin", "main", other)
    guest.refused("LFCI104", "--atomic", "origin", other, "main")


def test_what_was_refused_once_is_judged_again(guest: Developer) -> None:
    """Objects of a refused push are gone with its quarantine."""
    commit = guest.edit()
    guest.refused("LFCI101", "origin", "main")
    guest.refused("LFCI101", "origin", "main")
    assert commit not in guest.forge.repo.git("cat-file", "--batch-all-objects", "--batch-check").decode()


def test_deletion_rewind_and_unrelated_root(guest: Developer) -> None:
    guest.refused("LFCI207", "origin", ":main")
    guest.repo.git("checkout", "-q", "--orphan", "other")
    guest.edit()
    guest.refused("LFCI208", "origin", "+HEAD:main", guest.evidence("HEAD"))
    guest.repo.write("tests/test_lib.py", b"pass\n")
    guest.repo.commit()
    guest.refused("LFCI206", "origin", "HEAD:refs/heads/release/1", guest.evidence("HEAD"))


def test_protected_paths(guest: Developer) -> None:
    guest.edit({"tests/test_lib.py": b"pass\n"})
    guest.refused("LFCI206", "origin", "main", guest.evidence("HEAD"))


def test_names_and_namespaces(guest: Developer) -> None:
    guest.edit()
    for ref in ("refs/replace/" + "0" * 40, "refs/heads/Main", "refs/heads/refs/heads/main", "refs/x/y"):
        guest.refused("LFCI211", "origin", f"HEAD:{ref}")
    guest.refused("LFCI211", "origin", "HEAD:refs/tags/main")
    for ref in ("refs/notes/lfci", "refs/notes/lfci-landed", "refs/lfci/results"):
        guest.refused("LFCI209", "origin", f"+HEAD:{ref}")
        guest.refused("LFCI209", "origin", f":{ref}")
    guest.refused("LFCI210", "origin", "HEAD:refs/lfci/inbox/x")


def test_a_git_namespace(guest: Developer) -> None:
    """By path: whoever serves a namespace sets it for receive-pack, as this does."""
    guest.edit()
    command = "env GIT_NAMESPACE=other git receive-pack"
    path = str(guest.forge.path)
    guest.refused("LFCI211", f"--receive-pack={command}", path, "HEAD:refs/heads/main")


def test_trees_that_are_unsafe_and_submodules(guest: Developer) -> None:
    repo = guest.repo
    blob = repo.git("hash-object", "-w", "--stdin", input=b"x").decode().strip()
    entries = repo.git("ls-tree", "HEAD")
    backslash = repo.git("mktree", input=entries + f"100644 blob {blob}\tsrc\\..\\x\n".encode())
    gitlink = repo.git("mktree", "--missing", input=entries + f"160000 commit {'1' * 40}\tsub\n".encode())
    for tree, code in ((backslash, "LFCI401"), (gitlink, "LFCI407")):
        commit = repo.line("commit-tree", tree.decode().strip(), "-p", "HEAD", "-m", "odd")
        guest.refused(code, "origin", f"{commit}:refs/heads/main", guest.evidence(commit))


def test_trailers_inline_and_doubled(guest: Developer) -> None:
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.trailer import format_inline
    from tests.support.forge import AGENT

    guest.repo.write("src/lib.py", os.urandom(8).hex().encode())
    guest.repo.git("add", "-A")
    guest.repo.commit()
    run, _ = guest.run_of("HEAD")
    trailer = f"Lfci-Attestation: {format_inline(parse_bundle(guest.bundle(run, AGENT)))}"
    guest.repo.git("commit", "-q", "--amend", "-m", "change", "-m", f"{trailer}\n{trailer}")
    guest.refused("LFCI409", "origin", "main")


# -- a forge of their own -----------------------------------------------------------------------------


def test_an_inline_trailer_lands_without_the_inbox(ada: Developer) -> None:
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.trailer import format_inline
    from tests.support.forge import AGENT

    ada.edit()
    run, _ = ada.run_of("HEAD")
    trailer = f"Lfci-Attestation: {format_inline(parse_bundle(ada.bundle(run, AGENT)))}"
    ada.repo.git("commit", "-q", "--amend", "-m", "change", "-m", trailer)
    ada.lands("origin", "main")


def test_scope_each_over_a_merge_and_a_squash_of_the_forge(ada: Developer) -> None:
    ada.forge.set_policy(EACH)
    middle = ada.edit()
    tip = ada.edit()
    ada.refused("LFCI104", "origin", "main", ada.evidence(tip))
    ada.lands("origin", "main", ada.evidence(tip), ada.evidence(middle))
    ada.repo.git("checkout", "-q", "-b", "side", tip)
    ada.edit()
    side = ada.edit()
    ada.repo.git("checkout", "-q", "main")
    ada.repo.git("merge", "-q", "--no-ff", "--no-edit", "side")
    # The merge has the tree of the side's tip, whose commits need no evidence of their own.
    ada.lands("origin", "main", ada.evidence(side))
    # A forge's squash has another commit and the same tree: evidence is about trees.
    ada.repo.git("checkout", "-q", "-b", "topic")
    ada.edit()
    ada.edit()
    ada.lands("origin", ada.evidence("topic"))
    squash = ada.repo.line("commit-tree", "topic^{tree}", "-p", "main", "-m", "squashed by the forge")
    ada.lands("origin", f"{squash}:refs/heads/main")


def test_promotion_of_a_landed_commit_and_tags(ada: Developer) -> None:
    ada.forge.set_policy(TAGS_TOO)
    commit = ada.edit()
    ada.lands("origin", "main", ada.evidence("HEAD"))
    ada.lands("origin", "main:refs/heads/release/1")
    ada.repo.git("tag", "-a", "-m", "one", "v1")
    ada.lands("origin", "v1")
    record = ada.forge.note("lfci-landed", commit).decode()
    for ref in ("refs/heads/main", "refs/heads/release/1", "refs/tags/v1"):
        assert record.count(f"Landed on {ref} at ") == 1
    ada.edit()
    ada.repo.git("tag", "-a", "-m", "two", "v2")
    ada.refused("LFCI101", "origin", "v2")
    ada.refused("LFCI207", "origin", ":v1")
    ada.repo.git("tag", "v3", "HEAD^{tree}")
    ada.refused("LFCI403", "origin", "v3")


def test_unprotected_refs_pass_untouched(ada: Developer) -> None:
    ada.edit({".lfci/policy.toml": b"nonsense", "tests/test_lib.py": None})
    for spec in ("HEAD:refs/heads/topic", "HEAD:refs/tags/any", "HEAD^{tree}:refs/notes/odd"):
        ada.lands("origin", spec)
    ada.lands("origin", ":topic", ":refs/tags/any")
    assert not list(ada.forge.path.glob("lfci/accepted/*"))


def test_a_replace_ref_that_is_there_already_replaces_nothing(ada: Developer) -> None:
    """Pushed before the gate was there, or by the operator: git would show the attested tree."""
    good = ada.edit()
    evidence = ada.evidence(good)
    ada.repo.git("reset", "-q", "--hard", "HEAD~")
    evil = ada.edit({"src/evil.py": b"boo\n"})
    path = str(ada.forge.path)
    unguarded = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack"
    ada.repo.git("push", "-q", unguarded, path, f"{good}:refs/heads/x", f"{evil}:refs/heads/y")
    ada.forge.repo.git("replace", evil, good)
    assert ada.forge.repo.line("rev-parse", f"{evil}^{{tree}}") == ada.tree(good)
    ada.refused("LFCI104", "origin", f"{evil}:refs/heads/main", evidence)


def test_an_alias_is_judged_as_what_it_moves(ada: Developer) -> None:
    old = ada.forge.refs()["refs/heads/main"]
    ada.forge.repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    commit = ada.edit()
    ada.refused("LFCI101", "origin", "HEAD:alias")
    ada.refused("LFCI207", "origin", ":alias")
    assert ada.forge.refs()["refs/heads/main"] == old
    ada.lands("origin", "HEAD:alias", ada.evidence("HEAD"))
    assert ada.forge.refs()["refs/heads/main"] == commit
    assert ada.forge.note("lfci-landed", commit).startswith(b"Landed on refs/heads/main at ")
    ada.edit()
    ada.forge.repo.git("symbolic-ref", "refs/heads/unborn", "refs/heads/release/7")
    assert ada.push("origin", "HEAD:unborn").codes == {"LFCI101"}
    ada.lands("origin", "HEAD:unborn", ada.evidence("HEAD"))
    assert ada.forge.refs()["refs/heads/release/7"] == ada.repo.line("rev-parse", "HEAD")


def test_a_note_listed_twice_decides_nothing_for_anybody(ada: Developer) -> None:
    ada.edit()
    tree, forge = ada.tree("HEAD"), ada.forge.repo
    blob = forge.git("hash-object", "-w", "--stdin", input=b"{}\n").decode().strip()
    inner = forge.git("mktree", input=f"100644 blob {blob}\t{tree[2:]}\n".encode()).decode().strip()
    listing = f"040000 tree {inner}\t{tree[:2]}\n100644 blob {blob}\t{tree}\n"
    doubled = forge.git("mktree", input=listing.encode()).decode().strip()
    commit = forge.git("commit-tree", doubled, "-m", "by hand").decode().strip()
    forge.git("update-ref", "refs/notes/lfci", commit)
    ada.refused("LFCI410", "origin", "main", ada.evidence("HEAD"))


def test_a_malformed_commit_where_git_does_not_look(ada: Developer) -> None:
    ada.forge.repo.git("config", "receive.fsckObjects", "false")
    raw = ada.repo.git("cat-file", "commit", ada.edit())
    twice = raw.replace(b"author ", b"author Eve <eve@example.org> 1 +0000\nauthor ", 1)
    hash_object = ("hash-object", "-w", "-t", "commit", "--literally", "--stdin")
    commit = ada.repo.git(*hash_object, input=twice).decode().strip()
    ada.refused("LFCI402", "origin", f"{commit}:refs/heads/main", ada.evidence("HEAD"))


def test_a_shallow_push_that_brings_a_hole(ada: Developer, tmp_path: Path) -> None:
    """Even where the operator lets git take shallow pushes."""
    ada.forge.repo.git("config", "receive.shallowUpdate", "true")
    ada.repo.git("checkout", "-q", "--orphan", "elsewhere")
    ada.edit()
    ada.edit()
    origin = f"file://{ada.repo.path}"
    ada.repo.git("clone", "-q", "--depth=1", "--branch=elsewhere", origin, str(tmp_path / "s"))
    shallow = Developer.copied(tmp_path / "s", tmp_path / "shallow", ada.forge)
    shallow.edit()
    spec = "HEAD:refs/heads/release/1"
    before = ada.forge.state()
    pushed = shallow.push("origin", spec, shallow.evidence("HEAD"))
    assert (pushed.status != 0, pushed.codes) == (True, {"LFCI408"}), pushed.output
    assert ada.forge.state() == before


def test_the_first_landing_over_a_real_push(farm: Farm, tmp_path: Path) -> None:
    forge = farm.empty()
    ada = Developer(tmp_path / "ada", forge)
    repo = ada.repo
    source = farm.base / "clone"
    repo.git("fetch", "-q", str(source), "HEAD")
    repo.git("reset", "-q", "--hard", "FETCH_HEAD")
    ada.refused("LFCI101", "origin", "main")
    ada.refused("LFCI206", "origin", "main:refs/heads/release/1", ada.evidence("HEAD"))
    ada.edit({".lfci/policy.toml": policy_text(version=2)})
    ada.refused("LFCI206", "origin", "main", ada.evidence("HEAD"))
    repo.git("reset", "-q", "--hard", "HEAD~")
    ada.lands("origin", "main", ada.evidence("HEAD"))
    assert b"first landing: protected parts were not approved" in forge.note(
        "lfci-landed", repo.line("rev-parse", "HEAD")
    )


def test_policy_changes_with_approval_and_then_judges(ada: Developer) -> None:
    old = ada.forge.refs()["refs/heads/main"]
    newer = policy_text(version=2, rules=({**RULE, "require": []},))
    ada.edit({".lfci/policy.toml": newer})
    ada.refused("LFCI206", "origin", "main", ada.evidence("HEAD"))
    ada.lands("origin", "main", ada.evidence("HEAD"), *ada.approvals("HEAD", old))
    ada.edit()
    ada.lands("origin", "main")  # the policy that landed asks for nothing
    # A restored backup of the repository does not bring the older policy back.
    ada.forge.repo.git("update-ref", "refs/heads/main", old)
    ada.start(old)
    ada.edit()
    ada.refused("LFCI203", "origin", "main", ada.evidence("HEAD"))


@pytest.mark.parametrize("damage", ["missing", "unreadable"])
def test_a_server_policy_that_is_gone_decides_nothing(ada: Developer, damage: str) -> None:
    ada.forge.set_policy(policy_text())
    file = ada.forge.path / "lfci/server-policy.toml"
    file.unlink()
    if damage == "unreadable":
        file.mkdir()
    ada.edit()
    ada.refused("LFCI201", "origin", "main", ada.evidence("HEAD"))


def test_more_refs_than_the_limit_in_one_push_are_refused(ada: Developer) -> None:
    lines = "".join(f"create refs/heads/topic/{number} HEAD\n" for number in range(1001))
    ada.repo.git("update-ref", "--stdin", input=lines.encode())
    ada.refused("LFCI411", "-q", "origin", "refs/heads/topic/*")


def test_names_that_are_none_are_for_rule_1_and_not_asked_of_git(shared: Developer) -> None:
    names = ("refs/heads/main ", "refs/heads/a..b", "refs/heads/x.lock", "refs/heads/\x1b")
    with open_forge(shared.forge.git, names) as view:
        assert not set(names) & set(view.symrefs)
