"""An export is the tree's bytes and nothing else, and never leaves its directory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.export import export_tree
from lfci_gate.git.names import RAW_BYTES, empty_tree, oid_of
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from tests.support.repos import Repo

Entry = tuple[str, bytes, ObjectId]


class Forest:
    """Trees as hostile as one likes: git's checks are not asked."""

    def __init__(self, repo: Repo) -> None:
        self.hash_name = repo.hash_name
        self.writer = PackWriter(repo.tool)

    def blob(self, data: bytes = b"x") -> ObjectId:
        return self.writer.add("blob", data)

    def tree(self, *entries: Entry) -> ObjectId:
        lines = [b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid)) for mode, name, oid in entries]
        return self.writer.add("tree", b"".join(lines))


@pytest.fixture
def forest(any_repo: Repo) -> Forest:
    return Forest(any_repo)


@pytest.fixture
def reader(any_repo: Repo) -> Iterator[BatchReader]:
    with BatchReader(any_repo.tool) as made:
        yield made


def refused(forest: Forest, reader: BatchReader, tree: ObjectId, room: Path) -> LfciError:
    """The error of an export that must fail; nothing may be left of it, inside or outside."""
    forest.writer.flush()
    room.mkdir()
    with pytest.raises(LfciError) as caught:
        export_tree(reader, tree, room / "inside" / "out")
    assert [str(path.relative_to(room)) for path in room.rglob("*")] in ([], ["inside"])
    return caught.value


def test_files_are_the_blobs_whatever_attributes_config_and_umask_say(
    any_repo: Repo, reader: BatchReader, tmp_path: Path
) -> None:
    files = {
        "lf.txt": b"a\nb\n",
        "crlf.txt": b"a\r\nb\r\n",
        "ident.c": b"$Id$ $Format:%H$\n",
        "ignored.c": b"x",
        "dir/deep/empty": b"",
        "odd \xff\n name".encode("latin-1").decode("utf-8", "surrogateescape"): b"\0\xff",
    }
    for name, data in files.items():
        any_repo.write(name, data)
    any_repo.write("tool", b"#!/bin/sh\n", mode=0o755)
    (any_repo.path / "link").symlink_to("../nowhere/\udcff")
    any_repo.write(
        ".gitattributes", b"*.txt text eol=crlf\n*.c ident export-subst\nignored.c export-ignore\n"
    )
    any_repo.git("add", "-A")
    tree = ObjectId(any_repo.line("write-tree"))
    for name, value in (("core.autocrlf", "true"), ("core.fileMode", "false"), ("core.symlinks", "false")):
        any_repo.git("config", name, value)
    out = tmp_path / "out"
    before = os.umask(0o077)
    try:
        export_tree(reader, tree, out)
    finally:
        os.umask(before)
    # The index took the attributes' line ends; what git stores is what must come out.
    for name in [*files, "tool", ".gitattributes"]:
        assert (out / name).read_bytes() == any_repo.git("cat-file", "blob", f"{tree}:{name}")
    assert os.readlink(os.fsencode(out / "link")) == b"../nowhere/\xff"
    seen = {out, *out.rglob("*")}
    assert len(seen) == len(files) + 3 + 2 + 1
    for path in seen:
        info = path.lstat()
        assert info.st_mtime_ns == 10**9
        if not path.is_symlink():
            expected = 0o755 if path.is_dir() or path.name == "tool" else 0o644
            assert stat.S_IMODE(info.st_mode) == expected


def test_the_same_tree_again_gives_the_same_tree(any_repo: Repo, reader: BatchReader, tmp_path: Path) -> None:
    """What git makes of an export is the tree that was exported."""
    any_repo.write("a/b/c", b"1", mode=0o755)
    any_repo.write("a/b.c", b"2")
    any_repo.write("a/b-c/d", b"3")
    (any_repo.path / "a/link").symlink_to("b/c")
    any_repo.commit()
    tree = ObjectId(any_repo.line("rev-parse", "HEAD^{tree}"))
    out = tmp_path / "out"
    export_tree(reader, tree, out)
    index = {"GIT_INDEX_FILE": str(tmp_path / "index"), "GIT_WORK_TREE": str(out)}
    any_repo.git("add", "-A", env={**index, "GIT_DIR": str(any_repo.path / ".git")})
    assert any_repo.git("write-tree", env=index).decode().strip() == tree


def test_the_empty_tree_is_an_empty_directory(any_repo: Repo, reader: BatchReader, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        export_tree(reader, empty_tree(any_repo.hash_name), tmp_path / name)
        assert list((tmp_path / name).iterdir()) == []


def test_a_gitlink_is_an_empty_directory(forest: Forest, reader: BatchReader, tmp_path: Path) -> None:
    commit = ObjectId("1" * RAW_BYTES[forest.hash_name] * 2)
    tree = forest.tree(("100644", b"f", forest.blob()), ("160000", b"sub", commit))
    forest.writer.flush()
    export_tree(reader, tree, tmp_path / "out")
    assert list((tmp_path / "out/sub").iterdir()) == []


def test_old_modes_are_what_git_takes_them_for(forest: Forest, reader: BatchReader, tmp_path: Path) -> None:
    tree = forest.tree(("100664", b"a", forest.blob()), ("100775", b"b", forest.blob()))
    forest.writer.flush()
    export_tree(reader, tree, tmp_path / "out")
    modes = [stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) for name in "ab"]
    assert modes == [0o644, 0o755]


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"a/b", b"/etc", b"../x", b"", b"n" * 256])
@pytest.mark.parametrize("mode", ["100644", "40000", "120000", "160000"])
def test_a_name_that_leaves_the_directory_is_401(
    forest: Forest, reader: BatchReader, tmp_path: Path, name: bytes, mode: str
) -> None:
    target = forest.tree(("100644", b"f", forest.blob())) if mode == "40000" else forest.blob(b"target")
    for tree in (
        forest.tree((mode, name, target)),
        forest.tree(("40000", b"d", forest.tree((mode, name, target)))),
    ):
        error = refused(forest, reader, tree, tmp_path / tree)
        assert error.code == "LFCI401"


def test_nothing_is_written_through_a_link_of_the_tree(
    forest: Forest, reader: BatchReader, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = ("120000", b"a", forest.blob(os.fsencode(outside)))
    inner = ("40000", b"a", forest.tree(("100644", b"f", forest.blob())))
    file = ("100644", b"a", forest.blob())
    for number, entries in enumerate(
        [(link, inner), (inner, link), (link, file), (file, link), (file, inner)]
    ):
        error = refused(forest, reader, forest.tree(*entries), tmp_path / str(number))
        assert error.code == "LFCI401"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("target", [b"", b"a\0b", b"x" * 5000])
def test_a_link_that_no_file_system_holds_is_401(
    forest: Forest, reader: BatchReader, tmp_path: Path, target: bytes
) -> None:
    tree = forest.tree(("100644", b"a", forest.blob()), ("120000", b"b", forest.blob(target)))
    error = refused(forest, reader, tree, tmp_path / "room")
    assert isinstance(error, Refusal)
    assert error.code == "LFCI401"


def test_an_object_of_another_kind_is_401(forest: Forest, reader: BatchReader, tmp_path: Path) -> None:
    inner = forest.tree(("100644", b"f", forest.blob()))
    for tree in (forest.tree(("100644", b"a", inner)), forest.tree(("40000", b"a", forest.blob()))):
        assert refused(forest, reader, tree, tmp_path / tree).code == "LFCI401"


def test_a_tree_bomb_is_411_and_costs_no_disk(
    forest: Forest, reader: BatchReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfci_gate.git.export.MAX_ENTRIES", 20_000)
    tree = forest.tree(("100644", b"f", forest.blob()))
    for _ in range(30):
        tree = forest.tree(*(("40000", b"%d" % i, tree) for i in range(10)))
    assert refused(forest, reader, tree, tmp_path / "room").code == "LFCI411"


def test_a_path_without_end_is_401(forest: Forest, reader: BatchReader, tmp_path: Path) -> None:
    tree = forest.tree(("100644", b"f", forest.blob()))
    for _ in range(2100):
        tree = forest.tree(("40000", b"d", tree))
    assert refused(forest, reader, tree, tmp_path / "room").code == "LFCI401"


def test_a_missing_blob_is_501_and_leaves_nothing(
    forest: Forest, reader: BatchReader, tmp_path: Path
) -> None:
    gone = oid_of("blob", b"gone", forest.hash_name)
    tree = forest.tree(("100644", b"a", forest.blob()), ("100644", b"b", gone))
    assert refused(forest, reader, tree, tmp_path / "room").code == "LFCI501"


def test_a_directory_with_something_in_it_is_not_touched(
    any_repo: Repo, reader: BatchReader, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(Undecided) as caught:
        export_tree(reader, empty_tree(any_repo.hash_name), tmp_path)
    assert caught.value.code == "LFCI517"
    assert (tmp_path / "mine").read_text() == "keep"
