"""The other side: asks a runner for one check, brings what it lacks, and asks again when it went away."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from lfci_gate.canonical import Fields, is_plain
from lfci_gate.engines.outcome import Progress
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from lfci_gate.runner.wire import (
    MAX_EVENT_BYTES,
    Answer,
    Request,
    error_of,
    format_request,
    parse_answer,
    parse_event,
)
from lfci_gate.value import Value

__all__ = ["Offer", "ask", "status", "wrapped"]

_CONNECT_S: Final = 5.0
_SILENCE_S: Final = 60.0
"""A runner that works says something at least every ten seconds."""
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""Between attempts, once a runner has answered: it may be starting again."""
_CHUNK: Final = 1 << 18
_WRAPPER: Final = Identity(b"lfci", b"lfci@localhost", 0, b"+0000")


class Offer(Value):
    """What a clone has: enough for a runner that has nothing."""

    git: Git
    objects: BatchReader


def wrapped(git: Git, tree: ObjectId) -> ObjectId:
    """A commit of ``tree`` without history, the same for everybody: what a runner that takes packs is given.

    Nothing refers to it; the attestation names the tree.
    """
    writer = PackWriter(git, durable=False)
    name = writer.add("commit", format_commit(Commit(tree, (), _WRAPPER, _WRAPPER, b"tree for a runner\n")))
    writer.flush()
    return name


def ask(
    path: str, request: Request, offer: Offer, progress: Progress, hear: Callable[[bytes], None]
) -> Answer:
    """The runner's answer about the one check of ``request``; nothing in it was verified yet.

    Arguments: ``path`` is the socket; ``hear`` gets the check's output. Asks again a few times when the
    runner goes away. Raises what the runner says; Undecided LFCI526 when none answers, Refusal LFCI527.
    """
    [check] = request.checks
    met = False
    for pause in (*_PAUSES_S, None):
        try:
            with _connected(path) as connection:
                met = True
                _send(connection, format_request(request))
                return _Talk(connection, check, offer, progress, hear).run(request.commit)
        except OSError as error:
            problem: LfciError = _away(path, str(error.strerror or error))
        except Undecided as error:
            if error.code != "LFCI526":
                raise
            problem = error
        if pause is None or not met:
            raise problem
        progress.phase("queue", "the runner went away; asking again")
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def status(path: str) -> Fields:
    """The values of the runner's ``status``. Raises as :func:`ask`."""
    try:
        with _connected(path) as connection, connection.makefile("rb") as stream:
            _send(connection, format_request(Request("status")))
            event, fields = parse_event(_line(stream, path))
    except OSError as error:
        raise _away(path, str(error.strerror or error)) from None
    if event == "error":
        raise error_of(fields)
    if event != "status":
        raise Refusal("LFCI527", "the runner answered something else")
    return fields


@contextmanager
def _connected(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_S)
        try:
            connection.connect(path)
        except ValueError as error:
            raise UsageError("LFCI514", f"not the path of a socket: {error}") from None
        connection.settimeout(_SILENCE_S)
        yield connection


class _Talk:
    """One conversation."""

    def __init__(
        self,
        connection: socket.socket,
        check: str,
        offer: Offer,
        progress: Progress,
        hear: Callable[[bytes], None],
    ) -> None:
        self._connection = connection
        self._check = check
        self._offer = offer
        self._progress = progress
        self._hear = hear

    def run(self, commit: ObjectId) -> Answer:
        sent = False
        with self._connection.makefile("rb") as stream:
            while True:
                event, fields = parse_event(_line(stream))
                if event == "result":
                    answer = parse_answer(fields)
                    if answer.check != self._check:
                        raise Refusal("LFCI529", "the runner answered about another check")
                    return answer
                if event == "error":
                    raise error_of(fields)
                if event == "send" and not sent:
                    sent = True
                    self._send(fields, commit)
                elif event != "alive":
                    self._tell(event, fields)

    def _tell(self, event: str, fields: Fields) -> None:
        if event == "output":
            data = fields.take("text", str).encode("utf-8", "replace")
            self._hear(data)
            self._progress.line(data)
        elif event == "beat":
            self._progress.heartbeat(float(fields.integer("seconds", 0)))
        elif event == "queued":
            ahead = fields.integer("ahead", 0)
            self._progress.phase("queue", f"{ahead} of yours before it" if ahead else "")
        elif event == "phase":
            detail = fields.take("detail", str)
            if not is_plain(detail):
                raise Refusal("LFCI527", "the runner said something that is no plain text")
            self._progress.phase(fields.text("name", max_chars=64), detail)
        else:
            raise Refusal("LFCI527", "the runner said something unknown")

    def _send(self, fields: Fields, commit: ObjectId) -> None:
        have = fields.texts("have", max_items=64, max_chars=64)
        most = fields.integer("bytes", 0)
        self._progress.phase("send")
        git = self._offer.git
        with tempfile.TemporaryDirectory(prefix="lfci-pack-") as place:
            here = [tree for tree in have if _has(self._offer.objects, ObjectId(tree))]
            named = "".join([f"{commit}\n", *(f"^{tree}\n" for tree in here)])
            git.run("pack-objects", "--revs", "-q", os.path.join(place, "pack"), input=named.encode())
            [pack] = Path(place).glob("*.pack")
            size = pack.stat().st_size
            if size > most:
                facts = (f"{size} bytes, and the runner takes {most}",)
                raise Refusal("LFCI530", "the tree is too large to be sent", facts=facts)
            _send(self._connection, b'{"pack":%d}\n' % size)
            with open(pack, "rb") as file:
                while (data := file.read(_CHUNK)) and _send(self._connection, data):
                    pass


def _has(objects: BatchReader, tree: ObjectId) -> bool:
    try:
        return objects.stat(tree)[0] == "tree"
    except LfciError:
        return False


def _send(connection: socket.socket, data: bytes) -> bool:
    """Whether the runner still listens. One that does not has said why: that is read next."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _line(stream: IO[bytes], path: str = "") -> bytes:
    line = stream.readline(MAX_EVENT_BYTES + 1)
    if not line.endswith(b"\n"):
        if len(line) > MAX_EVENT_BYTES:
            raise Refusal("LFCI527", "the runner's answer is too large")
        raise _away(path, "the connection ended early")
    return line


def _away(path: str, why: str) -> Undecided:
    where = (f"socket {path}: {why}",) if path else (why,)
    return Undecided("LFCI526", "no runner answers", facts=where, hint="run it here: lfci check --local")
