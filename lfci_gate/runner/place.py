"""What a runner finds and keeps on its machine: configuration, key, state directory, lock, socket.

The key comes on standard input, from a file that the runner's own user cannot open, or from an
ssh-agent. An evaluation of Nix runs as the runner's user and copies what a flake names by path into the
store, where everybody reads it, before it compares any hash: what that user can open is no secret
from whoever writes flakes (docs/decisions/0009-runner.md).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lfci_gate import files
from lfci_gate.attest.agent import AgentSigner
from lfci_gate.attest.private import signer_of
from lfci_gate.attest.signers import Signer
from lfci_gate.config.runner import MAX_BYTES, RunnerConfig, parse_runner
from lfci_gate.engines.scratch import remove_tree
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.runner.peers import group_number

__all__ = [
    "JOB_PREFIX",
    "Place",
    "close_to_others",
    "end_programs",
    "listen",
    "load_config",
    "load_key",
    "refuse_root",
]

_CODE: Final = "LFCI524"
JOB_PREFIX: Final = "job-"
"""How directories below ``work`` begin that are one job's, as long as it lasts."""
_MAX_KEY_BYTES: Final = 64 * 1024
_PR_SET_DUMPABLE: Final = 4
_BACKLOG: Final = 64
_AS_ROOT: Final = (
    "as root: setpriv --reuid USER --regid GROUP --clear-groups lfci runner serve --config FILE < KEY"
)


def load_config(path: Path) -> RunnerConfig:
    """The configuration. Raises UsageError LFCI524 when it is malformed, another user's, or open."""
    try:
        fd = files.open_plain(path)
    except OSError as error:
        raise _wrong("the configuration cannot be opened", f"{path}: {error.strerror}") from None
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if found.st_uid not in (0, os.geteuid()):
            raise _wrong("the configuration belongs to another user", f"{path}: user {found.st_uid}")
        if found.st_mode & 0o027:
            raise _wrong(
                "the configuration is open to others",
                f"{path}: mode {stat.S_IMODE(found.st_mode):04o}, at most 0640",
                hint=f"chmod 640 {path}",
            )
        return parse_runner(file.read(MAX_BYTES + 1))


def load_key(config: RunnerConfig, fd: int = 0) -> Signer:
    """The signer of the configured key, from an ssh-agent or from ``fd``, which then leads nowhere.

    Raises UsageError LFCI511 when there is no such key, LFCI512 when this user or others could open its file.
    """
    if config.agent:
        return _tried(AgentSigner(config.key, config.agent), config)
    if os.isatty(fd):
        raise UsageError(
            "LFCI511",
            "the runner's private key comes on standard input, which is a terminal",
            hint=_AS_ROOT,
        )
    _refuse_open_key(fd)
    data = b""
    try:
        while len(data) <= _MAX_KEY_BYTES and (chunk := os.read(fd, _MAX_KEY_BYTES + 1)):
            data += chunk
    except OSError as error:
        raise UsageError("LFCI511", "standard input cannot be read", facts=(str(error.strerror),)) from None
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), fd)
    if not data:
        raise UsageError(
            "LFCI511", "standard input is empty, and the private key must come there", hint="lfci help runner"
        )
    return _tried(signer_of(data, "standard input"), config)


def _refuse_open_key(fd: int) -> None:
    """A key in a file must be one that this user cannot open again: what it evaluates could."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        return  # a pipe is empty when it was read
    if found.st_mode & 0o077:
        mode = f"mode {stat.S_IMODE(found.st_mode):04o}, expected 0600"
        raise UsageError("LFCI512", "the key file is open to others", facts=(mode,))
    try:
        again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    os.close(again)
    raise UsageError(
        "LFCI512",
        "the runner's own user can open the key file, so the flakes that it evaluates could too",
        hint="chown root KEY && chmod 600 KEY, and let root or systemd open it as standard input",
    )


def _tried(signer: Signer, config: RunnerConfig) -> Signer:
    """The signer when it is that of the configured key and signs; better known now than after a build."""
    from lfci_gate.attest.dsse import sign

    if signer.public != config.key:
        facts = (f"configured {config.key.fingerprint}", f"given {signer.public.fingerprint}")
        raise UsageError("LFCI511", "the private key is not that of the configured one", facts=facts)
    sign(b"lfci runner", signer)  # without a type of ours, and thrown away
    return signer


def refuse_root() -> None:
    """Raises UsageError LFCI524 as root."""
    if os.geteuid() == 0:
        raise UsageError(
            _CODE,
            "a runner is never root: what it evaluates could read every file of the machine",
            hint=_AS_ROOT,
        )


def close_to_others() -> None:
    """No core dump, no debugger and no look into this process's memory by its own user.

    After :func:`load_key`: from now on /proc/self tells this process nothing either.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):  # not Linux: then only what the system itself forbids
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class Place:
    """The state directory, locked: one runner at a time. A context manager."""

    def __init__(self, config: RunnerConfig) -> None:
        self.config = config
        self.top = Path(config.state)
        self.incoming = self.top / "incoming"
        """What is being received; nothing in it is believed, or survives a start."""
        self.work = self.top / "work"
        """Runs, and the environments' GC roots."""
        self._lock = -1

    def __enter__(self) -> Place:
        """Raises UsageError LFCI524 when the directory is another user's, open, in use; Undecided LFCI520."""
        with files.os_errors("make the runner's state directory", self.top):
            self.top.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = os.lstat(self.top)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
                raise _wrong(
                    "the state directory must be this user's and closed to others",
                    f"{self.top}: user {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}",
                    hint=f"chmod 700 {self.top}",
                )
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._lock = os.open(self.top / "lock", flags, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise _wrong("another runner works with this state directory", str(self.top)) from None
        try:
            self._clear()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def _clear(self) -> None:
        """Removes what a runner that was killed has left: its programs, runs, half received objects."""
        end_programs(self.top)
        with files.os_errors("clear what an earlier runner left", self.top):
            if self.incoming.exists():
                remove_tree(self.incoming)
            for folder in (self.incoming, self.work, self.work / "gcroots"):
                folder.mkdir(mode=0o700, exist_ok=True)
            for left in self.work.glob(f"{JOB_PREFIX}*"):
                remove_tree(left)
        self.forget_environments(older_than=None)

    def forget_environments(self, *, older_than: float | None) -> None:
        """Removes GC roots of environments that nobody used since ``older_than`` (POSIX time), and those
        that were never finished; None: only the latter. Not while a check runs."""
        with files.os_errors("remove old GC roots", self.work):
            for root in (self.work / "gcroots").iterdir():
                if not root.is_dir() or root.is_symlink():
                    continue
                closure = root / "closure"
                old = older_than is not None and closure.exists() and closure.stat().st_atime < older_than
                if old or not closure.exists():
                    remove_tree(root)


def end_programs(top: Path) -> None:
    """Asks git and Nix to end that were started with their home below ``top``, by any process of this user's.

    At a start these are orphans of a runner that was killed: the lock is held, so none is a living one's.
    """
    homes = tuple(f"{name}={top}/".encode() for name in ("HOME", "LFCI_RUNNER_STATE"))
    for process in filter(str.isdigit, os.listdir("/proc")):
        if int(process) == os.getpid():
            continue
        try:
            with open(f"/proc/{process}/environ", "rb") as file:
                if not any(each.startswith(homes) for each in file.read(1 << 20).split(b"\0")):
                    continue
            os.kill(int(process), signal.SIGTERM)
        except OSError:
            continue  # another user's, or gone


@contextmanager
def listen(config: RunnerConfig) -> Iterator[socket.socket]:
    """The listening socket, with the owner, group and mode that the configuration says; removed at the end.

    Raises UsageError LFCI524 when its directory is open to others, or something else has the name.
    """
    path = Path(config.socket)
    _refuse_open_directory(path.parent)
    _remove_own(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else connects before group and mode are right
    try:
        try:
            server.bind(str(path))
        finally:
            os.umask(before)
        made = os.lstat(path)
        if config.socket_group is not None:
            os.chown(path, -1, group_number(config.socket_group), follow_symlinks=False)
        os.chmod(path, config.socket_mode)
        server.listen(_BACKLOG)
        server.setblocking(False)
        yield server
    except OSError as error:
        raise _wrong("the socket cannot be made", f"{path}: {error.strerror}") from None
    finally:
        server.close()
        with suppress(OSError, UnboundLocalError):
            if os.lstat(path).st_ino == made.st_ino:
                os.unlink(path)


def _refuse_open_directory(folder: Path) -> None:
    try:
        found = os.stat(folder)
    except OSError as error:
        hint = f"install -d -m 755 -o USER {folder}"
        raise _wrong(
            "the socket's directory is not there", f"{folder}: {error.strerror}", hint=hint
        ) from None
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        raise _wrong(
            "others could put a socket of theirs in the place of the runner's",
            f"{folder}: user {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}",
            hint=f"chmod go-w {folder}",
        )


def _remove_own(path: Path) -> None:
    """Removes the socket that a killed runner of this user left. The state's lock says it is not in use."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise _wrong(
            "something that is not this runner's has the socket's name", f"{path}: user {found.st_uid}"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            os.unlink(path)
            return
    raise _wrong("another runner listens on the socket", str(path))


def _wrong(message: str, *facts: str, hint: str = "") -> LfciError:
    return UsageError(_CODE, message, facts=facts, hint=hint)
