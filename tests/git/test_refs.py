"""Refs are read exactly, and written all or none over the value that was seen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git.refs import head_branch, list_refs, read_ref, symrefs, update_refs
from lfci_gate.model import ObjectId
from tests.support.repos import Repo


def commits(repo: Repo, count: int) -> list[ObjectId]:
    return [ObjectId(repo.commit(str(i))) for i in range(count)]


def test_refs_are_listed_by_whole_components(any_repo: Repo) -> None:
    [one] = commits(any_repo, 1)
    for name in ("refs/lfci/inbox/a/b", "refs/lfci/inboxes/c", "refs/tags/t"):
        any_repo.git("update-ref", name, one)
    any_repo.git("pack-refs", "--all")
    any_repo.git("update-ref", "refs/lfci/inbox/a/c", one)
    git = any_repo.tool
    assert list_refs(git, "refs/lfci/inbox/") == {"refs/lfci/inbox/a/b": one, "refs/lfci/inbox/a/c": one}
    assert set(list_refs(git)) == {
        "refs/heads/main",
        "refs/lfci/inbox/a/b",
        "refs/lfci/inbox/a/c",
        "refs/lfci/inboxes/c",
        "refs/tags/t",
    }
    assert list_refs(git, "refs/none") == {}


def test_reading_a_ref_never_guesses_another(any_repo: Repo) -> None:
    one, two = commits(any_repo, 2)
    for decoy in ("refs/tags/refs/heads/x", "refs/heads/refs/heads/x", "refs/heads/x/y", "refs/heads/HEAD"):
        any_repo.git("update-ref", decoy, one)
    git = any_repo.tool
    assert read_ref(git, "refs/heads/x") is None
    assert read_ref(git, "refs/heads/main") == two
    assert read_ref(git, "HEAD") == two
    any_repo.git("checkout", "-q", "--detach", one)
    assert read_ref(git, "HEAD") == one
    for short in ("main", "heads/main", "", "refs/heads/*", "--all"):
        with pytest.raises(Refusal) as caught:
            read_ref(git, short)
        assert caught.value.code == "LFCI211"


def test_a_broken_ref_is_not_an_absent_ref(repo: Repo) -> None:
    commits(repo, 1)
    (repo.path / ".git/refs/heads/broken").write_text("garbage\n")
    for ask in (lambda: read_ref(repo.tool, "refs/heads/broken"), lambda: list_refs(repo.tool)):
        with pytest.raises(Undecided) as caught:
            ask()
        assert caught.value.code == "LFCI501"
    assert read_ref(repo.tool, "refs/heads/main") is not None


def test_symbolic_refs_are_known_also_when_their_target_is_not_there(bare_repo: Repo) -> None:
    git = bare_repo.tool
    assert symrefs(git) == {}
    bare_repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    bare_repo.git("symbolic-ref", "refs/heads/other", "refs/heads/alias")
    pushed = ("refs/heads/other", "refs/heads/alias", "refs/heads/none")
    assert symrefs(git, *pushed) == {
        "refs/heads/alias": "refs/heads/main",
        "refs/heads/other": "refs/heads/main",
    }
    assert read_ref(git, "refs/heads/alias") is None
    tree = bare_repo.line("hash-object", "-t", "tree", "-w", "/dev/null")
    commit = bare_repo.line("commit-tree", "-m", "m", tree)
    bare_repo.git("update-ref", "refs/heads/main", commit)
    assert symrefs(git)["refs/heads/alias"] == "refs/heads/main"
    assert symrefs(git).keys() == {"refs/heads/alias", "refs/heads/other"}
    assert list_refs(git)["refs/heads/alias"] == commit


def test_the_branch_of_head(any_repo: Repo) -> None:
    git = any_repo.tool
    assert head_branch(git) == "refs/heads/main"
    assert read_ref(git, "HEAD") is None, "it has no commit yet"
    commits(any_repo, 1)
    any_repo.git("checkout", "-q", "--detach")
    assert head_branch(git) is None


def test_create_move_and_delete(any_repo: Repo) -> None:
    one, two = commits(any_repo, 2)
    git = any_repo.tool
    update_refs(git, [("refs/x/a", None, one), ("refs/x/b", None, two)])
    assert list_refs(git, "refs/x") == {"refs/x/a": one, "refs/x/b": two}
    update_refs(git, [("refs/x/a", one, two), ("refs/x/b", two, None), ("refs/x/c", None, None)])
    assert list_refs(git, "refs/x") == {"refs/x/a": two}
    update_refs(git, [])


@pytest.mark.parametrize("bad", ["create", "move", "delete", "absent", "unchanged"])
def test_one_ref_that_is_not_as_seen_stops_all(any_repo: Repo, bad: str) -> None:
    one, two = commits(any_repo, 2)
    git = any_repo.tool
    update_refs(git, [("refs/x/there", None, one)])
    changes = {
        "create": ("refs/x/there", None, two),
        "move": ("refs/x/there", two, one),
        "delete": ("refs/x/there", two, None),
        "absent": ("refs/x/there", None, None),
        "unchanged": ("refs/x/none", one, one),
    }
    good = [("refs/x/a", None, one), ("refs/x/z", None, one)]
    with pytest.raises(Undecided) as caught:
        update_refs(git, [good[0], changes[bad], good[1]])
    assert caught.value.code == "LFCI515"
    assert changes[bad][0] in caught.value.facts[0]
    assert list_refs(git, "refs/x") == {"refs/x/there": one}
    assert not list((any_repo.path / ".git/refs").rglob("*.lock"))


def test_what_is_no_race_is_513_and_moves_nothing(any_repo: Repo) -> None:
    [one] = commits(any_repo, 1)
    git = any_repo.tool
    gone = ObjectId("1" * len(one))
    for name, value in (("refs/x/b", gone), ("refs/x/..", one), ("refs/x/a/b", one), ("refs/x/b", "nothing")):
        with pytest.raises(Undecided) as caught:
            update_refs(git, [("refs/x/a", None, one), (name, None, ObjectId(value))])
        assert caught.value.code == "LFCI513"
        assert list_refs(git, "refs/x") == {}


@pytest.mark.parametrize("name", ["refs/x\0delete refs/heads/main\0", "refs/x\ny", "main", "refs/*"])
def test_a_ref_name_cannot_carry_another_command(repo: Repo, name: str) -> None:
    [one] = commits(repo, 1)
    with pytest.raises(Refusal) as caught:
        update_refs(repo.tool, [(name, None, one)])
    assert caught.value.code == "LFCI211"
    assert list_refs(repo.tool) == {"refs/heads/main": one}


def test_a_symbolic_ref_is_not_followed(repo: Repo) -> None:
    one, two = commits(repo, 2)
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    update_refs(repo.tool, [("refs/heads/alias", two, one)])
    assert read_ref(repo.tool, "refs/heads/main") == two


def test_a_lock_that_stays_is_515(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfci_gate.git.refs._PATIENCE", ("-c", "core.filesRefLockTimeout=50"))
    one, two = commits(repo, 2)
    (repo.path / ".git/refs/heads/main.lock").touch()
    with pytest.raises(Undecided) as caught:
        update_refs(repo.tool, [("refs/heads/a", None, one), ("refs/heads/main", two, one)])
    assert caught.value.code == "LFCI515"
    assert list_refs(repo.tool) == {"refs/heads/main": two}


def test_sixteen_writers_of_one_ref_lose_nothing(any_repo: Repo) -> None:
    """Each writer adds its commit on top; a lost race is tried again; every success stays in the chain."""
    git = any_repo.tool
    tree = any_repo.line("write-tree")
    base = ObjectId(any_repo.line("commit-tree", "-m", "base", tree))
    update_refs(git, [("refs/x/log", None, base)])

    def write(writer: int) -> list[ObjectId]:
        made = []
        for number in range(2):
            while True:
                old = read_ref(git, "refs/x/log")
                assert old is not None
                message = f"{writer}.{number}"
                new = ObjectId(any_repo.line("commit-tree", "-p", old, "-m", message, tree))
                try:
                    update_refs(git, [("refs/x/log", old, new), (f"refs/y/{message}", None, new)])
                except Undecided as error:
                    if error.code == "LFCI515":
                        continue
                    raise
                made.append(new)
                break
        return made

    with ThreadPoolExecutor(16) as pool:
        made = [commit for part in pool.map(write, range(16)) for commit in part]
    chain = any_repo.line("rev-list", "refs/x/log").split()
    assert sorted([*made, base]) == sorted(chain)
    assert set(list_refs(git, "refs/y").values()) == set(made)


def test_sixteen_creators_of_one_ref_have_one_winner(bare_repo: Repo, tmp_path: Path) -> None:
    git = bare_repo.tool
    values = [
        ObjectId(bare_repo.git("hash-object", "-w", "--stdin", input=b"%d" % i).decode().strip())
        for i in range(16)
    ]

    def create(value: ObjectId) -> bool:
        try:
            update_refs(git, [("refs/lfci/one", None, value)])
        except Undecided as error:
            if error.code == "LFCI515":
                return False
            raise
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(create, values))
    assert won.count(True) == 1
    assert read_ref(git, "refs/lfci/one") == values[won.index(True)]
