"""The log of a run: all of it hashed, as much as is allowed stored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType

from lfci_gate import files
from lfci_gate.model import Sha256

__all__ = ["Log"]


class Log:
    """Writes to ``path``; a context manager.

    Arguments:
        stored_bytes: how much is written; the rest is only hashed and counted.
    """

    def __init__(self, path: Path, stored_bytes: int) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        self._room = stored_bytes
        self._file = open(path, "xb", buffering=1 << 16)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Appends ``data``. Raises Undecided LFCI502 or LFCI520."""
        self._digest.update(data)
        self.size += len(data)
        kept = data[: self._room]
        self._room -= len(kept)
        with files.os_errors("write the log", self.path):
            self._file.write(kept)

    def close(self) -> None:
        with files.os_errors("write the log", self.path):
            self._file.close()

    @property
    def sha256(self) -> Sha256:
        """Of everything that was written, stored or not."""
        return Sha256(self._digest.hexdigest())

    @property
    def whole(self) -> bool:
        """Whether all of it is stored."""
        return self._room > 0 or self.size == 0
