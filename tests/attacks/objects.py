"""Git objects of any bytes, written past all of git's own checks."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

WHO = b"Eve <eve@example.com> 1767268800 +0000"
_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}

TreeItem = tuple[str | bytes, bytes, str]
"""(mode as it is written, name, object)."""


class ObjectWriter:
    """Writes loose objects into one repository's store, of any kind word and any bytes."""

    def __init__(self, git_dir: Path, hash_name: str) -> None:
        self.git_dir = git_dir
        self.hash_name = hash_name
        self.made: dict[str, tuple[str, bytes]] = {}
        """All that was added: name -> (kind, data)."""

    def add(self, kind: str, data: bytes) -> str:
        """Writes one object; its name."""
        whole = b"%b %d\0%b" % (kind.encode(), len(data), data)
        name = hashlib.new(self.hash_name, whole, usedforsecurity=False).hexdigest()
        path = self.git_dir / "objects" / name[:2] / name[2:]
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"part-{os.getpid()}")
            part.write_bytes(zlib.compress(whole, 1))
            part.rename(path)
        self.made[name] = (kind, data)
        return name

    def blob(self, data: bytes) -> str:
        return self.add("blob", data)

    def tree(self, items: Iterable[TreeItem]) -> str:
        """A tree with these entries in this order: nothing is sorted, corrected or refused."""
        data = b""
        for mode, name, oid in items:
            mode = mode.encode() if isinstance(mode, str) else mode
            data += b"%b %b\0%b" % (mode, name, bytes.fromhex(oid))
        return self.add("tree", data)

    def files(self, files: dict[str, bytes]) -> str:
        """An honest tree of plain files."""
        here: list[tuple[bytes, TreeItem]] = []
        below: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            head, slash, rest = path.partition("/")
            if slash:
                below.setdefault(head, {})[rest] = data
            else:
                here.append((head.encode(), ("100644", head.encode(), self.blob(data))))
        for name, inner in below.items():
            here.append((name.encode() + b"/", ("40000", name.encode(), self.files(inner))))
        return self.tree(item for _key, item in sorted(here, key=lambda each: each[0]))

    def commit(
        self,
        tree: str,
        *parents: str,
        message: bytes = b"change\n",
        author: bytes = WHO,
        committer: bytes = WHO,
        extra: bytes = b"",
    ) -> str:
        """A commit; ``extra`` are header lines after the committer, as they are."""
        head = b"tree %b\n" % tree.encode()
        head += b"".join(b"parent %b\n" % parent.encode() for parent in parents)
        head += b"author %b\ncommitter %b\n%b\n" % (author, committer, extra)
        return self.add("commit", head + message)

    def tag(self, target: str, kind: str = "commit", name: bytes = b"v1") -> str:
        head = b"object %b\ntype %b\ntag %b\ntagger %b\n\nv1\n"
        return self.add("tag", head % (target.encode(), kind.encode(), name, WHO))


def pack_entry(kind: str | int, data: bytes, *, size: int | None = None, between: bytes = b"") -> bytes:
    """One entry of a pack. ``kind`` may be any number (6: ofs-delta, 7: ref-delta); ``size`` lies about
    the size; ``between`` goes between header and data (what a delta is against)."""
    number = _TYPES[kind] if isinstance(kind, str) else kind
    left = len(data) if size is None else size
    head = bytearray()
    byte = number << 4 | left & 0x0F
    left >>= 4
    while left:
        head.append(byte | 0x80)
        byte, left = left & 0x7F, left >> 7
    head.append(byte)
    return bytes(head) + between + zlib.compress(data, 1)


def pack(entries: Iterable[bytes], hash_name: str, *, count: int | None = None) -> bytes:
    """A version 2 pack of entries made by :func:`pack_entry`; ``count`` lies about their number."""
    all_entries = list(entries)
    body = b"PACK" + (2).to_bytes(4, "big")
    body += (len(all_entries) if count is None else count).to_bytes(4, "big") + b"".join(all_entries)
    return body + hashlib.new(hash_name, body, usedforsecurity=False).digest()
