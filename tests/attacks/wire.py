"""git's push protocol by hand, over git daemon, ssh and smart http: for pushes that no git client makes.

gitprotocol-pack, "Pushing Data To a Server". Commands, capabilities and pack are the caller's, byte for byte.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from urllib.parse import urlsplit

from tests.support.forge import Pushed

FLUSH = b"0000"
CAPABILITIES = b"report-status side-band-64k agent=eve/1"
_TIMEOUT_S = 60


def line(data: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x%b" % (len(data) + 4, data)


def commands(
    updates: Iterable[tuple[str, str, str | bytes]], capabilities: bytes, *, before: bytes = b""
) -> bytes:
    """The command list of a push: (old, new, ref), hex names as they are. ``before`` are pkt-lines before
    the first command (``shallow ...``)."""
    out = before
    for number, (old, new, ref) in enumerate(updates):
        name = ref.encode() if isinstance(ref, str) else ref
        text = b"%b %b %b" % (old.encode(), new.encode(), name)
        out += line(text + b"\0 " + capabilities if number == 0 else text)
    return out + FLUSH


def push(url: str, body: bytes, env: dict[str, str]) -> Pushed:
    """Sends ``body`` (commands and pack) to the receive-pack behind ``url``. The status is 0 when the
    server reports "unpack ok" and "ok" for every ref."""
    scheme = urlsplit(url).scheme
    answer = {"git": _daemon, "ssh": _ssh, "http": _http}[scheme](url, body, env)
    report, output = _unbanded(answer)
    lines = [text for text in _lines(report) if text]
    good = (
        bool(lines)
        and lines[0].startswith(b"unpack ok")
        and all(text.startswith(b"ok ") for text in lines[1:])
    )
    text = output + b"".join(each.rstrip(b"\n") + b"\n" for each in lines)
    return Pushed(0 if good else 1, text.decode("utf-8", "replace"))


def _daemon(url: str, body: bytes, _env: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 9418), timeout=_TIMEOUT_S) as connection:
        connection.sendall(line(f"git-receive-pack {parts.path}\0host={parts.hostname}\0".encode()))
        stream = connection.makefile("rb")
        _advertised(stream.read)
        try:
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has said no already
        return _rest(stream.read)


def _ssh(url: str, body: bytes, env: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    command = [
        *shlex.split(env["GIT_SSH_COMMAND"]),
        *("-p", str(parts.port), f"{parts.username}@{parts.hostname}"),
        f"git-receive-pack '{parts.path}'",  # git-shell takes a quoted path only
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        _advertised(child.stdout.read)
        try:
            child.stdin.write(body)
            child.stdin.close()
        except OSError:
            pass  # the server has said no already
        return _rest(child.stdout.read)


def _http(url: str, body: bytes, _env: dict[str, str]) -> bytes:
    with urllib.request.urlopen(url + "/info/refs?service=git-receive-pack", timeout=_TIMEOUT_S) as answer:
        assert b"report-status" in answer.read(), "the server says nothing"
    request = urllib.request.Request(
        url + "/git-receive-pack",
        data=body,
        headers={
            "Content-Type": "application/x-git-receive-pack-request",
            "Accept": "application/x-git-receive-pack-result",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            return response.read()
    except (urllib.error.URLError, OSError):
        return b""


def _advertised(read: object) -> list[bytes]:
    """The pkt-lines of the server's advertisement, up to its flush. A server that is not there has refused
    nothing."""
    found: list[bytes] = []
    while True:
        packet = _packet(read)
        if packet is None:
            assert found, "the server says nothing"
            return found
        found.append(packet)


def _packet(read: object) -> bytes | None:
    head = read(4)  # type: ignore[operator]
    if len(head) < 4 or head == FLUSH:
        return None
    return read(int(head, 16) - 4)  # type: ignore[operator]


def _rest(read: object) -> bytes:
    try:
        return read()  # type: ignore[operator]
    except OSError:
        return b""


def _unbanded(data: bytes) -> tuple[bytes, bytes]:
    """(what is in band 1, what is in bands 2 and 3)."""
    report, output = b"", b""
    for packet in _packets(data):
        if packet[:1] == b"\x01":
            report += packet[1:]
        elif packet[:1] in (b"\x02", b"\x03"):
            output += packet[1:]
    if not report:  # a server without side-band, or one that died
        report = data if data[:4].isalnum() and b"unpack" in data[:20] else b""
    return report, output


def _lines(data: bytes) -> list[bytes]:
    return [packet.rstrip(b"\n") for packet in _packets(data)]


def _packets(data: bytes) -> list[bytes]:
    found = []
    while len(data) >= 4:
        try:
            size = int(data[:4], 16)
        except ValueError:
            break
        if size < 4:
            data = data[4:]
            continue
        found.append(data[4:size])
        data = data[size:]
    return found
