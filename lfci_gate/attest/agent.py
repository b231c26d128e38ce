"""Signing by a key that an ssh-agent holds (draft-ietf-sshm-ssh-agent), over its Unix socket.

The agent signs exactly the bytes it is given, so a signature over the PAE is an ordinary DSSE
signature and verifies like any other. The answer is somebody else's: sizes are capped, time is
bounded, and :func:`lfci_gate.attest.dsse.sign` verifies the signature before anyone relies on it.
"""

from __future__ import annotations

import socket
import time

from lfci_gate.attest.keys import ED25519, blob_of, encode_ecdsa_signature
from lfci_gate.errors import UsageError
from lfci_gate.model import PublicKey
from lfci_gate.value import Value

__all__ = ["AgentSigner", "list_keys"]

_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14

_MAX_ANSWER = 256 * 1024  # bytes, as OpenSSH's own limit
_LIST_SECONDS = 5.0
_SIGN_SECONDS = 60.0  # an agent may ask its user for confirmation
_SIGNATURE_NAMES = {"ed25519": b"ssh-ed25519", "ecdsa-p256": b"ecdsa-sha2-nistp256"}


class AgentSigner(Value):
    """Signs with the private half of ``public``, which stays in the agent at ``socket_path``."""

    public: PublicKey
    socket_path: str

    def sign(self, message: bytes) -> bytes:
        """Ed25519: 64 bytes; ECDSA: DER. Raises UsageError LFCI511 when the agent does not sign."""
        blob = blob_of(self.public)
        if blob not in list_keys(self.socket_path):
            raise _unusable(
                "the ssh-agent does not hold the key", f"key {self.public.fingerprint}", hint="ssh-add FILE"
            )
        # Flags 0: they only choose among RSA's hashes.
        request = bytes([_SIGN_REQUEST]) + _string(blob) + _string(message) + bytes(4)
        answer = _ask(self.socket_path, request, _SIGN_SECONDS)
        if answer[:1] != bytes([_SIGN_RESPONSE]):
            raise _unusable("the ssh-agent refused to sign", f"key {self.public.fingerprint}")
        outer = _strings(answer[1:], 1)[0]
        name, signature = _strings(outer, 2)
        if name != _SIGNATURE_NAMES[self.public.kind]:
            raise _unusable("the ssh-agent answered with another kind of signature")
        if self.public.kind == ED25519:
            return signature
        r, s = (int.from_bytes(part, "big") for part in _strings(signature, 2))
        if r >> 256 or s >> 256:
            raise _unusable("the ssh-agent's answer is malformed")
        return encode_ecdsa_signature(r, s)


def list_keys(socket_path: str) -> tuple[bytes, ...]:
    """The key blobs that the agent holds, of any kind. Raises UsageError LFCI511."""
    answer = _ask(socket_path, bytes([_REQUEST_IDENTITIES]), _LIST_SECONDS)
    if len(answer) < 5 or answer[0] != _IDENTITIES_ANSWER:
        raise _unusable("the ssh-agent does not list its keys")
    count = int.from_bytes(answer[1:5], "big")
    if count > len(answer) // 8:  # each key is two strings of at least their lengths
        raise _unusable("the ssh-agent's answer is malformed")
    return _strings(answer[5:], 2 * count)[::2]


def _ask(socket_path: str, request: bytes, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(socket_path)
            connection.sendall(_string(request))
            size = int.from_bytes(_receive(connection, 4, deadline), "big")
            if not 0 < size <= _MAX_ANSWER:
                raise _unusable("the ssh-agent's answer is malformed")
            return _receive(connection, size, deadline)
    except (OSError, ValueError) as error:  # ValueError: a socket path with a NUL
        raise _unusable("the ssh-agent cannot be reached or stopped answering", str(error)) from None


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)  # one deadline for the whole answer, however it drips
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the connection ended early")
        data += chunk
    return data


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _strings(data: bytes, count: int) -> tuple[bytes, ...]:
    """Exactly ``count`` length-prefixed strings and nothing after them."""
    found = []
    position = 0
    for _ in range(count):
        end = position + 4 + int.from_bytes(data[position : position + 4], "big")
        if position + 4 > len(data) or end > len(data):
            raise _unusable("the ssh-agent's answer is malformed")
        found.append(data[position + 4 : end])
        position = end
    if position != len(data):
        raise _unusable("the ssh-agent's answer is malformed")
    return tuple(found)


def _unusable(message: str, *facts: str, hint: str = "") -> UsageError:
    return UsageError("LFCI511", message, facts=facts, hint=hint)
