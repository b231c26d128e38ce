"""Files that are whole or absent, whatever is killed when.

What is written here appears under its name in one step, after its bytes are on the disk. The
one boundary where an OSError of our own files becomes Undecided LFCI502 or LFCI520.

Paths are strings here or what :func:`os.fspath` takes: the receive hook does without :mod:`pathlib`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lfci_gate.errors import Undecided

AnyPath = str | os.PathLike[str]

TEMPORARY = ".lfci-tmp-"
"""How the names of half-written files begin; one that nobody writes any more may be deleted."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def os_errors(doing: str, path: AnyPath) -> Iterator[None]:
    """Turns an OSError into Undecided: LFCI502 when space is out, LFCI520 otherwise."""
    try:
        yield
    except OSError as error:
        code = "LFCI502" if error.errno in _NO_SPACE else "LFCI520"
        fact = f"{ascii(os.fspath(path))}: {error.strerror}"
        raise Undecided(code, f"cannot {doing}", facts=(fact,)) from error


@contextmanager
def temporary(directory: AnyPath, mode: int) -> Iterator[tuple[int, str]]:
    """A new file in ``directory`` (made where missing): its descriptor, open for writing, and path.

    On the way out it is closed, and deleted if it still has that path: the caller renames or
    links it to publish it.
    """
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"{TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        yield fd, path
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(path)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes all of ``data``: one write may take less than it was given."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def publish(fd: int, path: AnyPath, target: AnyPath) -> None:
    """Gives the temporary file ``path`` the name ``target``, replacing what had it, durably."""
    os.fsync(fd)
    os.replace(path, target)
    _sync_directory(_parent(target))


def write_file(target: AnyPath, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces ``target`` by ``data`` in one step; readers see the old bytes or the new.

    Raises Undecided LFCI502 (no space) or LFCI520.
    """
    with os_errors("write a file", target), temporary(_parent(target), mode) as (fd, path):
        write_all(fd, data)
        publish(fd, path, target)


def read_file(path: AnyPath, max_bytes: int) -> bytes | None:
    """The bytes of the plain file ``path``, None when nothing has that name.

    Reads at most ``max_bytes`` + 1 bytes, so that a strict reader can tell that there are too
    many. Raises Undecided LFCI520 when it cannot be read, is a link or no plain file.
    """
    with os_errors("read a file", path):
        try:
            fd = open_plain(path)
        except FileNotFoundError:
            return None
        with open(fd, "rb") as file:
            return file.read(max_bytes + 1)


def open_plain(path: AnyPath) -> int:
    """A descriptor for reading the plain file ``path``. Raises OSError for a link, a pipe, a device.

    The path may have been made by a hostile program: a link could lead anywhere, and opening a
    pipe would wait for ever.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a plain file")
    return fd


def remove(path: AnyPath) -> None:
    """Removes the file ``path``, durably; nothing when it is gone already. Raises Undecided LFCI520."""
    with os_errors("remove a file", path):
        with suppress(FileNotFoundError):
            os.unlink(path)
        _sync_directory(_parent(path))


@contextmanager
def locked(path: AnyPath, *, wait_s: float = 5.0) -> Iterator[None]:
    """Holds the lock file ``path``, which the kernel frees also when the holder is killed.

    Raises Undecided LFCI515 when another process still holds it after ``wait_s`` seconds.
    """
    with os_errors("open a lock file", path):
        os.makedirs(_parent(path), exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for(fd, path, time.monotonic() + wait_s)
        yield
    finally:
        os.close(fd)


def _wait_for(fd: int, path: AnyPath, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Undecided(
                    "LFCI515", "another process holds the lock", facts=(f"lock: {ascii(os.fspath(path))}",)
                ) from None
            time.sleep(0.01)


def _parent(path: AnyPath) -> str:
    return os.path.dirname(path) or os.curdir


def _sync_directory(directory: AnyPath) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
