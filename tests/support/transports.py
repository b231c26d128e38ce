"""Real servers on loopback for the forges below one folder: openssh and smart http.

(git daemon is in :mod:`tests.support.forge`.) Each yields the URL prefix and the environment that a
client needs.
"""

from __future__ import annotations

import base64
import getpass
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.forge import free_port, wait_for

Served = tuple[str, dict[str, str]]

_SERVER_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C.UTF-8",
}


@contextmanager
def ssh_server(base: Path, work: Path) -> Iterator[Served]:
    """sshd with a host key, a config and one authorized key of its own; the key may only run git."""
    with ssh_server_of(base, work, ("client",)) as (url, env_of):
        yield url, env_of["client"]


@contextmanager
def ssh_server_of(
    base: Path, work: Path, users: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """The same with one key for each user. As forges with one system account do, the forced command of a
    key names its user in a variable of the server's own, GL_USER. Yields each user's environment."""
    work.mkdir(parents=True)
    for name in ("host", *users):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(work / name)], check=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd refuses to start as root without it
    environment = " ".join(f"{name}={value}" for name, value in _SERVER_ENV.items())
    shell = work / "shell"
    shell.write_text(
        f'#!/bin/sh\nexec env -i HOME={work} {environment} GL_USER="$1" '
        'git-shell -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    shell.chmod(0o755)
    lines = [f'restrict,command="{shell} {user}" {(work / f"{user}.pub").read_text()}' for user in users]
    (work / "authorized").write_text("".join(lines))
    port = free_port()
    (work / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {work}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {work}/authorized\nStrictModes no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin forced-commands-only\nPermitUserRC no\n"
        "MaxStartups 1000\n"  # by default some of more than ten that log in at once are dropped
    )
    host = (work / "host.pub").read_text().split()[:2]
    (work / "known").write_text(f"[127.0.0.1]:{port} {' '.join(host)}\n")
    with open(work / "log", "wb") as log:
        server = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", str(work / "config")], stderr=log, start_new_session=True
        )

    def env_of(user: str) -> dict[str, str]:
        options = f"-F /dev/null -i {work}/{user} -o IdentitiesOnly=yes -o UserKnownHostsFile={work}/known"
        return {"GIT_SSH_COMMAND": f"ssh {options} -o StrictHostKeyChecking=yes -o BatchMode=yes"}

    try:
        wait_for(port, server)
        yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}{base}", {user: env_of(user) for user in users}
    finally:
        server.terminate()
        server.wait(timeout=10)


@contextmanager
def http_server(base: Path, passwords: Mapping[str, str] | None = None) -> Iterator[Served]:
    """`git http-backend` behind a small threaded server. Every request is by user "pusher"; with
    ``passwords`` by whoever authenticates with one of them (http://USER:PASSWORD@...)."""

    users = {
        "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(): user
        for user, password in (passwords or {}).items()
    }

    class Handler(_GitHandler):
        root = base
        tokens = users

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", {}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    """How many connections wait; five by default, and many pushers at once are reset."""


class _GitHandler(BaseHTTPRequestHandler):
    root: Path
    tokens: Mapping[str, str]
    """Authorization header -> user; empty: nobody has to authenticate."""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._backend(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self._backend(body)

    def _chunk(self) -> bytes:
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def _backend(self, body: bytes) -> None:
        user = self.tokens.get(self.headers.get("Authorization", "")) if self.tokens else "pusher"
        if user is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="forge"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        parts = urlsplit(self.path)
        env = {
            **_SERVER_ENV,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": user,
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=env, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n")]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what went wrong shows at the client."""


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits until ``condition()`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
