"""Reading objects through one long-lived ``git cat-file --batch-command``.

Git's own reading: it sees the quarantine of a receive hook, alternates, packs, sha256
repositories. What it hands over is not believed: the bytes must hash to the asked name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final

from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.git.catfile import CatFile
from lfci_gate.git.names import empty_tree, is_oid, oid_of
from lfci_gate.git.process import Git
from lfci_gate.model import GitObject, ObjectId, ObjectSource

__all__ = ["LIMITS", "BatchReader", "read_many"]

LIMITS: Final = {"blob": 64 << 20, "tree": 16 << 20, "commit": 1 << 20, "tag": 1 << 20}
"""Kind -> largest size in bytes that is read when the caller names no limit."""

_WINDOW_BYTES: Final = 16 << 20
_WINDOW_OBJECTS: Final = 1024
# What one round trip may bring: bounds our memory, not what can be read.

_CACHE_BYTES: Final = 8 << 20
_CACHED_KINDS: Final = ("tree", "commit")
# Several walks over one push read the same trees; objects never change, so they are kept.

_Stat = tuple[str, int]


class BatchReader:
    """An :class:`~lfci_gate.model.ObjectSource` over a repository. A context manager; for one thread.

    Objects are named in full (40 or 64 hex digits); only :meth:`resolve` takes expressions.
    Every method raises Undecided LFCI501 when the child dies.
    """

    def __init__(self, git: Git) -> None:
        """Starts the child where ``git`` works; costs one process, about 2 ms."""
        self._hash_name = ""
        self._cache: dict[ObjectId, GitObject] = {}
        self._cached_bytes = 0
        self._child = CatFile(git)

    def __enter__(self) -> BatchReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, also in the middle of an answer. Closing twice is allowed."""
        self._child.close()

    # -- questions -----------------------------------------------------------------------

    @property
    def hash_name(self) -> str:
        """``sha1`` or ``sha256``."""
        if not self._hash_name:
            # The running child knows: git has the empty tree of its own hash built in. (A ref that
            # is called like it would answer with another name.) Saves a process.
            name = empty_tree("sha256")
            self._child.ask([f"info {name}"])
            self._hash_name = "sha256" if self._child.line() == f"{name} tree 0" else "sha1"
        return self._hash_name

    def stat(self, oid: ObjectId) -> _Stat:
        """Kind and size in bytes. Raises Undecided LFCI501 when missing or not readable."""
        return self._stats([oid])[0]

    def exists(self, oid: ObjectId) -> bool:
        """Whether the object is there. An object that is there and cannot be read is LFCI501."""
        self._child.ask([f"info {self._name(oid)}"])
        if self._stat_answer(oid) is not None:
            return True
        self._refuse_unreadable(oid)
        return False

    def read(self, oid: ObjectId, *, limit: int | None = None) -> GitObject:
        """The object, whose bytes hash to ``oid``.

        Arguments:
            limit: largest size in bytes; of :data:`LIMITS` by kind when None.

        Raises Undecided LFCI501 when missing, not readable or not the named object; Refusal
        LFCI412 when larger than the limit, before any of it is read.
        """
        found = self._cache.get(oid)
        if found is None:
            [stat] = self._stats([oid])
            _hold_limit(oid, stat, limit)
            [found] = self._contents([oid], [stat])
        else:
            _hold_limit(oid, (found.kind, len(found.data)), limit)
        return found

    def read_many(
        self, oids: Iterable[ObjectId], *, limit: int | None = None
    ) -> Iterator[tuple[ObjectId, GitObject]]:
        """Many objects in the order asked, in few round trips; as :meth:`read` otherwise.

        Other questions may be asked between two results. Memory is bounded by the window, not
        by the number of objects.
        """
        waiting = list(oids)
        for start in range(0, len(waiting), _WINDOW_OBJECTS):
            part = waiting[start : start + _WINDOW_OBJECTS]
            stats = self._stats(part)
            for oid, stat in zip(part, stats, strict=True):
                _hold_limit(oid, stat, limit)
            for low, high in _windows([size for _, size in stats]):
                yield from zip(part[low:high], self._contents(part[low:high], stats[low:high]), strict=True)

    def resolve(self, expression: str) -> ObjectId | None:
        """Full name of what a revision expression (``HEAD^{tree}``, ``main:path``) names.

        None when it names nothing, or an object that does not exist. Git guesses for short names,
        so exact questions about refs belong to :mod:`lfci_gate.git.refs`. Raises UsageError
        LFCI514 for an expression with a line break, or an ambiguous one.
        """
        if "\n" in expression or "\0" in expression:
            raise UsageError("LFCI514", f"not a revision: {ascii(expression)}")
        self._child.ask([f"info {expression}"])
        answer = self._child.line()
        name, _, rest = answer.partition(" ")
        if is_oid(name, self.hash_name) and rest.count(" ") == 1:
            return ObjectId(name)
        if answer == f"{expression} missing":
            self._refuse_unreadable(expression)
            return None
        raise UsageError("LFCI514", f"not one revision: {ascii(expression)}", facts=(ascii(answer),))

    # -- the protocol (git-cat-file, "BATCH OUTPUT") ---------------------------------------

    def _name(self, oid: ObjectId) -> ObjectId:
        if not is_oid(oid, self.hash_name):
            raise Undecided("LFCI501", f"not the name of an object here: {ascii(oid)[:80]}")
        return oid

    def _stats(self, oids: Sequence[ObjectId]) -> list[_Stat]:
        self._child.ask(f"info {self._name(oid)}" for oid in oids)
        # All answers are taken before a complaint is made, so that the next question gets its own.
        stats = [self._stat_answer(oid) for oid in oids]
        for oid, stat in zip(oids, stats, strict=True):
            if stat is None:
                self._refuse_unreadable(oid)
                raise Undecided("LFCI501", f"object {oid} is missing")
        return [stat for stat in stats if stat is not None]

    def _stat_answer(self, oid: ObjectId) -> _Stat | None:
        answer = self._child.line()
        words = answer.split(" ")
        if len(words) == 3 and words[0] == oid and words[1] in LIMITS and words[2].isdecimal():
            return words[1], int(words[2])
        if answer == f"{oid} missing":
            return None
        raise self._child.broken(f"unexpected answer for {oid}: {ascii(answer)[:200]}")

    def _contents(self, oids: Sequence[ObjectId], stats: Sequence[_Stat]) -> list[GitObject]:
        self._child.ask(f"contents {oid}" for oid in oids)
        found = [self._content_answer(oid, *stat) for oid, stat in zip(oids, stats, strict=True)]
        for oid, (kind, data) in zip(oids, found, strict=True):
            if oid_of(kind, data, self.hash_name) != oid:
                raise Undecided("LFCI501", f"what is stored as object {oid} is not that object")
        self._keep(oids, found)
        return found

    def _content_answer(self, oid: ObjectId, kind: str, size: int) -> GitObject:
        answer = self._child.line()
        if answer != f"{oid} {kind} {size}":
            raise self._child.broken(f"object {oid} cannot be read", ascii(answer)[:200])
        return GitObject(kind, self._child.take(size))

    def _keep(self, oids: Sequence[ObjectId], found: Sequence[GitObject]) -> None:
        for oid, item in zip(oids, found, strict=True):
            if item.kind in _CACHED_KINDS and len(item.data) <= _CACHE_BYTES // 8:
                if self._cached_bytes > _CACHE_BYTES:
                    self._cache.clear()
                    self._cached_bytes = 0
                self._cache[oid] = item
                self._cached_bytes += len(item.data)

    def _refuse_unreadable(self, name: str) -> None:
        """Git says "missing" also where it found something and could not read it."""
        complaint = self._child.complaint()
        if complaint:
            raise Undecided("LFCI501", f"object {ascii(name)[1:-1]} cannot be read", facts=(complaint,))


def read_many(
    source: ObjectSource, oids: Iterable[ObjectId], *, limit: int | None = None
) -> Iterator[tuple[ObjectId, GitObject]]:
    """Many objects from any source, in few round trips where the source can do that."""
    if isinstance(source, BatchReader):
        yield from source.read_many(oids, limit=limit)
    else:
        for oid in oids:
            yield oid, source.read(oid) if limit is None else source.read(oid, limit=limit)


def _hold_limit(oid: ObjectId, stat: _Stat, limit: int | None) -> None:
    kind, size = stat
    most = LIMITS[kind] if limit is None else limit
    if size > most:
        raise Refusal("LFCI412", f"{kind} {oid} is too large", facts=(f"{size} bytes, limit {most}",))


def _windows(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of objects that together fit the window; a larger one goes alone."""
    low, total = 0, 0
    for index, size in enumerate(sizes):
        if index > low and total + size > _WINDOW_BYTES:
            yield low, index
            low, total = index, 0
        total += size
    if low < len(sizes):
        yield low, len(sizes)
