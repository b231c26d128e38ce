"""Rule 5: a pushed tree that every git client can check out safely, and nothing else. Pure.

What is refused (docs/threat-model.md, classes G and H):

1. LFCI401 what is no well-formed tree object (:mod:`lfci_gate.git.tree`);
2. LFCI401 names that some client takes for ``.git`` or for a way out (:mod:`~lfci_gate.git.check_names`);
3. LFCI401 names in one directory that are one file where case or Unicode form does not count;
4. LFCI401 modes other than 100644, 100755, 120000, 40000 and, when allowed, 160000; LFCI407 otherwise;
5. LFCI401 symlinks that leave the tree (:mod:`~lfci_gate.git.check_links`), and symlinks named like
   git's own files; ``.gitmodules`` and ``.gitattributes`` as :mod:`~lfci_gate.git.check_special` says;
6. LFCI401 ``flake.nix``, ``flake.lock`` and files in ``.lfci/`` that are not plain 100644, also under
   another spelling of these names at the root;
7. LFCI411 more entries, distinct trees or blobs to read than the limits; LFCI412 an oversized object.

What landed is not judged again: an entry that is equal at the same path of the landed tree is passed
over. All other facts about a subtree hold wherever it is seen, so each distinct subtree is read once,
its facts are remembered by its object name, and how often it is referenced is arithmetic: a tree
that would unfold to 2^60 files costs its 60 objects.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lfci_gate.errors import Refusal
from lfci_gate.git.check_entries import EntryJudge, check_root, join, unsafe
from lfci_gate.git.check_names import are_plain
from lfci_gate.git.tree import (
    FILE,
    MAX_ENTRIES,
    MAX_PATH_BYTES,
    SYMLINK,
    TREE,
    TreeEntry,
    prefetch,
    read_tree,
    shown,
)
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["check_tree"]

MAX_TREES: Final = 250_000
"""Distinct trees of one check, and pairs of a landed and a changed one; what is remembered of them takes
about 250 bytes each."""


class _Facts(NamedTuple):
    """What there is to know of a subtree, wherever it is."""

    entries: int
    """Unfolded, itself not included."""
    longest: int
    """Bytes of the longest path below it."""
    climb: int
    """How deep it must be at least for its symlinks to stay inside."""


def check_tree(
    source: ObjectSource,
    tree: ObjectId,
    *,
    landed: ObjectId | None = None,
    gitlinks: bool = False,
    max_entries: int = MAX_ENTRIES,
) -> None:
    """Raise Refusal LFCI401, LFCI407, LFCI411 or LFCI412, naming the path, unless ``tree`` is safe.

    ``landed`` is a root tree that is taken as it is; ``max_entries`` bounds the unfolded number of
    entries, subtrees included. Undecided LFCI501 when an object is missing.
    """
    check = _Check(source, EntryJudge(source, gitlinks=gitlinks), max_entries)
    if landed is None:
        check.whole(tree)
    else:
        check.changes(landed, tree)
    check_root(source, tree, max_entries)


class _Frame:
    """A tree whose subtrees are being judged."""

    __slots__ = ("children", "climb", "entries", "longest", "oid", "path", "waiting")

    def __init__(self, oid: ObjectId, path: bytes) -> None:
        self.oid = oid
        self.path = path
        self.entries = 0
        self.longest = 0
        self.climb = 0
        # By object name, for a million references to one subtree are one question.
        self.children: dict[ObjectId, tuple[int, bytes]] = {}
        self.waiting: list[ObjectId] = []


class _Check:
    def __init__(self, source: ObjectSource, judge: EntryJudge, max_entries: int) -> None:
        self._source = source
        self._judge = judge
        self._max_entries = max_entries
        self._facts: dict[ObjectId, _Facts] = {}
        self._found: set[ObjectId] = set()
        # A pair of trees that was fine at one depth is fine at any greater one.
        self._pairs: dict[tuple[ObjectId, ObjectId], int] = {}

    # -- the two ways in -----------------------------------------------------------------

    def whole(self, tree: ObjectId) -> None:
        """Judge everything below ``tree`` as a root."""
        self._judge_place(b"", tree)

    def changes(self, landed: ObjectId, tree: ObjectId) -> None:
        """Judge what ``tree`` has and ``landed`` has not, or has otherwise, at the same path."""
        count = 0
        stack = [(b"", landed, tree)]
        while stack:
            path, before, after = stack.pop()
            depth = _depth(path)
            if before == after or self._pairs.get((before, after), depth + 1) <= depth:
                continue
            self._pairs[before, after] = depth
            self._refuse_many_trees(path)
            prefetch(self._source, (before, after))
            was = {entry.name: entry for entry in read_tree(self._source, before)}
            entries = read_tree(self._source, after)
            new = [entry for entry in entries if was.get(entry.name) != entry]
            names = [entry.name for entry in entries]
            self._judge.names(path, [entry.name for entry in new if entry.name not in was], names, was)
            count += len(new)
            self._refuse_many(count, path)
            for entry in new:
                old = was.get(entry.name)
                if entry.mode == TREE and old is not None and old.mode == TREE:
                    here = join(path, entry.name)
                    self._refuse_long(len(here), path)
                    stack.append((here, old.oid, entry.oid))
                else:
                    count += self._judge_new(path, entry)
                    self._refuse_many(count, path)

    def _judge_new(self, path: bytes, entry: TreeEntry) -> int:
        """An entry of the directory ``path`` that did not land; the entries below it."""
        here = join(path, entry.name)
        self._refuse_long(len(here), path)
        self._judge.entry(here, entry)
        if entry.mode == TREE:
            return self._judge_place(here, entry.oid)
        if entry.mode == SYMLINK and self._judge.climb_of(here, entry.oid) > _depth(path):
            raise _leaves(here)
        return 0

    def _judge_place(self, path: bytes, tree: ObjectId) -> int:
        """A subtree with all below it, at this path; the entries below it."""
        facts = self._facts_of(tree, path)
        self._refuse_long(len(join(path, b"")) + facts.longest, path)
        if facts.climb > _depth(path):
            raise _leaves(self._climber(path, tree))
        return facts.entries

    # -- subtrees, each once ----------------------------------------------------------------

    def _facts_of(self, tree: ObjectId, path: bytes) -> _Facts:
        """Facts of ``tree``, first seen at ``path``; depth first, without recursion."""
        if tree not in self._facts:
            self._found.add(tree)
            stack = [self._open(tree, path)]
            while stack:
                frame = stack[-1]
                if not frame.waiting:
                    self._facts[frame.oid] = self._close(stack.pop())
                    continue
                child = frame.waiting.pop()
                if child not in self._facts:
                    stack.append(self._open(child, join(frame.path, frame.children[child][1])))
        return self._facts[tree]

    def _open(self, oid: ObjectId, path: bytes) -> _Frame:
        """Read and judge one tree by itself; list its subtrees."""
        self._refuse_long(len(path), path)
        entries = read_tree(self._source, oid)
        names = [entry.name for entry in entries]
        self._judge.names(path, names, names, ())
        frame = _Frame(oid, path)
        frame.entries = len(entries)
        frame.longest = max(map(len, names), default=0)
        self._refuse_many(frame.entries, path)
        plain = are_plain(names)
        for entry in entries:
            mode, name, child = entry
            if plain and mode == FILE:
                continue  # nothing of the list is about a plain file of a plain name
            here = join(path, name)
            self._judge.entry(here, entry)
            if mode == TREE:
                times, longest = frame.children.get(child, (0, b""))
                frame.children[child] = (times + 1, max(longest, name, key=len))
            elif mode == SYMLINK:
                frame.climb = max(frame.climb, self._judge.climb_of(here, child))
        frame.waiting = [child for child in frame.children if child not in self._facts]
        self._found.update(frame.waiting)
        self._refuse_many_trees(path)
        prefetch(self._source, reversed(frame.waiting))
        return frame

    def _close(self, frame: _Frame) -> _Facts:
        """Add up what its subtrees say."""
        entries, longest, needed = frame.entries, frame.longest, frame.climb
        for child, (times, name) in frame.children.items():
            facts = self._facts[child]
            entries += times * facts.entries
            longest = max(longest, len(name) + 1 + facts.longest)
            needed = max(needed, facts.climb - 1)
        self._refuse_many(entries, frame.path)
        return _Facts(entries, longest, needed)

    def _climber(self, path: bytes, tree: ObjectId) -> bytes:
        """Path of a symlink below ``tree`` at ``path`` that climbs out of the root."""
        while True:
            depth = _depth(path)
            for mode, name, oid in read_tree(self._source, tree):
                here = join(path, name)
                if mode == SYMLINK and self._judge.climb_of(here, oid) > depth:
                    return here
                if mode == TREE and self._facts[oid].climb > depth + 1:
                    path, tree = here, oid
                    break
            else:
                return path

    # -- limits ----------------------------------------------------------------------------------

    def _refuse_many(self, entries: int, path: bytes) -> None:
        if entries > self._max_entries:
            facts = (f"at: {shown(path)}",)
            raise Refusal("LFCI411", f"more than {self._max_entries} tree entries", facts=facts)

    def _refuse_many_trees(self, path: bytes) -> None:
        if len(self._found) + len(self._pairs) > MAX_TREES:
            raise Refusal("LFCI411", f"more than {MAX_TREES} trees to read", facts=(f"at: {shown(path)}",))

    def _refuse_long(self, length: int, path: bytes) -> None:
        if length > MAX_PATH_BYTES:
            raise unsafe(path, f"a path longer than {MAX_PATH_BYTES} bytes")


def _depth(path: bytes) -> int:
    return path.count(b"/") + 1 if path else 0


def _leaves(path: bytes) -> Refusal:
    return unsafe(path, "a symlink leaves the tree: it climbs above the root")
