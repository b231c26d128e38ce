"""Notes trees: reading them strictly, and writing them as `git notes` does. Pure.

A notes tree maps object names to blobs. A note of ``abcdef…`` is the file ``abcdef…`` or, fanned
out, ``ab/cdef…``, ``ab/cd/ef…`` and so on. git's own reader takes both spellings of one note and
joins their texts, and does not mind upper case; so a directory that is on the way to a note is
refused (LFCI410) when it holds anything but what git writes: lower-case names of full length that are
plain blobs, two-digit directories, and never both for the same two digits.

git's rule for the fan-out (notes.c): a directory is split by the next two digits when for each of
the sixteen next digits it holds at least two notes (a two-digit directory counts as many). Written
here so that only directories with changes are read and written; a fan-out that exists is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.names import HEX_DIGITS, is_oid
from lfci_gate.git.tree import FILE, TREE, TreeEntry, format_tree, read_tree
from lfci_gate.model import ObjectId, ObjectSource
from lfci_gate.value import Value

__all__ = ["MAX_NOTES", "list_notes", "read_note", "updated_notes_tree"]

MAX_NOTES: Final = 5_000_000

_HEX: Final = frozenset(b"0123456789abcdef")
_SIXTEEN: Final = "0123456789abcdef"


class _Directory(Value):
    """One directory of a notes tree, below the digits that lead to it."""

    notes: dict[str, ObjectId]
    """Remaining digits -> blob."""
    subtrees: dict[str, ObjectId]
    """Next two digits -> tree."""


def read_note(source: ObjectSource, notes_tree: ObjectId, target: ObjectId) -> ObjectId | None:
    """The blob that is the note of ``target``; None when it has none.

    Raises Refusal LFCI410 when a directory on the way has entries that git does not write, and
    what read_tree raises.
    """
    for depth in range(0, len(target), 2):
        directory = _read(source, notes_tree, target[:depth])
        if target[depth:] in directory.notes:
            return directory.notes[target[depth:]]
        subtree = directory.subtrees.get(target[depth : depth + 2])
        if subtree is None:
            return None
        notes_tree = subtree
    return None


def list_notes(
    source: ObjectSource, notes_tree: ObjectId, *, max_notes: int = MAX_NOTES
) -> Iterator[tuple[ObjectId, ObjectId]]:
    """Every note as (target, blob), in order of the target.

    Raises Refusal LFCI410 as read_note does, LFCI411 after ``max_notes`` notes and directories.
    """
    count = 0
    stack: list[tuple[str, bool, ObjectId]] = [("", True, notes_tree)]
    while stack:
        prefix, is_subtree, oid = stack.pop()
        if not is_subtree:
            yield ObjectId(prefix), oid
            continue
        directory = _read(source, oid, prefix)
        found = [(prefix + rest, False, blob) for rest, blob in directory.notes.items()]
        found += [(prefix + digits, True, tree) for digits, tree in directory.subtrees.items()]
        count += len(found)
        if count > max_notes:
            raise Refusal("LFCI411", f"more than {max_notes} notes")
        stack += sorted(found, reverse=True)


def updated_notes_tree(
    source: ObjectSource,
    notes_tree: ObjectId | None,
    changes: Mapping[ObjectId, bytes],
    writer_add: Callable[[str, bytes], ObjectId],
) -> ObjectId:
    """The notes tree in which the note of each target in ``changes`` has the given bytes.

    New blobs and trees go through ``writer_add(kind, data)``; other notes stay as they are. Raises
    Refusal LFCI410 as read_note does, ValueError for a target that is no object name.
    """
    for target in changes:
        if not is_oid(target, source.hash_name):
            raise ValueError(f"not the name of an object: {target!a}")
    if not changes and notes_tree is not None:
        return notes_tree
    blobs: dict[str, ObjectId] = {each: writer_add("blob", changes[each]) for each in sorted(changes)}
    return _update(source, notes_tree, "", blobs, writer_add)


def _update(
    source: ObjectSource,
    tree: ObjectId | None,
    prefix: str,
    blobs: dict[str, ObjectId],
    writer_add: Callable[[str, bytes], ObjectId],
) -> ObjectId:
    """The directory below ``prefix`` with ``blobs`` (remaining digits -> blob) put into it.

    Calls itself once for each level of fan-out, of which 31 are possible.
    """
    old = _Directory({}, {}) if tree is None else _read(source, tree, prefix)
    if not old.subtrees:
        notes = {**old.notes, **blobs}
        if len(prefix) + 2 >= HEX_DIGITS[source.hash_name] or not _is_split(notes):
            entries = [TreeEntry(FILE, rest.encode("ascii"), blob) for rest, blob in notes.items()]
            return writer_add("tree", format_tree(entries))
    # Split: what was or is new here goes one level down, the untouched subtrees stay as they are.
    below: dict[str, dict[str, ObjectId]] = {}
    for rest, blob in (*old.notes.items(), *blobs.items()):
        below.setdefault(rest[:2], {})[rest[2:]] = blob
    subtrees = dict(old.subtrees)
    for digits, notes in below.items():
        subtrees[digits] = _update(source, old.subtrees.get(digits), prefix + digits, notes, writer_add)
    return writer_add(
        "tree", format_tree(TreeEntry(TREE, digits.encode("ascii"), oid) for digits, oid in subtrees.items())
    )


def _is_split(notes: Mapping[str, ObjectId]) -> bool:
    """git's rule, for a directory without subtrees."""
    if len(notes) < 32:
        return False
    counts = dict.fromkeys(_SIXTEEN, 0)
    for rest in notes:
        counts[rest[0]] += 1
    return min(counts.values()) >= 2


def _read(source: ObjectSource, tree: ObjectId, prefix: str) -> _Directory:
    """One directory; refused unless every entry is one that git writes there."""
    digits_left = HEX_DIGITS[source.hash_name] - len(prefix)
    directory = _Directory({}, {})
    for mode, name, oid in read_tree(source, tree):
        if not _HEX.issuperset(name):
            raise _malformed(prefix, name)
        text = name.decode("ascii")
        if mode == FILE and len(name) == digits_left:
            directory.notes[text] = oid
        elif mode == TREE and len(name) == 2 < digits_left:
            directory.subtrees[text] = oid
        else:
            raise _malformed(prefix, name)
    if directory.subtrees:
        for rest in directory.notes:
            if rest[:2] in directory.subtrees:
                raise _malformed(prefix, rest.encode("ascii"))
    return directory


def _malformed(prefix: str, name: bytes) -> Refusal:
    where = prefix + repr(name)[2:-1][:80]
    return Refusal("LFCI410", f"malformed notes tree: git does not write an entry like {where}")
