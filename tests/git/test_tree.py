"""Tree objects are read as git reads them, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git import tree as tree_module
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import (
    EXECUTABLE,
    FILE,
    GITLINK,
    SYMLINK,
    TREE,
    TreeEntry,
    diff,
    format_tree,
    lookup,
    parse_tree,
    read_blob,
    read_file,
    read_tree,
    shown,
    walk,
)
from lfci_gate.model import GitObject, ObjectId
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo

ONE = ObjectId("1" * 40)


def entry(mode: bytes, name: bytes, oid: bytes = b"\x11" * 20) -> bytes:
    return mode + b" " + name + b"\0" + oid


names = st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & {0, 0x2F})
modes = st.sampled_from((FILE, EXECUTABLE, SYMLINK, TREE, GITLINK, 0o100664))
files = st.dictionaries(
    st.lists(
        st.sampled_from((b"a", b"b", b"a.b", b"a-", b"\xff", b"B", b"link")), min_size=1, max_size=3
    ).map(b"/".join),
    st.tuples(st.sampled_from((FILE, EXECUTABLE, SYMLINK)), st.sampled_from((b"", b"one", b"two"))),
    max_size=8,
)


def without_conflicts(found: dict[bytes, tuple[int, bytes]]) -> dict[bytes, tuple[int, bytes]]:
    """A path cannot be a file and a directory."""
    directories = {path.rsplit(b"/", n)[0] for path in found for n in range(1, path.count(b"/") + 1)}
    return {path: value for path, value in found.items() if path not in directories}


# -- parsing ---------------------------------------------------------------------------------


@given(st.dictionaries(names, st.tuples(modes, st.integers(1, 2**160 - 1)), max_size=30))
def test_what_is_written_is_read_back(wanted: dict[bytes, tuple[int, int]]) -> None:
    entries = [TreeEntry(mode, name, ObjectId(f"{number:040x}")) for name, (mode, number) in wanted.items()]
    data = format_tree(entries)
    assert sorted(parse_tree(data, "sha1")) == sorted(entries)
    assert format_tree(parse_tree(data, "sha1")) == data


entry_bytes = st.builds(entry, st.sampled_from((b"100644", b"40000", b"1", b"0")), names)


@given(st.binary(max_size=200) | st.lists(entry_bytes).map(b"".join), st.sampled_from(("sha1", "sha256")))
def test_any_bytes_are_a_tree_or_one_refusal(data: bytes, hash_name: str) -> None:
    code = code_of(lambda: parse_tree(data, hash_name))
    assert code in (None, "LFCI401")
    if code is None:
        assert format_tree(parse_tree(data, hash_name)) == data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="no entry at all"),
        pytest.param(entry(b"100644", b"a")[:-1], id="cut object name"),
        pytest.param(entry(b"100644", b"a") + b"\0", id="bytes behind the last entry"),
        pytest.param(b"100644 a", id="no NUL"),
        pytest.param(b"100644\0" + b"\x11" * 20, id="no space"),
        pytest.param(entry(b"100644", b""), id="empty name"),
        pytest.param(entry(b"40000", b""), id="empty name of a subtree"),
        pytest.param(
            entry(b"100644", b"", b"\x11" * 19 + b"\0") + b"\x11" * 20,
            id="empty name, where the next NUL would make one",
        ),
        pytest.param(entry(b"", b"a"), id="no mode"),
        pytest.param(entry(b"040000", b"a"), id="zero-padded mode"),
        pytest.param(entry(b"100684", b"a"), id="mode not octal"),
        pytest.param(entry(b"+10064", b"a"), id="mode with a sign"),
        pytest.param(entry(b"1006440", b"a"), id="mode too long"),
        pytest.param(entry(b"100644", b"a/b"), id="slash"),
        pytest.param(entry(b"100644", b"a") * 2, id="same entry twice"),
        pytest.param(entry(b"100644", b"a") + entry(b"100755", b"a"), id="same name twice"),
        pytest.param(entry(b"100644", b"b") + entry(b"100644", b"a"), id="not sorted"),
        pytest.param(entry(b"40000", b"a") + entry(b"100644", b"a.b"), id="subtree sorted like a file"),
        pytest.param(entry(b"100644", b"a") + entry(b"40000", b"a"), id="file and directory of a name"),
        pytest.param(
            entry(b"100644", b"a") + entry(b"100644", b"a.b") + entry(b"40000", b"a"),
            id="file and directory of a name, not neighbours",
        ),
        pytest.param(entry(b"100644", b"a", bytes(20)), id="names no object"),
        pytest.param(
            entry(b"100644", b"a") + entry(b"100644", b"b", bytes(20)), id="one of two names no object"
        ),
    ],
)
def test_a_malformed_tree_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parse_tree(data, "sha1")
    assert refused.value.code == "LFCI401"


def test_the_name_with_a_slash_is_told() -> None:
    with pytest.raises(Refusal) as refused:
        parse_tree(entry(b"100644", b"a") + entry(b"100644", b"b/c") + entry(b"100644", b"d"), "sha1")
    assert refused.value.facts == ("at or after: b/c",)


def test_the_hash_decides_where_an_entry_ends() -> None:
    data = format_tree([TreeEntry(FILE, b"a", oid_of("blob", b"", "sha256"))])
    assert parse_tree(data, "sha256")[0].oid == oid_of("blob", b"", "sha256")
    with pytest.raises(Refusal):
        parse_tree(data, "sha1")


def test_zeros_inside_an_object_name_are_not_the_zero_name() -> None:
    oid = ObjectId("00" * 19 + "01")
    assert (
        parse_tree(entry(b"100644", b"a", bytes(19) + b"\1") + entry(b"100644", b"b"), "sha1")[0].oid == oid
    )


# -- agreement with git ------------------------------------------------------------------------


def fill(repo: Repo) -> None:
    repo.write("plain.txt", b"plain\n")
    repo.write("bin/tool", b"#!/bin/sh\n", mode=0o755)
    repo.write("bin.d/x", b"x")
    repo.write("bin-x", b"x")
    repo.write("a/deep/er/file", b"deep")
    (repo.path / "link").symlink_to("a/deep")
    repo.write('né \t\\"', b"odd name")
    repo.commit()
    gitlink = f"160000,{repo.line('rev-parse', 'HEAD')},sub"
    repo.git("update-index", "--add", "--cacheinfo", gitlink)
    repo.git("commit", "-q", "-m", "submodule")


def ls_tree(repo: Repo, rev: str) -> list[tuple[bytes, TreeEntry]]:
    listed = []
    for line in repo.git("ls-tree", "-r", "-z", rev).split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, _, oid = head.decode().split(" ")
        listed.append((path, TreeEntry(int(mode, 8), path.rsplit(b"/", 1)[-1], ObjectId(oid))))
    return listed


def test_walk_lists_what_git_lists_in_gits_order(any_repo: Repo) -> None:
    fill(any_repo)
    tree = ObjectId(any_repo.line("rev-parse", "HEAD^{tree}"))
    with BatchReader(any_repo.tool) as source:
        assert list(walk(source, tree)) == ls_tree(any_repo, "HEAD")


def test_every_real_tree_is_written_back_byte_for_byte(any_repo: Repo) -> None:
    fill(any_repo)
    trees = any_repo.git("rev-list", "--objects", "--no-object-names", "--filter=object:type=tree", "HEAD")
    with BatchReader(any_repo.tool) as source:
        for oid in trees.decode().split():
            kind, data = source.read(ObjectId(oid))
            if kind == "tree":
                assert format_tree(parse_tree(data, any_repo.hash_name)) == data


@given(files, files)
def test_diff_is_what_differs_between_two_walks(
    one: dict[bytes, tuple[int, bytes]], other: dict[bytes, tuple[int, bytes]]
) -> None:
    source = MemoryObjects()
    old = source.files(without_conflicts(one))
    new = source.files(without_conflicts(other))
    before, after = dict(walk(source, old)), dict(walk(source, new))
    wanted = {
        path: (before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    found = list(diff(source, old, new))
    assert {path: (was, now) for path, was, now in found} == wanted
    assert len(found) == len(wanted)
    assert set(walk(source, old)) == {(path, was) for path, was, _ in diff(source, old, None)}


def test_diff_names_the_paths_that_git_diff_tree_names(any_repo: Repo) -> None:
    fill(any_repo)
    any_repo.write("bin/tool", b"other\n", mode=0o644)
    (any_repo.path / "a/deep/er/file").unlink()
    (any_repo.path / "link").unlink()
    any_repo.write("link/now/a/directory", b"")
    any_repo.commit()
    raw = any_repo.git("diff-tree", "-r", "-z", "--raw", "--no-renames", "HEAD~1", "HEAD").split(b"\0")
    by_git = {
        path: (int(meta[1:7], 8), int(meta[8:14], 8))
        for meta, path in zip(raw[0:-1:2], raw[1::2], strict=True)
    }
    trees = [ObjectId(any_repo.line("rev-parse", f"{rev}^{{tree}}")) for rev in ("HEAD~1", "HEAD")]
    with BatchReader(any_repo.tool) as source:
        ours = {
            path: (was.mode if was else 0, now.mode if now else 0) for path, was, now in diff(source, *trees)
        }
    assert ours == by_git


def test_diff_reads_nothing_of_equal_subtrees() -> None:
    source = MemoryObjects()
    old = source.files({b"same/a": (FILE, b"1"), b"other/b": (FILE, b"1")})
    new = source.files({b"same/a": (FILE, b"1"), b"other/b": (FILE, b"2")})
    same = lookup(source, old, b"same")
    source.reads.clear()
    assert [path for path, _, _ in diff(source, old, new)] == [b"other/b"]
    assert same is not None
    assert same.oid not in source.reads


def test_a_comparison_asks_in_advance_for_the_subtrees_that_differ_and_for_nothing_else() -> None:
    """A large file or a submodule's commit asked for as if it were a tree would be a refusal."""
    asked: list[ObjectId] = []

    class Ahead(MemoryObjects):
        def read_many(self, oids: list[ObjectId], *, limit: int) -> list[GitObject]:
            asked.extend(oids)
            return [self.read(oid, limit=limit) for oid in oids]

    source = Ahead()
    fixed = {b"same/x": (FILE, b""), b"sub": (GITLINK, b"1" * 40), b"f": (FILE, b"1")}
    old = source.files({**fixed, b"a/x": (FILE, b"1"), b"b/x": (FILE, b"2")})
    new = source.files(
        {**fixed, b"a/x": (FILE, b"3"), b"b/x": (FILE, b"4"), b"g": (GITLINK, b"2" * 40), b"f": (FILE, b"5")}
    )
    assert len(list(diff(source, old, new))) == 4
    entries = [lookup(source, tree, name) for name in (b"a", b"b") for tree in (old, new)]
    assert asked == [entry and entry.oid for entry in entries]


def test_a_changed_mode_alone_is_a_difference() -> None:
    source = MemoryObjects()
    old, new = (source.files({b"run": (mode, b"")}) for mode in (FILE, EXECUTABLE))
    [(path, was, now)] = diff(source, old, new)
    assert (path, was and was.mode, now and now.mode) == (b"run", FILE, EXECUTABLE)


# -- reading one thing --------------------------------------------------------------------------


@pytest.fixture
def source() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def root(source: MemoryObjects) -> ObjectId:
    return source.files(
        {
            b"dir/file": (FILE, b"content"),
            b"dir/run": (EXECUTABLE, b"#!"),
            b"link": (SYMLINK, b"dir/file"),
            b"sub": (GITLINK, b"1" * 40),
        }
    )


def test_a_file_is_found_and_read(source: MemoryObjects, root: ObjectId) -> None:
    assert read_file(source, root, b"dir/file", 7) == b"content"
    assert read_file(source, root, b"dir/run", 7) == b"#!"
    found = lookup(source, root, b"dir/run")
    assert found is not None
    assert found.mode == EXECUTABLE


@pytest.mark.parametrize(
    "path", [b"none", b"dir/none", b"", b"dir/", b"/dir", b"dir/../dir/file", b"none/file"]
)
def test_what_is_not_there_is_none(source: MemoryObjects, root: ObjectId, path: bytes) -> None:
    assert lookup(source, root, path) is None
    assert read_file(source, root, path, 100) is None


@pytest.mark.parametrize("path", [b"link", b"sub", b"dir", b"link/file", b"sub/file", b"dir/file/below"])
def test_nothing_but_a_plain_file_is_read_as_a_file(
    source: MemoryObjects, root: ObjectId, path: bytes
) -> None:
    with pytest.raises(Refusal) as refused:
        read_file(source, root, path, 100)
    assert refused.value.code == "LFCI401"


def test_links_are_not_followed(source: MemoryObjects) -> None:
    root = source.files({b"here": (SYMLINK, b"there"), b"there/file": (FILE, b"")})
    assert lookup(source, root, b"here/file") is None


def test_a_file_over_the_limit_is_refused_with_its_path(source: MemoryObjects, root: ObjectId) -> None:
    with pytest.raises(Refusal) as refused:
        read_file(source, root, b"dir/file", 6)
    assert refused.value.code == "LFCI412"
    assert "path: dir/file" in refused.value.facts


def read_everything(source: MemoryObjects, tree: ObjectId) -> None:
    for path, found in walk(source, tree):
        read_blob(source, found.oid, path, 100)


def test_objects_of_another_kind_than_the_mode_says_are_refused(source: MemoryObjects) -> None:
    blob = source.blob(b"")
    below = source.tree((FILE, b"x", blob))
    for tree in (source.tree((TREE, b"a", blob)), source.tree((FILE, b"a", below))):
        assert code_of(lambda tree=tree: read_everything(source, tree)) == "LFCI401"


def test_a_missing_object_is_undecided_and_the_empty_tree_is_never_missing(source: MemoryObjects) -> None:
    assert read_tree(source, empty_tree("sha1")) == ()
    assert list(walk(source, empty_tree("sha1"))) == []
    with pytest.raises(Undecided) as undecided:
        read_tree(source, ONE)
    assert undecided.value.code == "LFCI501"


# -- bombs ------------------------------------------------------------------------------------


def test_h_a_tree_that_unfolds_exponentially_is_stopped_by_counting(source: MemoryObjects) -> None:
    tree = source.tree((FILE, b"f", source.blob()))
    for _ in range(50):
        tree = source.tree((TREE, b"a", tree), (TREE, b"b", tree))
    for walked in (walk(source, tree, max_entries=10_000), diff(source, None, tree, max_entries=10_000)):
        with pytest.raises(Refusal) as refused:
            list(walked)
        assert refused.value.code == "LFCI411"
    assert len(source.reads) < 25_000


def test_h_a_chain_of_a_hundred_thousand_trees_is_stopped_by_its_path(source: MemoryObjects) -> None:
    tree = source.tree((FILE, b"f", source.blob()))
    for _ in range(100_000):
        tree = source.tree((TREE, b"a", tree))
    with pytest.raises(Refusal) as refused:
        list(walk(source, tree))
    assert refused.value.code == "LFCI401"
    assert len(source.reads) < tree_module.MAX_PATH_BYTES


def test_h_a_tree_object_over_the_limit_is_not_parsed(
    source: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_module, "MAX_TREE_BYTES", 100)
    tree = source.tree(*((FILE, b"%d" % number, source.blob()) for number in range(10)))
    with pytest.raises(Refusal) as refused:
        read_tree(source, tree)
    assert refused.value.code == "LFCI412"


def test_paths_in_messages_are_printable_ascii_and_short() -> None:
    assert shown(b"a\n\x1b[31m\xff'") == "a\\n\\x1b[31m\\xff'"
    assert len(shown(b"x" * 4096)) < 200
    assert shown(b"x" * 200) == "x" * 200
    assert shown(b"a" * 101 + b"b" * 100) == "a" * 90 + "..." + "b" * 90


# -- the bounds themselves ----------------------------------------------------------------------


def test_h_a_walk_counts_subtrees_and_files_up_to_its_bound(source: MemoryObjects) -> None:
    tree = source.files({b"a": (FILE, b""), b"d/x": (FILE, b""), b"d/y": (FILE, b"")})
    assert len(list(walk(source, tree, max_entries=4))) == 3
    assert code_of(lambda: list(walk(source, tree, max_entries=3))) == "LFCI411"


def test_h_a_path_of_4096_bytes_is_walked_and_one_byte_more_is_refused(source: MemoryObjects) -> None:
    for prefix in (b"", b"d/", b"d/e/"):
        longest = prefix + b"x" * (4096 - len(prefix))
        assert [path for path, _ in walk(source, source.files({longest: (FILE, b"")}))] == [longest]
        longer = source.files({longest + b"x": (FILE, b"")})
        assert code_of(lambda longer=longer: list(walk(source, longer))) == "LFCI401"


def test_the_order_of_a_comparison_is_that_of_the_names(source: MemoryObjects) -> None:
    old = source.files(dict.fromkeys((b"b", b"d", b"same"), (FILE, b"")))
    new = source.files(dict.fromkeys((b"a", b"c", b"same"), (FILE, b"")))
    assert [path for path, _, _ in diff(source, old, new)] == [b"a", b"b", b"c", b"d"]


def test_a_refused_blob_keeps_the_facts_and_the_next_command_of_its_reader(source: MemoryObjects) -> None:
    with pytest.raises(Refusal) as refused:
        read_blob(source, source.blob(b"xx"), b"a\n", 1)
    assert refused.value.facts[0] == "path: a\\n"
    assert source.blob(b"xx") in refused.value.message
