"""Writing any number of objects with one process: a pack made in memory, fed to git."""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

from lfci_gate.git.names import oid_of
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId

__all__ = ["PackWriter", "pack_of"]

_TYPES: Final = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
# gitformat-pack, "Object types"

_FLUSH_BYTES: Final = 32 << 20
# What is kept in memory before it is handed to git unasked.

_KEEP_PACK_FROM: Final = 100
# From this many objects on a pack stays a pack, as with git's own fetch.unpackLimit.

_FSYNC: Final = ("-c", "core.fsync=loose-object,pack,pack-metadata")
# Git does not fsync loose objects by default, and refs that we move must not outlive what they
# name when power fails. Never core.fsyncMethod=batch: with it git 2.39 ends with status 0 when an
# object could not be stored.
_NO_FSYNC: Final = ("-c", "core.fsync=none")


class PackWriter:
    """Collects objects and writes them into the repository's store.

    Objects exist for others only after :meth:`flush`. Writing what is there already changes
    nothing.
    """

    def __init__(self, git: Git, *, durable: bool = True) -> None:
        """Where to write, and how well.

        Arguments:
            git: the repository; may be bare, or a receive hook's quarantine.
            durable: whether the objects survive a power failure once flushed. False where they
                can be made again, and often are: the snapshot of a working copy.
        """
        self._git = git
        self._durable = durable
        self._hash_name = git.hash_name
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._known: set[ObjectId] = set()

    def add(self, kind: str, data: bytes) -> ObjectId:
        """Name of the object, which is written by the next flush, once. Raises as flush does."""
        oid = oid_of(kind, data, self._hash_name)
        if oid not in self._known:
            self._known.add(oid)
            packed = _entry(kind, data)
            self._pending.append(packed)
            self._pending_bytes += len(packed)
            if self._pending_bytes > _FLUSH_BYTES:
                self.flush()
        return oid

    def flush(self) -> None:
        """Write what was added. No process when there is nothing.

        Raises Undecided LFCI502 without space, LFCI513 when git refuses the pack; then none or
        some of the objects are there, which nothing refers to.
        """
        if not self._pending:
            return
        pack = _framed(self._pending, self._hash_name)
        count = len(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        if not self._durable:
            self._git.run(*_NO_FSYNC, "unpack-objects", "-q", input=pack)
        elif count < _KEEP_PACK_FROM:
            self._git.run(*_FSYNC, "unpack-objects", "-q", input=pack)
        else:
            # One fsync instead of hundreds.
            self._git.run(*_FSYNC, "index-pack", "--stdin", input=pack)


def pack_of(objects: list[tuple[str, bytes]], hash_name: str) -> bytes:
    """A version 2 pack of (kind, bytes) pairs, without deltas."""
    return _framed([_entry(kind, data) for kind, data in objects], hash_name)


def _entry(kind: str, data: bytes) -> bytes:
    size = len(data)
    # 4 bits of the size beside the type, then 7 a byte, lowest first; bit 7 says "goes on".
    head = bytearray()
    byte = _TYPES[kind] << 4 | size & 0x0F
    size >>= 4
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    # Level 1: git unpacks it at once, so the time to compress is all that counts.
    return bytes(head) + zlib.compress(data, 1)


def _framed(entries: list[bytes], hash_name: str) -> bytes:
    body = b"".join((b"PACK", (2).to_bytes(4, "big"), len(entries).to_bytes(4, "big"), *entries))
    return body + hashlib.new(hash_name, body, usedforsecurity=False).digest()
