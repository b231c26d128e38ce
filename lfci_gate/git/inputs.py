"""The inputs tree: what is left of a tree when only some paths are kept. Pure over an object source.

It is the subject of check runs and approvals, so it is a function of the tree and the patterns
alone: entries keep their mode and object, a directory with nothing left disappears, order is
git's. Directories in which nothing can match are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    prefetch,
    read_tree,
    shown,
)
from lfci_gate.model import ObjectId, ObjectSource
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

__all__ = ["ALWAYS", "FilteredTree", "inputs_tree"]

ALWAYS: Final = (b"flake.nix", b"flake.lock")
"""Files that belong to the inputs of every check: they make its environment."""


class FilteredTree(NamedTuple):
    oid: ObjectId
    new_objects: tuple[tuple[str, bytes], ...]
    """(kind, data) of the trees that did not exist before, subtrees first."""


class _Keep(Value):
    """What is kept of a tree."""

    patterns: PatternSet
    always: tuple[bytes, ...]
    links: PatternSet | None

    def file(self, path: bytes, mode: int) -> bool:
        """Whether an entry that is no subtree is kept."""
        return (
            self.patterns.matches(path)
            or path in self.always
            or (self.links is not None and mode in (SYMLINK, GITLINK) and self.links.may_match_below(path))
        )

    def below(self, path: bytes) -> bool:
        """Whether something below this directory may be kept."""
        return self.patterns.may_match_below(path) or any(
            each.startswith(path + b"/") for each in self.always
        )


class _Frame:
    """A directory that is being filtered."""

    __slots__ = ("entries", "kept", "path", "possible")

    def __init__(self, path: bytes, entries: tuple[TreeEntry, ...]) -> None:
        self.path = path
        self.entries = entries
        self.kept: list[TreeEntry] = []
        # Files to keep, and subtrees to filter first: what is left to do of the entries.
        self.possible: Iterator[TreeEntry] = iter(())


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
    keep = _Keep(patterns, always, links)
    new: dict[ObjectId, bytes] = {}
    count = 0
    path, oid = b"", tree
    stack: list[_Frame] = []
    while True:
        frame = _open(source, oid, path, keep)
        stack.append(frame)
        count += len(frame.entries)
        if count > max_entries:
            raise Refusal("LFCI411", f"more than {max_entries} tree entries to read")
        while (descend := _up_to_subtree(stack[-1])) is None:
            frame = stack.pop()
            if not stack:
                filtered = _written(frame, tree, new, source.hash_name)
                return FilteredTree(filtered, tuple(("tree", data) for data in new.values()))
            was = stack[-1].kept.pop()
            if frame.kept:
                stack[-1].kept.append(was._replace(oid=_written(frame, was.oid, new, source.hash_name)))
        path = stack[-1].path + b"/" + descend.name if stack[-1].path else descend.name
        oid = descend.oid
        if len(path) > MAX_PATH_BYTES:
            raise Refusal("LFCI401", f"{shown(path)}: a path longer than {MAX_PATH_BYTES} bytes")


def _open(source: ObjectSource, oid: ObjectId, path: bytes, keep: _Keep) -> _Frame:
    """Read a directory, and have those of its subtrees at hand that will be read."""
    frame = _Frame(path, read_tree(source, oid))
    prefix = path + b"/" if path else b""
    possible = [
        entry
        for entry in frame.entries
        if (
            keep.below(prefix + entry.name)
            if is_directory(entry.mode)
            else keep.file(prefix + entry.name, entry.mode)
        )
    ]
    prefetch(source, (entry.oid for entry in possible if is_directory(entry.mode)))
    frame.possible = iter(possible)
    return frame


def _up_to_subtree(frame: _Frame) -> TreeEntry | None:
    """Keep up to the next subtree, that one included for now; None when none is left."""
    for entry in frame.possible:
        frame.kept.append(entry)
        if is_directory(entry.mode):
            return entry
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
