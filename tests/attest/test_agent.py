"""Signing by keys that a real ssh-agent holds, and agents that are dead, empty or hostile."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from lfci_gate.attest import agent
from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import sign, signed_by
from lfci_gate.attest.keys import blob_of, format_public
from lfci_gate.attest.private import generate
from lfci_gate.attest.signers import load_signer
from lfci_gate.attest.statement import format_statement, parse_statement
from lfci_gate.errors import LfciError, UsageError
from tests.support.evidence import ALICE, BOB, CAROL, CHECK_RUN


@pytest.fixture
def agent_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ssh-agent, alive for one test. A Unix socket has 108 bytes for its path: so a short one."""
    monkeypatch.chdir(tmp_path)
    path = "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not listens(path):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield path
    finally:
        process.terminate()
        process.wait(10)


def listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def add(agent_socket: str, key, tmp_path: Path) -> None:
    file = tmp_path / "to-add"
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    )
    environ = {**os.environ, "SSH_AUTH_SOCK": agent_socket}
    subprocess.run(["ssh-add", "-q", file], check=True, env=environ)
    file.unlink()


def refused(call: Callable[[], object]) -> UsageError:
    with pytest.raises(LfciError) as caught:
        call()
    assert isinstance(caught.value, UsageError)
    assert caught.value.code == "LFCI511"
    return caught.value


def signer_of(public, socket_path: str):
    return load_signer(
        f"ssh-agent:{format_public(public)}", environ={"SSH_AUTH_SOCK": socket_path}, ask_passphrase=None
    )


# -- a real agent ------------------------------------------------------------------------------


@pytest.mark.parametrize("test_signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])
def test_an_envelope_signed_by_an_agent_verifies_like_any_other(
    agent_socket: str, tmp_path: Path, test_signer
) -> None:
    add(agent_socket, BOB.key, tmp_path)
    add(agent_socket, test_signer.key, tmp_path)
    signer = signer_of(test_signer.public, agent_socket)
    for _ in range(20):  # ECDSA numbers are of varying lengths
        envelope = sign(format_statement(CHECK_RUN), signer)
        line = format_bundle(make_bundle(envelope, signer.public))
        read = parse_bundle(line).envelope
        assert signed_by(read, [ALICE.public, BOB.public, CAROL.public]) == (test_signer.public,)
        assert parse_statement(read.payload) == CHECK_RUN
    if test_signer is ALICE:  # Ed25519 has one signature for one message
        assert envelope == sign(format_statement(CHECK_RUN), ALICE)


def test_a_key_that_we_generated_can_be_held_by_an_agent(agent_socket: str, tmp_path: Path) -> None:
    public = generate(tmp_path / "key", None)
    environ = {**os.environ, "SSH_AUTH_SOCK": agent_socket}
    subprocess.run(["ssh-add", "-q", tmp_path / "key"], check=True, env=environ)
    assert agent.list_keys(agent_socket) == (blob_of(public),)
    for setting in (f"ssh-agent:{tmp_path}/key.pub", "ssh-agent:~/key.pub"):
        signer = load_signer(
            setting, environ={"SSH_AUTH_SOCK": agent_socket, "HOME": str(tmp_path)}, ask_passphrase=None
        )
        assert signed_by(sign(b"{}", signer), [public]) == (public,)


def test_an_agent_without_the_key_is_told_apart_and_the_key_is_named(
    agent_socket: str, tmp_path: Path
) -> None:
    error = refused(lambda: signer_of(ALICE.public, agent_socket).sign(b"m"))
    assert "does not hold the key" in error.message
    assert ALICE.public.fingerprint in error.facts[0]
    add(agent_socket, BOB.key, tmp_path)
    assert "does not hold" in refused(lambda: signer_of(ALICE.public, agent_socket).sign(b"m")).message


def test_a_locked_agent_is_refused(agent_socket: str, tmp_path: Path) -> None:
    add(agent_socket, ALICE.key, tmp_path)
    signer = signer_of(ALICE.public, agent_socket)
    assert signer.sign(b"m")
    agent._ask(agent_socket, bytes([22]) + (4).to_bytes(4, "big") + b"lock", 5)  # SSH_AGENTC_LOCK
    refused(lambda: signer.sign(b"m"))


def test_a_dead_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(lambda: signer_of(ALICE.public, "missing").sign(b"m"))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("dead")
    refused(lambda: signer_of(ALICE.public, "dead").sign(b"m"))
    refused(lambda: signer_of(ALICE.public, "x" * 500).sign(b"m"))
    refused(lambda: signer_of(ALICE.public, "a\0b").sign(b"m"))


# -- hostile agents ----------------------------------------------------------------------------


class Liar:
    """A server on a real socket that answers each request with the next of its answers, raw."""

    def __init__(self, path: str, answers: list[bytes]) -> None:
        self.requests: list[bytes] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._socket.accept()
            with connection:
                self.requests.append(connection.recv(65536))
                try:
                    connection.sendall(answer)
                except OSError:
                    continue

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def liar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Liar]]:
    monkeypatch.chdir(tmp_path)
    made: list[Liar] = []

    def make(*answers: bytes) -> Liar:
        made.append(Liar("liar", list(answers)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def listing(*keys) -> bytes:
    body = b"".join(string(blob_of(key)) + string(b"comment") for key in keys)
    return string(b"\x0c" + len(keys).to_bytes(4, "big") + body)


def signature(name: bytes, data: bytes) -> bytes:
    return string(b"\x0e" + string(string(name) + string(data)))


GARBAGE = {
    "nothing": b"",
    "a cut length": b"\0\0",
    "a length of zero": bytes(4),
    "a huge length": b"\xff\xff\xff\xff" + b"x" * 100,
    "less than its length": b"\0\0\0\x20" + b"x",
    "failure": string(b"\x05"),
    "another kind of answer": string(b"\x06" + bytes(8)),
    "no count": string(b"\x0c"),
    "a count without keys": string(b"\x0c" + b"\xff\xff\xff\xff"),
    "a count beyond the keys": string(b"\x0c" + (2).to_bytes(4, "big") + string(b"a") + string(b"b")),
    "keys and something behind them": string(b"\x0c" + (1).to_bytes(4, "big") + string(b"a") * 2 + b"x"),
    "an inner length beyond the end": string(b"\x0c" + (1).to_bytes(4, "big") + b"\xff" * 12),
    "an http server": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


@pytest.mark.parametrize("what", sorted(GARBAGE))
def test_a_garbled_list_of_keys_is_refused(liar, what: str) -> None:
    liar(GARBAGE[what])
    refused(lambda: signer_of(ALICE.public, "liar").sign(b"m"))


GARBLED_SIGNATURES = {
    **GARBAGE,
    "nothing in it": string(b"\x0e"),
    "an empty signature": string(b"\x0e" + string(b"")),
    "another kind": signature(b"ssh-rsa", b"x" * 64),
    "something behind it": string(b"\x0e" + string(string(b"ssh-ed25519") + string(b"x" * 64)) + b"x"),
}


@pytest.mark.parametrize("what", sorted(GARBLED_SIGNATURES))
def test_a_garbled_signature_is_refused(liar, what: str) -> None:
    server = liar(listing(ALICE.public), GARBLED_SIGNATURES[what])
    refused(lambda: signer_of(ALICE.public, "liar").sign(b"m"))
    server.close()
    assert server.requests == [
        string(b"\x0b"),
        string(b"\x0d" + string(blob_of(ALICE.public)) + string(b"m") + bytes(4)),
    ]


@pytest.mark.parametrize(
    "numbers",
    [b"", string(b"\1"), string(b"\1") * 3, string(b"\1") + string(b"\xff" * 33), b"\xff" * 8],
)
def test_garbled_numbers_of_an_ecdsa_signature_are_refused(liar, numbers: bytes) -> None:
    liar(listing(CAROL.public), signature(b"ecdsa-sha2-nistp256", numbers))
    refused(lambda: sign(b"{}", signer_of(CAROL.public, "liar")))


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (ALICE.public, signature(b"ssh-ed25519", b"x" * 64)),
        (ALICE.public, signature(b"ssh-ed25519", b"")),
        (CAROL.public, signature(b"ecdsa-sha2-nistp256", string(b"") + string(b""))),
        (CAROL.public, signature(b"ecdsa-sha2-nistp256", string(b"\1") + string(b"\1"))),
    ],
)
def test_a_well_formed_signature_that_is_not_by_the_key_is_never_handed_out(liar, key, answer: bytes) -> None:
    liar(listing(key), answer)
    error = refused(lambda: sign(b"{}", signer_of(key, "liar")))
    assert "not a signature by its own key" in error.message


def test_an_agent_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(agent, "_LIST_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("silent")
        silent.listen()
        started = time.monotonic()
        refused(lambda: signer_of(ALICE.public, "silent").sign(b"m"))
        assert time.monotonic() - started < 5


def test_an_agent_that_drips_is_given_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(agent, "_LIST_SECONDS", 0.3)
    stop = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"\0\0\xff\xff")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.socket(socket.AF_UNIX) as server:
        server.bind("drip")
        server.listen()
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            started = time.monotonic()
            refused(lambda: signer_of(ALICE.public, "drip").sign(b"m"))
            assert time.monotonic() - started < 5
        finally:
            stop.set()
            thread.join()
