"""Test files that moved unchanged, and what the ids of their tests are called since. Pure.

Only what the trees say counts: a file is the one that was elsewhere when its bytes are the same, its
old path is gone and its new path was not there before. Which file an id belongs to is told by how it
begins (`tests/test_a.py::t`, `tests.test_a.TestB::t`); where more than one file of the base could be
meant nothing is told, and the test counts as removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.names import oid_of
from lfci_gate.git.tree import EXECUTABLE, FILE, diff, walk
from lfci_gate.model import ObjectId, ObjectSource

MAX_ENTRIES: Final = 100_000
"""Tree entries that are looked at, changed ones and all of the base's: a second or two at the worst.
Beyond nothing has moved, and its tests count as removed."""

_HEAD_CHARS: Final = 512
_HEADS: Final = 64
_ROOTS: Final = 8
_PLAIN: Final = (FILE, EXECUTABLE)


def moved_files(source: ObjectSource, old: ObjectId, new: ObjectId) -> dict[bytes, bytes]:
    """Old path -> new path of each plain file that moved with its bytes as they were.

    Every path is in one pair at most: two files with the same bytes that become one are one move and
    one removal. Those with the same name are paired first, then in the order of their paths. An empty
    file is never recognised. Raises Refusal LFCI411 beyond MAX_ENTRIES, and what reading trees raises.
    """
    gone: dict[ObjectId, list[bytes]] = {}
    came: dict[ObjectId, list[bytes]] = {}
    for path, before, after in diff(source, old, new, max_entries=MAX_ENTRIES):
        if before is not None and after is None and before.mode in _PLAIN:
            gone.setdefault(before.oid, []).append(path)
        elif before is None and after is not None and after.mode in _PLAIN:
            came.setdefault(after.oid, []).append(path)
    gone.pop(oid_of("blob", b"", source.hash_name), None)
    moved: dict[bytes, bytes] = {}
    for oid in gone.keys() & came.keys():
        moved.update(_paired(sorted(gone[oid]), sorted(came[oid])))
    return moved


def _paired(old: list[bytes], new: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    waiting: dict[bytes, list[bytes]] = {}
    for path in new:
        waiting.setdefault(_name(path), []).append(path)
    rest = []
    for path in old:
        same = waiting.get(_name(path))
        if same:
            yield path, same.pop(0)
        else:
            rest.append(path)
    yield from zip(rest, sorted(path for paths in waiting.values() for path in paths), strict=False)


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def moved_ids(
    source: ObjectSource, old: ObjectId, new: ObjectId, ids: Collection[str]
) -> dict[str, frozenset[str]]:
    """For each of ``ids`` whose file moved from tree ``old`` to tree ``new``: what it may be called now.

    An id that may be called two things is one of a file in the root of a source directory, where a path
    and a module look the same. Ids of which nothing can be told are left out: all of them where the
    trees have more than MAX_ENTRIES entries, or what landed before the gate is malformed. Raises
    Undecided LFCI501.
    """
    try:
        moved = {_text(was): _text(now) for was, now in moved_files(source, old, new).items()}
        if not moved:
            return {}
        heads = {each: _heads(each) for each in ids}
        named = _files_named(source, old, frozenset(head for found in heads.values() for head in found))
    except Refusal:
        return {}
    found = {}
    for each, candidates in heads.items():
        head = next((head for head in candidates if head in named), None)
        if head is not None:
            renamed = _renamed(each[len(head) :], named[head], moved)
            if renamed:
                found[each] = renamed
    return found


_Named = tuple[str, int, int]
"""A file of the base; how many characters of source root its name leaves out; its form."""


def _files_named(source: ObjectSource, tree: ObjectId, heads: frozenset[str]) -> dict[str, list[_Named]]:
    """Files of the base that each of ``heads`` may mean."""
    named: dict[str, list[_Named]] = {}
    for raw, _ in walk(source, tree, max_entries=MAX_ENTRIES):
        path = _text(raw)
        forms = _forms(path)
        start = 0
        for folder in path.split("/")[:_ROOTS]:
            for form, whole in enumerate(forms):
                name = whole[start:]
                if name in heads:
                    named.setdefault(name, []).append((path, start, form))
            start += len(folder) + 1
    return named


def _forms(path: str) -> tuple[str, str, str]:
    """How an id may name a file: by its path, without the extension, as a module."""
    folder, slash, name = path.rpartition("/")
    stem = folder + slash + (name.rpartition(".")[0] or name)
    return path, stem, stem.replace("/", ".")


def _renamed(rest: str, files: list[_Named], moved: Mapping[str, str]) -> frozenset[str]:
    """The ids that all the files which may be meant lead to alike; empty when they do not."""
    ways: dict[str, set[str]] = {}
    for path, start, form in files:
        now = moved.get(path, "")
        ids = ways.setdefault(path, set())
        if now and now.startswith(path[:start]):
            ids.add(_forms(now[start:])[form] + rest)
    first, *others = ways.values()
    return frozenset(first) if all(other == first for other in others) else frozenset()


def _heads(test_id: str) -> tuple[str, ...]:
    """How an id begins, the longest beginning first: up to each character that ends a name."""
    place = test_id.partition("::")[0][: _HEAD_CHARS + 1]
    ends = [index for index, char in enumerate(place) if not (char.isalnum() or char in "_-/")]
    if len(ends) > _HEADS:
        return ()  # no path; and looking for one has a price
    if len(place) <= _HEAD_CHARS:
        ends.append(len(place))
    return tuple(place[:end] for end in reversed(ends))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
