"""The inputs tree: what is left of a tree when only some paths are kept. Pure over an object source.

It is the subject of check runs and approvals, so it is a function of the tree and the patterns
alone: entries keep their mode and object, a directory with nothing left disappears, order is
git's. Directories in which nothing can match are not read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lfci_gate.errors import Refusal
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.tree import (
    GITLINK,
    MAX_ENTRIES,
    MAX_PATH_BYTES,
    SYMLINK,
    TreeEntry,
    format_tree,
    is_directory,
    read_tree,
    shown,
)
from lfci_gate.model import ObjectId, ObjectSource
from lfci_gate.patterns import PatternSet

__all__ = ["ALWAYS", "FilteredTree", "inputs_tree"]

ALWAYS: Final = (b"flake.nix", b"flake.lock")
"""Files that belong to the inputs of every check: they make its environment."""


class FilteredTree(NamedTuple):
    oid: ObjectId
    new_objects: tuple[tuple[str, bytes], ...]
    """(kind, data) of the trees that did not exist before, subtrees first."""


class _Frame:
    """A directory that is being filtered."""

    __slots__ = ("entries", "kept", "next", "path")

    def __init__(self, path: bytes, entries: tuple[TreeEntry, ...]) -> None:
        self.path = path
        self.entries = entries
        self.next = 0
        self.kept: list[TreeEntry] = []


def inputs_tree(
    source: ObjectSource,
    tree: ObjectId,
    patterns: PatternSet,
    always: tuple[bytes, ...] = ALWAYS,
    *,
    links: PatternSet | None = None,
    max_entries: int = MAX_ENTRIES,
) -> FilteredTree:
    """The tree with only those files of ``tree`` that ``patterns`` match, and the ``always`` ones.

    Symlinks and submodules count as files; with ``links`` one is also kept when a path that these
    patterns match could lead through it, since it may stand where they expect a directory. The tree
    itself, unread, when the patterns cover everything; the empty tree when nothing is left. Raises
    Refusal LFCI411 after ``max_entries`` entries, LFCI401 on a path over MAX_PATH_BYTES, and what
    read_tree raises.
    """
    if patterns.covers_all():
        return FilteredTree(tree, ())
    new: dict[ObjectId, bytes] = {}
    count = 0
    stack = [_Frame(b"", read_tree(source, tree))]
    while True:
        frame = stack[-1]
        descend = _filter(frame, patterns, always, links)
        if descend is not None:
            path = frame.path + b"/" + descend.name if frame.path else descend.name
            if len(path) > MAX_PATH_BYTES:
                raise Refusal("LFCI401", f"{shown(path)}: a path longer than {MAX_PATH_BYTES} bytes")
            stack.append(_Frame(path, read_tree(source, descend.oid)))
            continue
        count += len(frame.entries)
        if count > max_entries:
            raise Refusal("LFCI411", f"more than {max_entries} tree entries to read")
        stack.pop()
        if not stack:
            oid = _written(frame, tree, new, source.hash_name)
            return FilteredTree(oid, tuple(("tree", data) for data in new.values()))
        if frame.kept:
            parent = stack[-1]
            entry = parent.entries[parent.next - 1]
            oid = _written(frame, entry.oid, new, source.hash_name)
            parent.kept.append(entry._replace(oid=oid))


def _filter(
    frame: _Frame, patterns: PatternSet, always: tuple[bytes, ...], links: PatternSet | None
) -> TreeEntry | None:
    """Go on through the entries; a subtree that has to be filtered first, None at the end."""
    prefix = frame.path + b"/" if frame.path else b""
    matches = patterns.matches
    for at in range(frame.next, len(frame.entries)):
        entry = frame.entries[at]
        path = prefix + entry.name
        if is_directory(entry.mode):
            if patterns.may_match_below(path) or any(each.startswith(path + b"/") for each in always):
                frame.next = at + 1
                return entry
        elif (
            path in always
            or matches(path)
            or (links is not None and entry.mode in (SYMLINK, GITLINK) and links.may_match_below(path))
        ):
            frame.kept.append(entry)
    frame.next = len(frame.entries)
    return None


def _written(frame: _Frame, was: ObjectId, new: dict[ObjectId, bytes], hash_name: str) -> ObjectId:
    """Name of the filtered directory, noted in ``new`` unless it is as it ``was``."""
    if len(frame.kept) == len(frame.entries) and tuple(frame.kept) == frame.entries:
        return was
    data = format_tree(frame.kept)
    # The empty tree has a name without being written, and is written all the same: not every
    # reader of a repository knows it.
    oid = oid_of("tree", data, hash_name) if data else empty_tree(hash_name)
    new.setdefault(oid, data)
    return oid
