"""The conversation with one long-lived ``git cat-file --batch-command``: lines in, lines and bytes out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from typing import IO, Final

from lfci_gate.errors import Undecided
from lfci_gate.git.process import Git

__all__ = ["CatFile"]

_END_S: Final = 2
_COMPLAINT_BYTES: Final = 64 << 10


class CatFile:
    """One child and its three streams. Every method raises Undecided LFCI501 when it is gone."""

    def __init__(self, git: Git) -> None:
        """Starts the child where ``git`` works; costs one process, about 2 ms."""
        # A file, not a pipe: nobody empties it while we wait for an answer. It is how an
        # unreadable object is told from a missing one: git says "missing" for both.
        self._errors: IO[bytes] = _scratch_file()
        self._complaints_from = 0
        self._asked = False
        try:
            # --buffer: git answers at our "flush", so any number of requests can be written before
            # the first answer is read, and neither side ever waits for the other in a full pipe.
            command = ("cat-file", "--batch-command", "--buffer")
            self._child = git.popen(*command, stderr=self._errors.fileno())
        except BaseException:
            self._errors.close()
            raise
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._in: IO[bytes] = self._child.stdin
        self._out: IO[bytes] = self._child.stdout

    def close(self) -> None:
        """End the child, also in the middle of an answer. Closing twice is allowed."""
        for pipe in (self._in, self._out):
            try:
                pipe.close()
            except OSError:
                # Requests that a dead child never took: there is nobody to tell.
                continue
        try:
            self._child.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._errors.close()

    def ask(self, requests: Iterable[str]) -> None:
        """Send requests (lines without their end), to be answered now, in order."""
        text = "".join(f"{request}\n" for request in requests) + "flush\n"
        try:
            if self._asked:
                self._complaints_from = os.fstat(self._errors.fileno()).st_size
            self._asked = True  # what comes before the first request is its complaint too
            self._in.write(os.fsencode(text))
            self._in.flush()
        except (OSError, ValueError) as error:
            raise self.broken("git stopped reading objects") from error

    def line(self) -> str:
        """The next line of an answer."""
        line = self._out.readline()
        if not line.endswith(b"\n"):
            raise self.broken("git stopped reading objects")
        return os.fsdecode(line[:-1])

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes of an answer and the line end that follows them."""
        data = self._out.read(size)
        if len(data) != size or self._out.read(1) != b"\n":
            raise self.broken("git stopped reading objects")
        return data

    def complaint(self) -> str:
        """What git has written to standard error since the last request; empty when nothing."""
        if self._errors.closed:
            return ""
        # pread: the child writes at the position that it shares with us.
        text = os.pread(self._errors.fileno(), _COMPLAINT_BYTES, self._complaints_from)
        lines = text.decode("ascii", "backslashreplace").splitlines()
        return next((line[:400] for line in lines if line.startswith(("fatal:", "error:"))), "")

    def broken(self, message: str, fact: str = "git said nothing") -> Undecided:
        """The error for an answer that cannot be understood; ends the child.

        Whose answer the next line would be is no longer known, so nothing more is asked.
        """
        self._child.kill()
        return Undecided("LFCI501", message, facts=(self.complaint() or fact,))


def _scratch_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("git-stderr"), "w+b", buffering=0)
    import tempfile  # costs 5 ms, and Linux has the above

    return tempfile.TemporaryFile()
