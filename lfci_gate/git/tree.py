"""Tree objects over an object source: looking up, walking, comparing. Pure.

Everything that reads trees reads them here. Pushed trees are hostile: nothing recurses, every walk
counts what it visits (the same subtree may be referenced exponentially often) and bounds the
paths it builds. What a well-formed tree is, :mod:`lfci_gate.git.tree_format` says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.names import empty_tree
from lfci_gate.git.tree_format import (
    EXECUTABLE,
    FILE,
    GITLINK,
    SYMLINK,
    TREE,
    TreeEntry,
    format_tree,
    is_directory,
    parse_tree,
    shown,
)
from lfci_gate.model import ObjectId, ObjectSource

__all__ = [
    "EXECUTABLE",
    "FILE",
    "GITLINK",
    "MAX_ENTRIES",
    "MAX_PATH_BYTES",
    "MAX_TREE_BYTES",
    "SYMLINK",
    "TREE",
    "TreeEntry",
    "diff",
    "format_tree",
    "is_directory",
    "lookup",
    "parse_tree",
    "prefetch",
    "read_blob",
    "read_file",
    "read_tree",
    "shown",
    "walk",
]

MAX_TREE_BYTES: Final = 8 * 1024 * 1024
"""One tree object: some 150,000 names of usual length, and 100 MB when parsed at the worst."""
MAX_ENTRIES: Final = 2_000_000
"""Entries of one walk, subtrees included."""
MAX_PATH_BYTES: Final = 4096
"""Linux's PATH_MAX; also what keeps a chain of a million nested trees cheap."""

_PREFETCHED: Final = 256
"""Trees of one directory asked for at once."""


def read_tree(source: ObjectSource, oid: ObjectId) -> tuple[TreeEntry, ...]:
    """The entries of the tree ``oid``; the empty tree need not be in the store.

    Raises Refusal LFCI401 when the object is no well-formed tree, LFCI412 above MAX_TREE_BYTES,
    Undecided LFCI501 when it is missing.
    """
    if oid == empty_tree(source.hash_name):
        return ()
    kind, data = source.read(oid, limit=MAX_TREE_BYTES)
    if kind != "tree":
        raise Refusal("LFCI401", f"{oid} is a {kind} where a tree is expected")
    return parse_tree(data, source.hash_name)


def prefetch(source: ObjectSource, trees: Iterable[ObjectId]) -> None:
    """Have these trees at hand before they are read one by one, if ``source`` can do that.

    A reader that asks another process answers many questions in the time of one, and remembers
    trees (``BatchReader.read_many``). What is remembered and for how long is its own affair. Raises
    what read_tree raises for any of them.
    """
    read_many = getattr(source, "read_many", None)
    wanted = list(itertools.islice(trees, _PREFETCHED))
    if read_many is not None and len(wanted) > 1:
        for _ in read_many(wanted, limit=MAX_TREE_BYTES):
            pass


def read_blob(source: ObjectSource, oid: ObjectId, path: bytes, limit: int) -> bytes:
    """The bytes of the blob ``oid`` that a tree names at ``path``, at most ``limit`` bytes.

    Raises Refusal LFCI401 when it is no blob, LFCI412 when larger, Undecided LFCI501 when missing.
    """
    try:
        kind, data = source.read(oid, limit=limit)
    except Refusal as refusal:
        facts = (f"path: {shown(path)}", *refusal.facts)
        raise Refusal(refusal.code, refusal.message, facts=facts, hint=refusal.hint) from None
    if kind != "blob":
        raise Refusal("LFCI401", f"{shown(path)}: a {kind} where a file is expected")
    return data


def lookup(source: ObjectSource, tree: ObjectId, path: bytes) -> TreeEntry | None:
    """The entry at ``path`` below ``tree``; None when there is none. Symlinks are not followed.

    Raises what read_tree raises.
    """
    components = path.split(b"/")
    for index, component in enumerate(components):
        entry = next((each for each in read_tree(source, tree) if each.name == component), None)
        if entry is None or index == len(components) - 1:
            return entry
        if not is_directory(entry.mode):
            return None
        tree = entry.oid
    return None


def read_file(source: ObjectSource, tree: ObjectId, path: bytes, limit: int) -> bytes | None:
    """The plain file at ``path``, at most ``limit`` bytes; None when nothing is there.

    Raises Refusal LFCI401 when a symlink, submodule, directory or anything else is there (also
    where a directory of the path should be), LFCI412 when larger, and what read_tree raises.
    """
    components = path.split(b"/")
    for depth in range(1, len(components) + 1):
        here = b"/".join(components[:depth])
        entry = lookup(source, tree, components[depth - 1])
        if entry is None:
            return None
        if depth == len(components):
            if entry.mode not in (FILE, EXECUTABLE):
                raise Refusal("LFCI401", f"{shown(here)}: not a plain file (mode {entry.mode:o})")
            return read_blob(source, entry.oid, path, limit)
        if not is_directory(entry.mode):
            raise Refusal("LFCI401", f"{shown(here)}: not a directory (mode {entry.mode:o})")
        tree = entry.oid
    return None


def walk(
    source: ObjectSource, tree: ObjectId, *, max_entries: int = MAX_ENTRIES
) -> Iterator[tuple[bytes, TreeEntry]]:
    """Every entry below ``tree`` that is no subtree, with its path, in git's order.

    Raises Refusal LFCI411 after ``max_entries`` entries, LFCI401 on a path longer than
    MAX_PATH_BYTES, and what read_tree raises.
    """
    for path, _, entry in diff(source, None, tree, max_entries=max_entries):
        if entry is not None:
            yield path, entry


def diff(
    source: ObjectSource, old: ObjectId | None, new: ObjectId | None, *, max_entries: int = MAX_ENTRIES
) -> Iterator[tuple[bytes, TreeEntry | None, TreeEntry | None]]:
    """What differs between two trees: (path, old entry, new entry), raw names and modes.

    Only entries that are no subtrees are named; equal subtrees are not read. A file that became
    a directory is a removal and additions. Raises as ``walk`` does.
    """
    count = 0
    stack = [(b"", _root(old), _root(new))]
    while stack:
        path, before, after = stack.pop()
        leaf_before = before if before and not is_directory(before.mode) else None
        leaf_after = after if after and not is_directory(after.mode) else None
        if leaf_before or leaf_after:
            yield path, leaf_before, leaf_after
        changes = _changes(_children(source, before), _children(source, after))
        count += len(changes)
        if count > max_entries:
            raise Refusal("LFCI411", f"more than {max_entries} tree entries to read")
        prefetch(source, _directories(changes))
        prefix = path + b"/" if path else b""
        room = MAX_PATH_BYTES - len(prefix)
        for name, one, other in reversed(changes):
            if len(name) > room:
                raise Refusal("LFCI401", f"{shown(prefix + name)}: path longer than {MAX_PATH_BYTES} bytes")
            stack.append((prefix + name, one, other))


_Change = tuple[bytes, TreeEntry | None, TreeEntry | None]


def _changes(old: tuple[TreeEntry, ...], new: tuple[TreeEntry, ...]) -> list[_Change]:
    """Names whose entries differ; in git's order where one side is empty, else in order of the names."""
    if not old:
        return [(entry.name, None, entry) for entry in new]
    before = {entry.name: entry for entry in old}
    changes: list[_Change] = []
    for entry in new:
        was = before.pop(entry.name, None)
        if was != entry:
            changes.append((entry.name, was, entry))
    changes += [(entry.name, entry, None) for entry in before.values()]
    return sorted(changes, key=lambda change: change[0])


def _directories(changes: list[_Change]) -> Iterator[ObjectId]:
    """The subtrees that are read next, in the order in which they are."""
    for _, one, other in changes:
        for entry in (one, other):
            if entry and is_directory(entry.mode):
                yield entry.oid


def _root(tree: ObjectId | None) -> TreeEntry | None:
    return None if tree is None else TreeEntry(TREE, b"", tree)


def _children(source: ObjectSource, entry: TreeEntry | None) -> tuple[TreeEntry, ...]:
    return read_tree(source, entry.oid) if entry and is_directory(entry.mode) else ()
