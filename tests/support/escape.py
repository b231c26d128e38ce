"""Baits outside the sandbox, and the command that goes after them from inside."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROBES = Path(__file__).with_name("probes.py")


@dataclass
class Bait:
    """What is there for the taking, outside."""

    abstract: str
    socket: Path
    tcp: int
    file: Path
    _heard: list[str] = field(default_factory=list)

    def heard(self) -> list[str]:
        """Which listeners somebody reached so far."""
        return list(self._heard)


@contextmanager
def bait(place: Path) -> Iterator[Bait]:
    """Listeners on an abstract socket, a socket in the file system and a TCP port, and a secret file."""
    name = f"lfci-bait-{os.getpid()}"
    path = place / "bait.sock"
    secret = place / "secret"
    secret.write_text("secret")
    secret.chmod(0o644)
    with ExitStack() as stack:
        servers = {
            "abstract": socket.socket(socket.AF_UNIX),
            "socket": socket.socket(socket.AF_UNIX),
            "tcp": socket.create_server(("127.0.0.1", 0)),
        }
        servers["abstract"].bind("\0" + name)
        servers["socket"].bind(str(path))
        made = Bait(name, path, servers["tcp"].getsockname()[1], secret)
        for kind, server in servers.items():
            server.listen()
            thread = threading.Thread(target=_listen, args=(kind, server, made._heard), daemon=True)
            thread.start()
            stack.callback(server.close)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
        yield made


def _listen(kind: str, server: socket.socket, heard: list[str]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        heard.append(kind)
        connection.close()


def probe_command(laid: Bait, scratch: str = "/tmp") -> tuple[str, ...]:
    """The command that tries everything in probes.py and prints what came of it.

    Arguments:
        scratch: a directory in which files may be made.
    """
    given = {
        "scratch": scratch,
        "abstract": laid.abstract,
        "socket": str(laid.socket),
        "tcp": laid.tcp,
        "file": str(laid.file),
        "pid": os.getpid(),
    }
    return ("python3", "-c", PROBES.read_text(), json.dumps(given))


def still_open(said: dict[str, str]) -> dict[str, str]:
    """The probes that were not refused."""
    return {name: word for name, word in said.items() if not word.startswith("refused: ")}
