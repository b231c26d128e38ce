"""History as git sees it, capped, and never guessed."""

from __future__ import annotations

import pytest

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git.history import (
    first_parent_commits,
    is_ancestor,
    is_shallow,
    merge_base,
    new_commits,
)
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId
from tests.support.repos import Repo, make_repo


def commit(repo: Repo, *parents: str) -> ObjectId:
    tree = repo.line("write-tree")
    options = [word for parent in parents for word in ("-p", parent)]
    return ObjectId(repo.line("commit-tree", "-m", f"{len(parents)} {parents}", *options, tree))


def test_new_commits_are_those_that_nobody_has_yet(any_repo: Repo) -> None:
    git = any_repo.tool
    a = commit(any_repo)
    b = commit(any_repo, a)
    side = commit(any_repo, a, a)
    merge = commit(any_repo, b, side)
    top = commit(any_repo, merge)
    assert set(new_commits(git, top, None)) == {a, b, side, merge, top}
    assert new_commits(git, top, b) == (top, merge, side)
    assert new_commits(git, top, b, [side]) == (top, merge)
    assert new_commits(git, top, None, [merge]) == (top,)
    assert new_commits(git, a, top) == ()
    assert first_parent_commits(git, top, None) == (top, merge, b, a)
    assert first_parent_commits(git, top, side) == (top, merge, b)


def test_ancestors_and_merge_bases(any_repo: Repo) -> None:
    git = any_repo.tool
    a = commit(any_repo)
    b, c = commit(any_repo, a), commit(any_repo, a, a)
    any_repo.git("read-tree", "--empty")
    orphan = ObjectId(any_repo.line("commit-tree", "-m", "orphan", any_repo.line("write-tree")))
    assert is_ancestor(git, a, b)
    assert is_ancestor(git, b, b)
    assert not is_ancestor(git, b, a)
    assert not is_ancestor(git, b, c)
    assert merge_base(git, b, c) == a
    assert merge_base(git, b, orphan) is None


def test_too_many_commits_are_refused(repo: Repo) -> None:
    last = commit(repo)
    for _ in range(3):
        last = commit(repo, last)
    assert len(new_commits(repo.tool, last, None, limit=4)) == 4
    with pytest.raises(Refusal) as caught:
        new_commits(repo.tool, last, None, limit=3)
    assert caught.value.code == "LFCI411"


def test_what_is_not_there_is_501_and_not_no(any_repo: Repo) -> None:
    git = any_repo.tool
    a = commit(any_repo)
    gone = ObjectId("1" * len(a))
    blob = ObjectId(any_repo.git("hash-object", "-w", "--stdin", input=b"x").decode().strip())
    for bad in (gone, ObjectId("--all"), ObjectId("main")):
        for ask in (
            lambda bad: new_commits(git, bad, None),
            lambda bad: new_commits(git, a, bad),
            lambda bad: first_parent_commits(git, a, None, [bad]),
            lambda bad: is_ancestor(git, bad, a),
            lambda bad: merge_base(git, a, bad),
        ):
            with pytest.raises(Undecided) as caught:
                ask(bad)
            assert caught.value.code == "LFCI501"
    with pytest.raises(Undecided):
        is_ancestor(git, blob, a)


def test_a_hole_in_history_is_501(repo: Repo) -> None:
    a = commit(repo)
    b = commit(repo, a)
    c = commit(repo, b)
    (repo.path / ".git/objects" / b[:2] / b[2:]).unlink()
    with pytest.raises(Undecided) as caught:
        new_commits(repo.tool, c, None)
    assert caught.value.code == "LFCI501"


def test_shallow_clones_are_known(repo: Repo) -> None:
    repo.commit()
    repo.commit()
    clone = repo.path.parent / "clone"
    repo.git("clone", "-q", "--depth=1", repo.path.as_uri(), str(clone))
    assert is_shallow(Git(clone))
    assert not is_shallow(repo.tool)
    assert not is_shallow(make_repo(repo.path.parent / "empty").tool)
