"""A runner as it is meant to run: a process of its own, under a user of its own, behind a real socket.

As root the runner gets another user's number and reaches the store through a daemon of the test; run by an
ordinary user, runner and askers are that user. Its key comes on standard input.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lfci_gate.attest.keys import format_public
from tests.engines.test_ordinary_user import daemon
from tests.support.evidence import REPOSITORY, TestSigner, ed25519_signer

CHECKOUT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
UID = 64999 if IS_ROOT else os.geteuid()
RUNNER = ed25519_signer("runner")
OTHER_REPOSITORY = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2cff"

MAIN = "import sys; from lfci_gate.cli import main; main()"

SHIM = """#!/bin/sh
# Counts the builds that are asked of Nix, then lets Nix do them.
case "$1 $*" in
  --realise*internal-json*) for last; do :; done; echo "$last" >> "{count}" ;;
esac
exec "{real}" "$@"
"""


def private_text(signer: TestSigner) -> bytes:
    return bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


class House:
    """A place where runners can be started; everything of it is gone afterwards."""

    def __init__(self, top: Path, environment: Mapping[str, str]) -> None:
        self.top = top
        self.state = top / "state"
        self.socket = str(top / "run" / "socket")
        self.config = top / "runner.toml"
        self.key = top / "key"
        self.builds_file = top / "builds"
        self.log = top / "log"
        self.child: subprocess.Popen[bytes] | None = None
        self.starts = 1
        shims = top / "shims"
        for folder, mode in ((shims, 0o755), (top / "run", 0o755), (self.state, 0o700)):
            folder.mkdir(mode=mode)
            os.chown(folder, UID, -1)
        self.builds_file.touch()
        self.builds_file.chmod(0o666)
        real = shutil.which("nix-store")
        assert real is not None, "Nix is not installed"
        shim = shims / "nix-store"
        shim.write_text(SHIM.format(count=self.builds_file, real=real))
        shim.chmod(0o755)
        self.environment = {
            "PATH": f"{shims}:{os.environ['PATH']}",
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        self._program = _program(top / "code")
        self.key.write_bytes(private_text(RUNNER))
        self.key.chmod(0o600)

    def configure(self, **changes: Any) -> None:
        """Writes runner.toml: this user may ask for everything; ``changes`` replace top-level values."""
        import tomli_w

        value: dict[str, Any] = {
            "version": 1,
            "name": "runner-1",
            "key": format_public(RUNNER.public),
            "state": str(self.state),
            "workers": 2,
            "socket": {"path": self.socket, "mode": "0666"},
            "repositories": {REPOSITORY: {}},
            "allow": [{"users": [os.geteuid()], "queued": 64, "connections": 64, "running": 2}],
        }
        self.config.write_text(tomli_w.dumps(value | changes))
        self.config.chmod(0o600)
        os.chown(self.config, UID, -1)

    def command(self, *words: str) -> list[str]:
        return [*self._program, *words]

    def run(
        self, *words: str, stdin: Any = subprocess.DEVNULL, user: int = UID
    ) -> subprocess.CompletedProcess[str]:
        """`lfci WORDS` to its end, as ``user``."""
        return subprocess.run(
            self.command(*words), env=self.environment, cwd="/", stdin=stdin, capture_output=True, text=True,
            check=False, timeout=60, **as_user(user),
        )  # fmt: skip

    def open_key(self) -> Any:
        """The key as the runner's standard input: a file that it cannot open, or a pipe."""
        if IS_ROOT:
            return open(self.key, "rb")
        reader, writer = os.pipe()
        os.write(writer, self.key.read_bytes())
        os.close(writer)
        return os.fdopen(reader, "rb")

    def start(self) -> None:
        """Starts the runner, and waits until it listens."""
        with self.open_key() as key, open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.command("runner", "serve", "--config", str(self.config)),
                env=self.environment, cwd="/", stdin=key, stdout=log, stderr=log, **as_user(UID),
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.child.poll() is None, self.log.read_text()
            if self.said().count("listens on") == self.starts:
                return
            time.sleep(0.01)
        raise AssertionError(f"the runner does not listen: {self.log.read_text()}")

    def said(self) -> str:
        """The operator's log."""
        return self.log.read_text()

    def kill(self) -> None:
        """kill -9, and nothing else."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        self.starts += 1

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.child is not None
        self.child.send_signal(signal.SIGTERM)
        status = self.child.wait(timeout=60)
        self.starts += 1
        return status

    def builds(self) -> list[str]:
        """Derivations that Nix was asked to build, each as often as it was."""
        return self.builds_file.read_text().split()

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(30)
        connection.connect(self.socket)
        if data:
            connection.sendall(data)
        return connection

    def answers(self, data: bytes, *, shut: bool = False) -> list[dict[str, Any]]:
        """All events that the runner answers to exactly these bytes."""
        with self.connect() as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it has answered already
                connection.sendall(data)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            return read_events(connection)

    def code(self, data: bytes) -> str:
        """The code of the error that these bytes get."""
        last = self.answers(data)[-1]
        assert last["event"] == "error", last
        return str(last["code"])

    def bring(
        self, repo: Any, commit: str, *checks: str, pack: bytes | None = None, **changes: Any
    ) -> list[Any]:
        """Asks about a commit of ``repo`` and sends its objects, all of them, or ``pack`` instead."""
        with self.connect(request(commit, *checks, **changes)) as connection:
            stream = connection.makefile("rb")
            first = json.loads(stream.readline())
            if first["event"] != "send":
                return [first, *map(json.loads, stream)]
            if pack is None:
                pack = repo.git("pack-objects", "--revs", "--stdout", "-q", input=f"{commit}\n".encode())
            connection.sendall(b'{"pack":%d}\n' % len(pack) + pack)
            return [json.loads(line) for line in stream]

    def evidence(self, repository: str = REPOSITORY) -> list[str]:
        """What the runner has signed and kept about a repository: names of its inbox refs."""
        command = ["git", "-c", "safe.directory=*", "for-each-ref", "--format=%(refname)", "refs/lfci/inbox"]
        place = self.state / "repositories" / repository
        return subprocess.check_output(command, cwd=place, text=True).split()

    def left(self) -> dict[str, Any]:
        """What there is in the state directory that must not outlive a request."""
        return {
            "incoming": sorted(os.listdir(self.state / "incoming")),
            "work": sorted(name for name in os.listdir(self.state / "work") if name != "gcroots"),
        }


def read_events(connection: socket.socket) -> list[dict[str, Any]]:
    """Events until the runner closes the connection."""
    data = b""
    with suppress(ConnectionResetError):  # it closed with something of ours unread
        while chunk := connection.recv(1 << 16):
            data += chunk
    return [json.loads(line) for line in data.splitlines()]


def request(commit: str, *checks: str, repository: str = REPOSITORY, **changes: Any) -> bytes:
    """A request's line; ``changes`` may make it any other."""
    value = {
        "schema": "lfci.runner/1", "ask": "check", "repository": repository, "commit": commit,
        "checks": list(checks or ("test",)), "fresh": False, **changes,
    }  # fmt: skip
    return json.dumps(value).encode() + b"\n"


def as_user(uid: int) -> dict[str, Any]:
    return {"user": uid, "group": uid, "extra_groups": []} if IS_ROOT else {}


def need_root() -> None:
    import pytest

    if not IS_ROOT:
        pytest.fail("several users are tried: run this test as root")


@contextmanager
def house() -> Iterator[House]:
    top = Path(tempfile.mkdtemp(prefix="lfci-runner-", dir="/tmp"))
    top.chmod(0o755)
    try:
        with daemon(top, "--option", "sandbox", "true") as environment:
            made = House(top, environment)
            try:
                yield made
            finally:
                if made.child is not None and made.child.poll() is None:
                    made.stop()
    finally:
        shutil.rmtree(top)


def _program(code: Path) -> list[str]:
    """How `lfci` is started by another user, who may not see into the home that this interpreter is in."""
    mine = [sys.executable, "-c", MAIN]
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([*mine, "--version"], cwd="/", capture_output=True, check=True, **as_user(UID))
        return mine
    interpreter = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    version = subprocess.check_output(
        [interpreter, "-c", "import sys; print(sys.version_info[:2])"], text=True
    )
    assert version.strip() == str(sys.version_info[:2]), f"{interpreter} is another Python than the tests'"
    import _cffi_backend
    import cryptography

    code.mkdir()
    shutil.copytree(CHECKOUT / "lfci_gate", code / "lfci_gate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "templates", code / "templates")
    shutil.copytree(Path(cryptography.__file__).parent, code / "cryptography")
    shutil.copy(_cffi_backend.__file__, code)
    return [interpreter, "-B", "-c", f"import sys; sys.path.insert(0, {str(code)!r}); {MAIN}"]
