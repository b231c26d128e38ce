"""Rule 5 for one directory and one entry, by themselves. Pure over the object source.

Parts 2 to 6 of the list in :mod:`lfci_gate.git.check_tree`, which walks and adds up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.check_links import MAX_TARGET_BYTES, climb
from lfci_gate.git.check_names import ACTING, are_plain, collision, fold, name_problem, special_name
from lfci_gate.git.tree import (
    EXECUTABLE,
    FILE,
    GITLINK,
    SYMLINK,
    TREE,
    TreeEntry,
    read_blob,
    read_tree,
    shown,
)
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["EntryJudge", "check_root", "join", "unsafe"]

MAX_BLOBS: Final = 100_000
"""Distinct symlinks and special files that one check reads."""

_PLAIN_ONLY: Final = frozenset((b"flake.nix", b"flake.lock"))
_LFCI: Final = b".lfci"
_DECIDING: Final = _PLAIN_ONLY | {_LFCI}


def join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def unsafe(path: bytes, why: str) -> Refusal:
    return Refusal("LFCI401", f"{shown(path)}: {why}")


def check_root(source: ObjectSource, tree: ObjectId, max_entries: int) -> None:
    """Part 6: what decides about checks and environments is in plain files, spelled in one way.

    Raises Refusal LFCI401, LFCI411. Not passed over when landed: the gate reads these files.
    """
    for mode, name, oid in read_tree(source, tree):
        if name in _PLAIN_ONLY and mode != FILE:
            raise unsafe(name, f"must be a plain file (100644), and has mode {mode:o}")
        if name == _LFCI:
            if mode != TREE:
                raise unsafe(name, f"must be a directory, and has mode {mode:o}")
            _check_below_lfci(source, oid, max_entries)
        elif name not in _PLAIN_ONLY and fold(name) in _DECIDING:
            raise unsafe(name, "some systems take this name for one that decides about checks")


def _check_below_lfci(source: ObjectSource, tree: ObjectId, max_entries: int) -> None:
    found = {tree}
    stack = [(_LFCI, tree)]
    count = 0
    while stack:
        path, oid = stack.pop()
        entries = read_tree(source, oid)
        count += len(entries)
        if count > max_entries:
            raise Refusal("LFCI411", f"more than {max_entries} tree entries to read", facts=(shown(path),))
        for mode, name, child in entries:
            if mode == TREE and child not in found:
                found.add(child)
                stack.append((join(path, name), child))
            elif mode not in (TREE, FILE):
                raise unsafe(join(path, name), f"must be a plain file (100644), and has mode {mode:o}")


class EntryJudge:
    """Judges entries; remembers what each distinct symlink asks for."""

    def __init__(self, source: ObjectSource, *, gitlinks: bool) -> None:
        self._source = source
        self._gitlinks = gitlinks
        self._climbs: dict[ObjectId, int] = {}
        self._special: set[tuple[ObjectId, bytes]] = set()

    def names(
        self, path: bytes, new: Collection[bytes], every: Collection[bytes], landed: Iterable[bytes]
    ) -> None:
        """Parts 2 and 3 for the directory ``path``: ``new`` names beside ``every`` name of it.

        Names that already collide in the ``landed`` directory do not count. Raises Refusal LFCI401.
        """
        if not are_plain(new):
            self._refuse_names(path, new)
        pair = collision(every, landed)
        if pair is not None:
            raise unsafe(join(path, pair[1]), f"is the same file as {shown(pair[0])} on some systems")

    def _refuse_names(self, path: bytes, new: Iterable[bytes]) -> None:
        for name in new:
            problem = name_problem(name)
            if problem is not None:
                raise unsafe(join(path, name), problem)

    def entry(self, path: bytes, entry: TreeEntry) -> None:
        """Parts 4 and 5 for one entry at ``path``, but for how far a symlink climbs.

        Raises Refusal LFCI401, LFCI407, LFCI411, LFCI412.
        """
        mode, name, oid = entry
        if mode == GITLINK and not self._gitlinks:
            raise Refusal("LFCI407", f"{shown(path)}: a submodule, which this ref's rule does not allow")
        if mode not in (FILE, EXECUTABLE, TREE, SYMLINK, GITLINK):
            raise unsafe(path, f"mode {mode:o} is none that git writes")
        special = None if are_plain((name,)) else special_name(name)
        if special is None:
            return
        if mode == SYMLINK:
            raise unsafe(path, f"a symlink that some client takes for {special.decode()}")
        if special not in ACTING:
            return
        if mode not in (FILE, EXECUTABLE):
            raise unsafe(path, f"not a file, and some client takes it for {special.decode()}")
        # One blob may be in place under both names, and harmless under only one of them.
        if (oid, special) not in self._special:
            self._special.add((oid, special))
            self._refuse_many_blobs(path)
            problem = self._contents_problem(path, oid, special)
            if problem is not None:
                raise unsafe(path, problem)

    def _contents_problem(self, path: bytes, oid: ObjectId, special: bytes) -> str | None:
        # Here: most pushes change neither file, and need not pay for the patterns.
        from lfci_gate.git.check_special import MAX_SPECIAL_BYTES, attributes_problem, modules_problem

        data = read_blob(self._source, oid, path, MAX_SPECIAL_BYTES)
        return modules_problem(data) if special == b".gitmodules" else attributes_problem(data)

    def climb_of(self, path: bytes, oid: ObjectId) -> int:
        """How many levels the symlink ``oid``, seen at ``path``, climbs. Raises as ``entry`` does."""
        known = self._climbs.get(oid)
        if known is None:
            self._refuse_many_blobs(path)
            answer = climb(read_blob(self._source, oid, path, MAX_TARGET_BYTES))
            if isinstance(answer, str):
                raise unsafe(path, answer)
            known = self._climbs[oid] = answer
        return known

    def _refuse_many_blobs(self, path: bytes) -> None:
        if len(self._climbs) + len(self._special) > MAX_BLOBS:
            facts = (f"at: {shown(path)}",)
            raise Refusal("LFCI411", f"more than {MAX_BLOBS} symlinks and git files to read", facts=facts)
