"""Rule 14 for dependencies: lockfiles that changed, and entries that are not known to be pinned. Pure.

What is in a lockfile the runs that count say; which lockfiles there are the tree says, by their names. So a
lockfile that no check sees, or that a run left out, is not taken for one without dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lfci_gate.gate.evidence import reason_of
from lfci_gate.git.tree import EXECUTABLE, FILE, TreeEntry, diff, shown, walk
from lfci_gate.lockfiles.names import is_lockfile
from lfci_gate.model import CheckRun, ObjectId, ObjectSource, Reason

_MOST: Final = 20
"""Lockfiles that are named; a monorepo may change hundreds at once."""
_PLAIN: Final = (FILE, EXECUTABLE)


def lockfile_changes(source: ObjectSource, old: ObjectId | None, new: ObjectId) -> tuple[str, ...]:
    """One line for each lockfile that differs from the base; nothing on a first landing. Raises what
    comparing trees raises, which rule 5 has done before."""
    if old is None:
        return ()
    found = []
    for path, was, entry in diff(source, old, new):
        if is_lockfile(path):
            how = "added" if was is None else "removed" if entry is None else "changed"
            found.append(f"lockfile {shown(path)} {how}")
    return _bounded(found, "lockfiles differ from the base")


def rule_14_dependencies(
    source: ObjectSource, tree: ObjectId, commit: ObjectId, runs: Iterable[CheckRun]
) -> list[Reason]:
    """LFCI214 unless a run that counts says of every lockfile of the tree that each of its entries has a
    content hash, and none says otherwise or cannot tell. Raises what walking a tree raises."""
    named: dict[bytes, str] = {}
    for run in runs:
        for fact in run.lockfiles:
            path = fact.path.encode("utf-8")
            if fact.unpinned:
                entries = "1 entry" if fact.unpinned == 1 else f"{fact.unpinned} entries"
                named[path] = f"{entries} without a content hash"
            elif fact.unpinned is None:
                named[path] = named.get(path) or "its format has no reader yet, so its entries are not known"
            else:
                named.setdefault(path, "")
    found = []
    for path, entry in walk(source, tree):
        if is_lockfile(path):
            why = _why(path, entry, named)
            found += [f"{shown(path)}: {why}"] if why else []
    if not found:
        return []
    facts = _bounded(found, "lockfiles are not known to be pinned")
    message = "the policy refuses dependencies that are not known to be pinned"
    return [reason_of("LFCI214", message, commit=commit, facts=facts)]


def _why(path: bytes, entry: TreeEntry, named: dict[bytes, str]) -> str:
    """Why a lockfile is not known to be pinned; empty when it is."""
    if entry.mode not in _PLAIN:
        return "it is no plain file, so its entries are not known"
    return named.get(path, "no run that counts names it, so its entries are not known")


def _bounded(lines: list[str], what: str) -> tuple[str, ...]:
    if len(lines) <= _MOST:
        return tuple(lines)
    return (*lines[:_MOST], f"and {len(lines) - _MOST} more {what}")
