"""A tree with edits is the tree that would have been built from the edited files at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Undecided
from lfci_gate.git.edit import Leaf, edited_tree
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.tree import FILE, TREE, TreeEntry, format_tree, parse_tree
from lfci_gate.model import GitObject, ObjectId


class Memory:
    """An object store in a dict."""

    def __init__(self, hash_name: str = "sha1") -> None:
        self.hash_name = hash_name
        self.objects: dict[ObjectId, GitObject] = {}

    def add(self, kind: str, data: bytes) -> ObjectId:
        oid = oid_of(kind, data, self.hash_name)
        self.objects[oid] = GitObject(kind, data)
        return oid

    def read(self, oid: ObjectId, *, limit: int = 0) -> GitObject:
        return self.objects[oid]

    def stat(self, oid: ObjectId) -> tuple[str, int]:
        return self.objects[oid].kind, len(self.objects[oid].data)


def built(memory: Memory, files: dict[bytes, Leaf]) -> ObjectId:
    """The tree of these files, the plain recursive way."""
    here: list[TreeEntry] = []
    below: dict[bytes, dict[bytes, Leaf]] = {}
    for path, (mode, oid) in files.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            below.setdefault(name, {})[rest] = (mode, oid)
        else:
            here.append(TreeEntry(mode, name, oid))
    here += [TreeEntry(TREE, name, built(memory, part)) for name, part in below.items()]
    return memory.add("tree", format_tree(here)) if here else empty_tree(memory.hash_name)


def leaf(text: bytes, mode: int = FILE) -> Leaf:
    return mode, oid_of("blob", text, "sha1")


PATHS = st.lists(st.sampled_from([b"a", b"a.b", b"a0", b"b", b"\xff"]), min_size=1, max_size=4).map(b"/".join)


def fits(files: dict[bytes, Leaf]) -> bool:
    return not any(other.startswith(path + b"/") for path in files for other in files)


FILES = st.dictionaries(PATHS, st.binary(max_size=1).map(leaf), max_size=12).filter(fits)


@given(FILES, FILES)
def test_going_from_any_files_to_any_files(old: dict[bytes, Leaf], new: dict[bytes, Leaf]) -> None:
    memory = Memory()
    base = built(memory, old)
    edits: dict[bytes, Leaf | None] = {path: None for path in old if path not in new}
    edits |= {path: what for path, what in new.items() if old.get(path) != what}
    tree = edited_tree(memory, base, edits, memory.add)
    assert tree == built(Memory(), new)
    assert tree in memory.objects or tree == empty_tree("sha1")


@given(FILES, st.dictionaries(PATHS, st.none(), max_size=4))
def test_removing_what_is_not_there_changes_nothing(
    files: dict[bytes, Leaf], gone: dict[bytes, None]
) -> None:
    memory = Memory()
    base = built(memory, files)
    nothing = {path: None for path in gone if not any((f + b"/").startswith(path + b"/") for f in files)}
    assert edited_tree(memory, base, nothing, memory.add) == base


def test_only_the_way_to_the_edit_is_read_and_written() -> None:
    memory = Memory()
    files = {b"a/b/%d" % i: leaf(b"%d" % i) for i in range(10)} | {b"c/d/e": leaf(b"e")}
    base = built(memory, files)
    c = next(entry.oid for entry in _entries(memory, base) if entry.name == b"c")
    del memory.objects[c]
    before = set(memory.objects)
    edited_tree(memory, base, {b"a/b/3": leaf(b"new"), b"a/new": leaf(b"n")}, memory.add)
    assert len(set(memory.objects) - before) == 3


def _entries(memory: Memory, oid: ObjectId) -> tuple[TreeEntry, ...]:
    return parse_tree(memory.objects[oid].data, "sha1")


def test_no_edits_are_the_same_tree_also_when_it_is_empty() -> None:
    memory = Memory("sha256")
    assert edited_tree(memory, empty_tree("sha256"), {}, memory.add) == empty_tree("sha256")


@pytest.mark.parametrize("path", [b"", b"/a", b"a/", b"a//b", b"../a", b"a/./b", b"a/.."])
def test_what_is_no_path_is_517(path: bytes) -> None:
    memory = Memory()
    with pytest.raises(Undecided) as caught:
        edited_tree(memory, empty_tree("sha1"), {path: leaf(b"x")}, memory.add)
    assert caught.value.code == "LFCI517"


def test_a_file_below_a_file_is_517() -> None:
    memory = Memory()
    with pytest.raises(Undecided) as caught:
        edited_tree(memory, empty_tree("sha1"), {b"a": leaf(b"x"), b"a/b": leaf(b"y")}, memory.add)
    assert caught.value.code == "LFCI517"
