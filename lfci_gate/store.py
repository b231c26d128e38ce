"""A store of bytes named by their sha256: logs, reports, result documents, artifacts.

One directory, ``sha256/ab/cdef…`` below it. Writers need no lock: a name says what its bytes are,
so two writers of one name write the same file, and the last rename wins. Nothing is ever changed
in place, and what was damaged on the disk is not handed out and is replaced by the next put.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from lfci_gate import files
from lfci_gate.errors import Refusal
from lfci_gate.model import Sha256

_CHUNK = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444


class ContentStore:
    """The store in ``directory``, which is made when something is first put there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, sha256: Sha256) -> Path:
        """Where the bytes of this name are, if they are there.

        Raises ValueError when ``sha256`` is not 64 lower-case hex digits.
        """
        if _NAME.fullmatch(sha256) is None:
            raise ValueError(f"not a sha256: {sha256!r}")
        return self.directory / "sha256" / sha256[:2] / sha256[2:]

    def put_bytes(self, data: bytes) -> Sha256:
        """Stores ``data`` and returns its name. Raises Undecided LFCI502 (no space) or LFCI520."""
        name = Sha256(hashlib.sha256(data).hexdigest())
        target = self.path(name)
        with files.os_errors("write to the content store", target):
            if not _holds(target, name):
                with files.temporary(target.parent, _READ_ONLY) as (fd, path):
                    files.write_all(fd, data)
                    files.publish(fd, path, target)
        return name

    def put_file(self, source: Path) -> Sha256:
        """Stores a copy of the plain file ``source`` and returns the name of what was copied.

        Raises Undecided LFCI520 when it cannot be read or is a link, a pipe, a device: the check
        that left it there is not trusted. Undecided LFCI502 without space.
        """
        with files.os_errors("copy a file into the content store", source):
            taken = files.open_plain(source)
            with open(taken, "rb", buffering=0) as file:
                return self._copy(file.fileno())

    def read(self, sha256: Sha256, *, max_bytes: int = 64 << 20) -> bytes | None:
        """The bytes of this name; None when they are not there, or are damaged on the disk.

        Raises Refusal LFCI412 when there are more than ``max_bytes``; Undecided LFCI520 when the
        file cannot be read; ValueError as :meth:`path`.
        """
        data = files.read_file(self.path(sha256), max_bytes)
        if data is None:
            return None
        if len(data) > max_bytes:
            raise Refusal("LFCI412", f"stored object {sha256} is larger than {max_bytes} bytes")
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def sweep(self, *, older_than: float) -> int:
        """Deletes what killed writers left half-written before ``older_than`` (POSIX time, seconds).

        Returns how many files; a living writer's is younger when the caller leaves an hour.
        """
        count = 0
        for left in self.directory.glob(f"sha256/*/{files.TEMPORARY}*"):
            with files.os_errors("clean the content store", left):
                if left.stat().st_mtime < older_than:
                    left.unlink(missing_ok=True)
                    count += 1
        return count

    def _copy(self, source: int) -> Sha256:
        # The name is known only at the end, so the copy is made in a folder beside them.
        hashed = hashlib.sha256()
        with files.temporary(self.directory / "sha256" / "new", _READ_ONLY) as (fd, path):
            while chunk := os.read(source, _CHUNK):
                hashed.update(chunk)
                files.write_all(fd, chunk)
            name = Sha256(hashed.hexdigest())
            target = self.path(name)
            if not _holds(target, name):
                target.parent.mkdir(parents=True, exist_ok=True)
                files.publish(fd, path, target)
        return name


def _holds(target: Path, name: Sha256) -> bool:
    """Whether ``target`` is there and undamaged."""
    hashed = hashlib.sha256()
    try:
        with open(target, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
    except FileNotFoundError:
        return False
    return hashed.hexdigest() == name
