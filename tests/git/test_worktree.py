"""A snapshot of the working copy is the tree that `git add -A && git write-tree` would give."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from lfci_gate.errors import Undecided, UsageError
from lfci_gate.git.names import empty_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.quick import maybe_dirty
from lfci_gate.git.worktree import snapshot_worktree
from lfci_gate.model import ObjectId
from tests.support.repos import Repo, make_repo


def index_of(repo: Repo) -> tuple[str, int] | None:
    path = Path(repo.line("rev-parse", "--absolute-git-dir"), "index")
    if not path.exists():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def by_git(repo: Repo) -> str:
    """What git makes of the working copy, with a copy of the index."""
    index = Path(repo.line("rev-parse", "--absolute-git-dir"), "index")
    copy = repo.path.parent / "index-copy"
    if index.exists():
        shutil.copy2(index, copy)  # with its time: what is as young as the index is compared by content
    env = {"GIT_INDEX_FILE": str(copy)}
    repo.git("-c", "advice.addEmbeddedRepo=false", "-c", "core.splitIndex=false", "add", "-A", env=env)
    tree = repo.git("write-tree", env=env).decode().strip()
    copy.unlink()
    return tree


def snapshot(repo: Repo) -> ObjectId:
    """The snapshot, which must leave the index alone and be complete in the object store."""
    before = index_of(repo)
    tree = snapshot_worktree(repo.tool)
    assert index_of(repo) == before
    assert not list(Path(repo.line("rev-parse", "--absolute-git-dir")).glob("*.lock"))
    if tree != empty_tree(repo.hash_name):
        repo.git("rev-list", "--objects", tree)
    return tree


def is_what_git_makes(repo: Repo) -> bool:
    dirty = maybe_dirty(repo.tool)
    tree = snapshot(repo)
    assert dirty == (tree != repo.line("rev-parse", "HEAD^{tree}"))
    return tree == by_git(repo)


@pytest.fixture
def filled(any_repo: Repo) -> Repo:
    """A repository with a bit of everything, committed."""
    for path in ("a", "b", "dir/a", "dir/b", "dir/deep/er/c", "dir2/x", "gone/only"):
        any_repo.write(path, path.encode() + b"\n")
    any_repo.write("tool", b"#!/bin/sh\n", mode=0o755)
    any_repo.write(".gitignore", b"*.ignored\nbuild/\n")
    (any_repo.path / "link").symlink_to("dir/a")
    any_repo.commit()
    return any_repo


def test_a_clean_copy_is_the_tree_of_head(filled: Repo) -> None:
    assert not maybe_dirty(filled.tool)
    assert snapshot(filled) == filled.line("rev-parse", "HEAD^{tree}")


def test_before_the_first_commit(any_repo: Repo) -> None:
    assert snapshot(any_repo) == empty_tree(any_repo.hash_name)
    any_repo.write("a/b", b"1")
    any_repo.write("c", b"2")
    any_repo.git("add", "c")
    assert maybe_dirty(any_repo.tool)
    assert snapshot(any_repo) == by_git(any_repo)


def test_modified_deleted_new_and_ignored(filled: Repo) -> None:
    filled.write("dir/a", b"other")
    (filled.path / "b").unlink()
    (filled.path / "gone/only").unlink()
    filled.write("new/in/dirs", b"new")
    filled.write("trash.ignored", b"no")
    filled.write("build/out", b"no")
    filled.write("dir/.gitignore", b"local\n")
    filled.write("dir/local", b"no")
    assert is_what_git_makes(filled)


def test_everything_deleted_is_the_empty_tree(filled: Repo) -> None:
    filled.git("rm", "-rq", ".")
    assert maybe_dirty(filled.tool)
    assert snapshot(filled) == empty_tree(filled.hash_name)


def test_a_tracked_file_that_is_ignored_counts(filled: Repo) -> None:
    filled.write("old.ignored", b"1")
    filled.git("add", "-f", "old.ignored")
    filled.git("commit", "-qm", "forced")
    filled.write("old.ignored", b"2")
    assert is_what_git_makes(filled)


def test_executable_bits(filled: Repo) -> None:
    (filled.path / "a").chmod(0o755)
    (filled.path / "tool").chmod(0o644)
    filled.write("new-tool", b"#!/bin/sh\n", mode=0o755)
    filled.write("group-only", b"#!/bin/sh\n", mode=0o654)
    assert is_what_git_makes(filled)


def test_executable_bits_that_the_clone_does_not_trust(filled: Repo) -> None:
    filled.git("config", "core.fileMode", "false")
    (filled.path / "a").chmod(0o755)
    filled.write("tool", b"changed", mode=0o644)
    filled.write("new-tool", b"#!/bin/sh\n", mode=0o755)
    assert is_what_git_makes(filled)


def test_symbolic_links(filled: Repo) -> None:
    (filled.path / "link").unlink()
    (filled.path / "link").symlink_to("/nowhere/é")
    (filled.path / "a").unlink()
    (filled.path / "a").symlink_to("b")
    (filled.path / "to-dir").symlink_to("dir")
    assert is_what_git_makes(filled)


def test_links_that_are_files_because_the_clone_has_none(filled: Repo) -> None:
    filled.git("config", "core.symlinks", "false")
    (filled.path / "link").unlink()
    filled.write("link", b"dir/b")
    assert is_what_git_makes(filled)


def test_a_link_becomes_a_file_and_a_directory_a_link(filled: Repo) -> None:
    (filled.path / "link").unlink()
    filled.write("link", b"now a file\n")
    shutil.rmtree(filled.path / "dir2")
    (filled.path / "dir2").symlink_to("dir")
    assert is_what_git_makes(filled)


def test_files_become_directories_and_directories_files(filled: Repo) -> None:
    (filled.path / "a").unlink()
    filled.write("a/deep/file", b"1")
    shutil.rmtree(filled.path / "dir")
    filled.write("dir", b"2")
    assert is_what_git_makes(filled)


def test_staged_and_then_changed_again(filled: Repo) -> None:
    filled.write("a", b"staged")
    filled.write("staged-new", b"1")
    filled.write("staged-gone", b"2")
    (filled.path / "b").unlink()
    filled.git("add", "-A")
    assert is_what_git_makes(filled), "staged only"
    filled.write("a", b"and changed")
    (filled.path / "staged-gone").unlink()
    filled.write("b", b"there again, other")
    assert is_what_git_makes(filled), "staged and changed"


def test_deleted_from_the_index_and_still_there(filled: Repo) -> None:
    filled.git("rm", "-q", "--cached", "a", "dir/a")
    assert maybe_dirty(filled.tool)
    assert snapshot(filled) == filled.line("rev-parse", "HEAD^{tree}")


def test_intent_to_add(filled: Repo) -> None:
    filled.write("meant", b"1")
    filled.write("meant-and-gone", b"1")
    filled.git("add", "-N", "meant", "meant-and-gone")
    (filled.path / "meant-and-gone").unlink()
    assert is_what_git_makes(filled)


def test_renames(filled: Repo) -> None:
    filled.git("mv", "dir/a", "renamed")
    (filled.path / "b").rename(filled.path / "dir/renamed")
    filled.git("config", "status.renames", "copies")
    assert is_what_git_makes(filled)


def test_touched_files_are_not_changed_files(filled: Repo) -> None:
    for name in ("a", "dir/b"):
        os.utime(filled.path / name, ns=(1, 1))
    assert is_what_git_makes(filled)


def test_a_change_that_keeps_size_and_time(filled: Repo) -> None:
    """Racily clean: git must have looked at the content."""
    path = filled.write("a", b"A\n")
    filled.git("add", "a")
    filled.git("commit", "-qm", "racy")
    info = path.stat()
    path.write_bytes(b"B\n")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    index = filled.path / ".git/index"
    os.utime(index, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert is_what_git_makes(filled)


def test_a_converted_file_that_keeps_size_and_time(filled: Repo) -> None:
    """Racily clean also in the index that conversion works with."""
    for name, value in (("core.trustctime", "false"), ("core.checkStat", "minimal")):
        filled.git("config", name, value)
    filled.write(".gitattributes", b"*.txt text\n")
    path = filled.write("a.txt", b"A\r\n")
    os.utime(path, ns=(10**18, 10**18))
    filled.commit()
    path.write_bytes(b"B\r\n")
    for place in (path, filled.path / ".git/index"):
        os.utime(place, ns=(10**18, 10**18))
    tree = snapshot(filled)
    assert filled.git("cat-file", "blob", f"{tree}:a.txt") == b"B\n"


def test_odd_names(filled: Repo) -> None:
    top = os.fsencode(filled.path) + b"/"
    names = [b"\xff\xfe", b"new\nline", b'quo"te', b"tab\t", b"back\\slash", b" lead", b"-rf", b":(top)x"]
    for name in [*names, b"*", b"#", b"?"]:
        with open(top + name, "wb") as file:
            file.write(name)
    os.mkdir(top + b"d\xff\n")
    with open(top + b"d\xff\n/\x01", "wb") as file:
        file.write(b"x\r\n")
    assert is_what_git_makes(filled)
    filled.write(".gitattributes", b"* text=auto\n")
    assert is_what_git_makes(filled), "also where git has to convert"


def test_a_sparse_checkout_keeps_what_is_not_checked_out(filled: Repo) -> None:
    for options in (("--no-sparse-index",), ("--sparse-index",)):
        filled.git("sparse-checkout", "set", "--cone", *options, "dir2")
        filled.write("dir2/x", b"changed")
        assert not (filled.path / "dir/a").exists()
        assert is_what_git_makes(filled)


def test_a_large_file_is_streamed(filled: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfci_gate.git.worktree._HELD_BYTES", 10)
    filled.write("large", b"x" * 11, mode=0o755)
    filled.write("large\ncrlf.txt", b"x\r\n" * 11)
    filled.write(".gitattributes", b"*.txt text\n")
    assert is_what_git_makes(filled)


def test_from_a_subdirectory_and_in_a_second_worktree(filled: Repo) -> None:
    filled.git("worktree", "add", "-q", "../second")
    second = Repo(filled.path.parent / "second", filled.hash_name)
    second.write("dir/new", b"1\r\n")
    second.write(".gitattributes", b"* text=auto\n")
    tree = snapshot(second)
    assert snapshot_worktree(Git(second.path / "dir2")) == tree
    second.git("add", ".gitattributes")
    second.git("commit", "-qm", "attributes")
    assert maybe_dirty(Git(second.path / "dir2")), "an untracked file elsewhere"
    assert tree == by_git(second)
    assert not maybe_dirty(filled.tool)


def test_split_index_and_untracked_cache(filled: Repo) -> None:
    filled.git("update-index", "--split-index", "--untracked-cache")
    filled.git("status")
    filled.write("a", b"1\r\n")
    filled.write("new", b"1\r\n")
    filled.git("config", "core.autocrlf", "true")
    before = {path.name: path.read_bytes() for path in (filled.path / ".git").glob("sharedindex.*")}
    assert snapshot(filled) == by_git(filled)
    assert {path.name: path.read_bytes() for path in (filled.path / ".git").glob("sharedindex.*")} == before


# -- line ends and other conversions -------------------------------------------------------

CONTENTS = {
    "lf": b"a\nb\n",
    "crlf": b"a\r\nb\r\n",
    "mixed": b"a\r\nb\n",
    "lone-cr": b"a\rb\r\n",
    "binary": b"a\r\n\0b\r\n",
    "empty": b"",
    "ident": b"$Id: 1234 $\r\n$Id$\n",
    "utf16": "a\r\nb\r\n".encode("utf-16"),
}
ATTRIBUTES = [
    "",
    "* text=auto",
    "* text",
    "* -text",
    "* text eol=crlf",
    "* eol=lf",
    "* text=auto eol=crlf",
    "* crlf",
    "* -crlf",
    "* crlf=input",
    "* binary",
    "* ident",
    "* text=auto ident",
    "utf16 working-tree-encoding=UTF-16",
    "* filter=unknown text=auto",
    "[attr]mine text eol=lf\n* mine",
]


@pytest.mark.parametrize("autocrlf", ["false", "true", "input"])
def test_conversions_are_those_of_git(repo: Repo, autocrlf: str) -> None:
    # Committed with all their bytes, because what is in the index decides about some conversions.
    for name, data in CONTENTS.items():
        repo.write(f"old-{name}", data)
    repo.commit()
    repo.git("config", "core.autocrlf", autocrlf)
    repo.git("config", "core.safecrlf", "false")
    for name, data in CONTENTS.items():
        repo.write(f"old-{name}", data + data[-4:])
        repo.write(name, data)
    for attributes in ATTRIBUTES:
        repo.write(".gitattributes", attributes.encode() + b"\n")
        assert snapshot(repo) == by_git(repo), attributes


# -- what cannot be a snapshot -------------------------------------------------------------


def refused(repo: Repo) -> Undecided:
    before = index_of(repo)
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(repo.tool)
    assert index_of(repo) == before
    assert caught.value.code == "LFCI517"
    assert maybe_dirty(repo.tool)
    return caught.value


def test_unmerged_paths_are_refused(filled: Repo) -> None:
    """`git add -A` would call the conflict markers the resolution."""
    filled.git("checkout", "-qb", "other")
    filled.write("a", b"theirs\n")
    filled.commit()
    filled.git("checkout", "-q", "main")
    filled.write("a", b"ours\n")
    filled.commit()
    git = filled.tool
    assert git.status("merge", "other")[0] == 1
    error = refused(filled)
    assert error.facts == ("unmerged: a",)
    filled.write("a", b"both\n")
    filled.git("add", "a")
    assert is_what_git_makes(filled), "resolved"


def test_a_special_file_in_place_of_a_tracked_one_is_refused(filled: Repo) -> None:
    (filled.path / "a").unlink()
    os.mkfifo(filled.path / "a")
    os.mkfifo(filled.path / "untracked-fifo")
    error = refused(filled)
    assert error.message.startswith("a ")


def test_a_repository_inside_is_a_gitlink(filled: Repo) -> None:
    inner = make_repo(filled.path / "inner", filled.hash_name)
    refused(filled)
    inner.write("f", b"1")
    commit = inner.commit()
    inner.write("f", b"dirty does not count")
    tree = snapshot(filled)
    assert tree == by_git(filled)
    assert filled.line("ls-tree", tree, "inner") == f"160000 commit {commit}\tinner"


def test_submodules(filled: Repo) -> None:
    other = make_repo(filled.path.parent / "other", filled.hash_name)
    other.write("f", b"1")
    other.commit()
    filled.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "sub")
    filled.git("commit", "-qm", "submodule")
    sub = Repo(filled.path / "sub", filled.hash_name)
    sub.write("f", b"dirty does not count")
    assert not maybe_dirty(filled.tool)
    assert is_what_git_makes(filled)
    filled.git("config", "submodule.sub.ignore", "all")
    filled.git("config", "diff.ignoreSubmodules", "all")
    sub.commit()
    assert maybe_dirty(filled.tool)
    filled.git("config", "--unset", "diff.ignoreSubmodules")
    filled.git("config", "--unset", "submodule.sub.ignore")
    assert is_what_git_makes(filled)
    shutil.rmtree(filled.path / "sub")
    (filled.path / "sub").mkdir()
    assert snapshot(filled) == filled.line("rev-parse", "HEAD^{tree}"), "not checked out is not deleted"


def test_outside_of_a_working_copy_is_510(bare_repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for git in (bare_repo.tool, Git(tmp_path / "nothing")):
        for ask in (snapshot_worktree, maybe_dirty):
            with pytest.raises(UsageError) as caught:
                ask(git)
            assert caught.value.code == "LFCI510"


def test_a_broken_index_is_dirty_and_undecided(filled: Repo) -> None:
    (filled.path / ".git/index").write_bytes(b"DIRC junk")
    assert maybe_dirty(filled.tool)
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(filled.tool)
    assert caught.value.code == "LFCI513"


def test_the_snapshot_can_be_read_at_once(filled: Repo) -> None:
    filled.write("dir/a", b"fresh")
    tree = snapshot(filled)
    with BatchReader(filled.tool) as reader:
        oid = reader.resolve(f"{tree}:dir/a")
        assert oid is not None
        assert reader.read(oid).data == b"fresh"
