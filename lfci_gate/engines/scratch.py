"""The temporary directory of a run, and its removal whatever a hostile check has left in it."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

from lfci_gate import files

__all__ = ["SANDBOX_USER", "interruptible", "remove_tree", "removed_meanwhile", "run_directory"]

SANDBOX_USER: Final = (65534, 65534)
"""Who root becomes before it starts a sandbox: uid and gid."""

_PREFIX: Final = "lfci-run-"
_LOCK: Final = "lock"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def run_directory(work: Path, *, plain: bool = False) -> Iterator[Path]:
    """A new directory of this user below ``work``, removed with all it holds on the way out.

    As root the sandbox runs as another user, who must be able to reach it: when a parent of ``work``
    is closed to others, the directory is made in /var/tmp or /tmp instead. Raises Undecided LFCI520
    or LFCI502.

    Arguments:
        plain: it holds a store of its own. Nix's lists of paths are separated by spaces and nothing
            quotes one, and a store is named by a URL: where ``work`` has other characters than those
            that stand for themselves there, the directory is made in /var/tmp or /tmp too.
    """
    with files.os_errors("make a directory for the run", work):
        places = [each for each in (work, Path("/var/tmp"), Path("/tmp")) if not plain or _is_plain(each)]
        if os.geteuid() == 0:
            places = [each for each in places if _open_to_all(each)]
        work = places[0]
        work.mkdir(parents=True, exist_ok=True)
        _remove_stale(work)
        place, lock = _made(work)
    try:
        yield place
    finally:
        # The lock is held to the end: whoever looks for what others left must not help to remove it.
        try:
            with _shielded(), files.os_errors("remove the directory of the run", place):
                remove_tree(place)
        finally:
            os.close(lock)


def _made(work: Path) -> tuple[Path, int]:
    """A new directory and its lock, held. Between the two somebody may take it for one that was left."""
    while True:
        place = work / f"{_PREFIX}{os.getpid()}-{os.urandom(6).hex()}"
        place.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
        try:
            lock = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return place, lock
        os.close(lock)


def _remove_stale(work: Path) -> None:
    """Removes what runs left that were killed too hard to do it: nobody holds their lock any more."""
    for place in work.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(place / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # being made, being removed, or another user's
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(place)
        except OSError:
            continue  # alive, or somebody else is just removing it
        finally:
            os.close(lock)


def _is_plain(place: Path) -> bool:
    return all(char.isascii() and (char.isalnum() or char in "/._+-") for char in str(place.absolute()))


def _open_to_all(place: Path) -> bool:
    return all(
        not folder.exists() or folder.stat().st_mode & stat.S_IXOTH
        for folder in (place, *place.absolute().parents)
    )


@contextmanager
def removed_meanwhile(top: Path) -> Iterator[None]:
    """Removes ``top`` while the body runs: file systems take milliseconds for each directory.

    What cannot be removed stays, for whoever removes the directory around it.
    """

    def remove() -> None:
        with suppress(OSError):
            remove_tree(top)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        yield
    finally:
        remover.join()


def remove_tree(top: Path) -> None:
    """Removes ``top`` and all below it: closed directories, and ones nested deeper than a path can say.

    Nobody else may write below it. Directories are moved up before they are emptied, so neither the
    depth nor the number of open files matters. Raises OSError.
    """
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    moved = 0
    try:
        while names := os.listdir(fd):
            for name in names:
                if not _is_directory(name, fd):
                    os.unlink(name, dir_fd=fd)
                    continue
                inner = _opened(name, fd)
                try:
                    for below in os.listdir(inner):
                        if _is_directory(below, inner):
                            os.chmod(below, 0o700, dir_fd=inner)
                            os.rename(below, f".moved-{top.name}-{moved}", src_dir_fd=inner, dst_dir_fd=fd)
                            moved += 1
                        else:
                            os.unlink(below, dir_fd=inner)
                finally:
                    os.close(inner)
                os.rmdir(name, dir_fd=fd)
    finally:
        os.close(fd)
    os.rmdir(top)


def _is_directory(name: str, fd: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)


def _opened(name: str, fd: int) -> int:
    os.chmod(name, 0o700, dir_fd=fd)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)


# -- interruption ------------------------------------------------------------------------


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP what Ctrl-C is: a KeyboardInterrupt, so that everything is cleaned up.

    Does nothing outside the main thread, where Python handles no signals.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored (nohup, a shell's background job) stays ignored.
    before = {
        number: signal.signal(number, interrupt)
        for number in _SIGNALS[1:]
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shielded() -> Iterator[None]:
    """Holds signals back: a second Ctrl-C must not stop the cleaning up after the first."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
