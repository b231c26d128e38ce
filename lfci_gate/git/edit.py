"""A tree with some paths changed: only the directories on the way to them are read and written.

Pure over an object source and a function that takes new objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lfci_gate.errors import Undecided
from lfci_gate.git.names import empty_tree
from lfci_gate.git.tree import TREE, TreeEntry, format_tree, is_directory, read_tree, shown
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["Leaf", "edited_tree"]

Leaf = tuple[int, ObjectId]
"""Mode and object of a file, symbolic link or gitlink."""

_ROOT: Final = b""
_NO_NAMES: Final = frozenset({b"", b".", b".."})
_Entries = dict[bytes, TreeEntry]


def edited_tree(
    source: ObjectSource,
    base: ObjectId,
    edits: Mapping[bytes, Leaf | None],
    add: Callable[[str, bytes], ObjectId],
) -> ObjectId:
    """The tree ``base`` with ``edits`` applied; the new trees are given to ``add``.

    Arguments:
        edits: path from the root -> what is there from now on, None when nothing is. Removing
            what is not there changes nothing. Directories come and go with their files.
        add: takes kind and bytes of a new object, gives its name.

    Raises Undecided LFCI517 for edits that cannot hold together (a file below a file), and as
    tree.read_tree does.
    """
    wanted = _by_directory(edits)
    before = _read(source, base, wanted)
    # Deepest first: a directory is finished when all below it are.
    for directory in sorted(wanted, key=_depth, reverse=True):
        entries = before[directory]
        for name, leaf in wanted[directory].items():
            if leaf is None:
                entries.pop(name, None)
            else:
                entries[name] = TreeEntry(leaf[0], name, leaf[1])
        if directory == _ROOT:
            continue
        parent, name = _split(directory)
        if entries:
            tree = add("tree", format_tree(entries.values()))
            if wanted[parent].get(name) is not None:
                raise Undecided("LFCI517", f"{shown(directory)} is a file and a directory at once")
            wanted[parent].pop(name, None)
            before[parent][name] = TreeEntry(TREE, name, tree)
        elif name in before[parent] and is_directory(before[parent][name].mode):
            del before[parent][name]
    root = before[_ROOT]
    return add("tree", format_tree(root.values())) if root else empty_tree(source.hash_name)


def _by_directory(edits: Mapping[bytes, Leaf | None]) -> dict[bytes, dict[bytes, Leaf | None]]:
    """Edits under their directory; every directory up to the root is a key."""
    wanted: dict[bytes, dict[bytes, Leaf | None]] = {_ROOT: {}}
    for path, leaf in edits.items():
        if not _NO_NAMES.isdisjoint(path.split(b"/")):
            raise Undecided("LFCI517", f"not a path for a tree: {shown(path)}")
        directory, name = _split(path)
        wanted.setdefault(directory, {})[name] = leaf
        while directory:
            directory, _ = _split(directory)
            wanted.setdefault(directory, {})
    return wanted


def _read(source: ObjectSource, base: ObjectId, wanted: Mapping[bytes, object]) -> dict[bytes, _Entries]:
    """Entries of every wanted directory as they are in ``base``; none where it has no such one."""
    found: dict[bytes, _Entries] = {}
    for directory in sorted(wanted, key=_depth):
        tree: ObjectId | None = base
        if directory != _ROOT:
            parent, name = _split(directory)
            entry = found[parent].get(name)
            tree = entry.oid if entry is not None and is_directory(entry.mode) else None
        entries = read_tree(source, tree) if tree is not None else ()
        found[directory] = {entry.name: entry for entry in entries}
    return found


def _split(path: bytes) -> tuple[bytes, bytes]:
    directory, _, name = path.rpartition(b"/")
    return directory, name


def _depth(directory: bytes) -> int:
    return directory.count(b"/") + 1 if directory else 0
