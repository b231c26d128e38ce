"""Real servers on loopback for the forges below one folder: openssh and smart http.

(git daemon is in :mod:`tests.support.forge`.) Each yields the URL prefix and the environment that a
client needs.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
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
    work.mkdir(parents=True)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(work / name)], check=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd refuses to start as root without it
    environment = " ".join(f"{name}={value}" for name, value in _SERVER_ENV.items())
    shell = work / "shell"
    shell.write_text(
        f'#!/bin/sh\nexec env -i HOME={work} {environment} git-shell -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    shell.chmod(0o755)
    public = (work / "client.pub").read_text()
    (work / "authorized").write_text(f'restrict,command="{shell}" {public}')
    port = free_port()
    (work / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {work}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {work}/authorized\nStrictModes no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin forced-commands-only\nPermitUserRC no\n"
    )
    host = (work / "host.pub").read_text().split()[:2]
    (work / "known").write_text(f"[127.0.0.1]:{port} {' '.join(host)}\n")
    with open(work / "log", "wb") as log:
        server = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", str(work / "config")], stderr=log, start_new_session=True
        )
    try:
        wait_for(port, server)
        options = f"-F /dev/null -i {work}/client -o IdentitiesOnly=yes -o UserKnownHostsFile={work}/known"
        command = f"ssh {options} -o StrictHostKeyChecking=yes -o BatchMode=yes"
        yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}{base}", {"GIT_SSH_COMMAND": command}
    finally:
        server.terminate()
        server.wait(timeout=10)


@contextmanager
def http_server(base: Path) -> Iterator[Served]:
    """`git http-backend` behind a small threaded server; every request is by user "pusher"."""

    class Handler(_GitHandler):
        root = base

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", {}
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _GitHandler(BaseHTTPRequestHandler):
    root: Path
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
            "REMOTE_USER": "pusher",
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
