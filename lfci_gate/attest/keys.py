"""Public keys: reading at enrolment, fingerprints, and the one place where signatures are verified.

Two kinds only: Ed25519 (RFC 8032) and ECDSA on NIST P-256 with SHA-256 (FIPS 186-5). RSA is
refused at any size: nothing here needs it, and each kind accepted is a kind that must be right.
The algorithm of a signature is fixed by the key and never read from a message.

Reading a key is plain integer arithmetic on public values, so the receive hook that only parses
a policy does not pay for importing ``cryptography``.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

from lfci_gate.attest import points
from lfci_gate.attest.encoding import b64decode, b64encode
from lfci_gate.canonical import is_plain
from lfci_gate.errors import UsageError
from lfci_gate.model import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "ECDSA_P256",
    "ED25519",
    "blob_of",
    "encode_ecdsa_signature",
    "format_public",
    "from_blob",
    "from_raw",
    "parse_public",
    "verify",
]

ED25519 = "ed25519"
ECDSA_P256 = "ecdsa-p256"

_MAX_TEXT = 4096  # characters; the longest line we accept needs 140 and a comment

_SSH_NAMES = {ED25519: b"ssh-ed25519", ECDSA_P256: b"ecdsa-sha2-nistp256"}

# SubjectPublicKeyInfo has exactly one DER form per kind once the point is uncompressed
# (RFC 8410 section 4, RFC 5480 section 2), so a prefix is the whole parser.
_SPKI_PREFIXES = {
    ED25519: bytes.fromhex("302a300506032b6570032100"),
    ECDSA_P256: bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
}
_RAW_LENGTHS = {ED25519: 32, ECDSA_P256: 65}


def _refuse(message: str) -> UsageError:
    return UsageError("LFCI202", f"public key: {message}")


# -- reading -----------------------------------------------------------------------------------


def parse_public(text: str) -> PublicKey:
    """Read a public key: one OpenSSH line (options are not allowed, a comment is) or one PEM block.

    Refused: every kind but Ed25519 and ECDSA P-256, points that are not on the curve, non-canonical
    encodings, Ed25519 points of small order. Raises UsageError LFCI202.
    """
    if len(text) > _MAX_TEXT:
        raise _refuse(f"longer than {_MAX_TEXT} characters")
    text = text.strip(" \r\n")
    if text.startswith("-----BEGIN"):
        return _parse_pem(text)
    fields = text.split(" ", 2)
    if len(fields) < 2 or not is_plain(text):
        raise _refuse("neither an OpenSSH line (`ssh-ed25519 AAAA...`) nor a PEM block")
    name = fields[0]
    if name.encode("ascii", "replace") not in _SSH_NAMES.values():
        raise _refuse(_unknown_kind(name))
    try:
        blob = b64decode(fields[1])
    except ValueError:
        raise _refuse("the OpenSSH line is not strict base64") from None
    key = from_blob(blob)
    if _SSH_NAMES[key.kind].decode("ascii") != name:
        raise _refuse("the OpenSSH line names one kind and holds another")
    return key


def _unknown_kind(name: str) -> str:
    if name.startswith("sk-"):
        return "hardware (sk-) keys sign another message form and are not accepted"
    if name in ("ssh-rsa", "ssh-dss"):
        return "RSA and DSA keys are not accepted; use Ed25519 or ECDSA P-256"
    return "unknown kind; only ssh-ed25519 and ecdsa-sha2-nistp256 are accepted"


def _parse_pem(text: str) -> PublicKey:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        raise _refuse("the PEM block is not exactly one PUBLIC KEY")
    try:
        der = b64decode("".join(lines[1:-1]))
    except ValueError:
        raise _refuse("the PEM block is not strict base64") from None
    for kind, prefix in _SPKI_PREFIXES.items():
        if der.startswith(prefix):
            return from_raw(kind, der[len(prefix) :])
    raise _refuse("the PEM block is not an Ed25519 or an uncompressed ECDSA P-256 key")


def from_blob(blob: bytes) -> PublicKey:
    """The key in an OpenSSH key blob (RFC 4253 section 6.6, RFC 8709, RFC 5656). UsageError LFCI202."""
    parts: list[bytes] = []
    rest = blob
    while rest:
        size = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + size or len(parts) == 3:
            raise _refuse("the OpenSSH blob is malformed")
        parts.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    if len(parts) == 2 and parts[0] == b"ssh-ed25519":
        return from_raw(ED25519, parts[1])
    if len(parts) == 3 and parts[:2] == [b"ecdsa-sha2-nistp256", b"nistp256"]:
        return from_raw(ECDSA_P256, parts[2])
    raise _refuse("the OpenSSH blob is malformed or of a kind that is not accepted")


def from_raw(kind: str, raw: bytes) -> PublicKey:
    """Check the point and name the key. ``raw`` as in :class:`PublicKey`. Raises UsageError LFCI202."""
    if kind not in _RAW_LENGTHS:
        raise _refuse("unknown kind")
    if len(raw) != _RAW_LENGTHS[kind]:
        raise _refuse(f"{len(raw)} bytes instead of {_RAW_LENGTHS[kind]}")
    problem = points.ed25519_problem(raw) if kind == ED25519 else points.p256_problem(raw)
    if problem is not None:
        raise _refuse(problem)
    digest = hashlib.sha256(_blob(kind, raw)).digest()
    return PublicKey(kind, raw, "SHA256:" + b64encode(digest).rstrip("="))


# -- writing -----------------------------------------------------------------------------------


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _blob(kind: str, raw: bytes) -> bytes:
    curve = _string(b"nistp256") if kind == ECDSA_P256 else b""
    return _string(_SSH_NAMES[kind]) + curve + _string(raw)


def blob_of(key: PublicKey) -> bytes:
    """The OpenSSH key blob: what the fingerprint is over and what an ssh-agent names keys by."""
    return _blob(key.kind, key.raw)


def format_public(key: PublicKey, comment: str = "") -> str:
    """The OpenSSH line, without a newline."""
    line = f"{_SSH_NAMES[key.kind].decode('ascii')} {b64encode(blob_of(key))}"
    return f"{line} {comment}" if comment else line


# -- verifying ---------------------------------------------------------------------------------


def verify(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` over ``message`` is by ``key``; any malformed signature is just not one.

    Ed25519: 64 bytes ``R || S`` with ``S`` below the group order (RFC 8032, section 5.1.7). OpenSSL
    refuses a larger ``S`` too; it is checked here so that it does not hang on the backend.

    ECDSA: strict DER of two integers in range. Both ``s`` and ``n - s`` verify, so anybody can turn
    one valid signature into a second one. That changes nothing here: the statement is the signed
    bytes, the attestation id is over the PAE, and thresholds count keys, not signatures.
    """
    if key.kind == ED25519:
        return _verify_ed25519(key.raw, signature, message)
    if key.kind == ECDSA_P256:
        return _verify_ecdsa(key.raw, signature, message)
    return False


def _verify_ed25519(raw: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= points.ED25519_ORDER:
        return False
    from cryptography.exceptions import InvalidSignature

    try:
        _ed25519_key(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _verify_ecdsa(raw: bytes, signature: bytes, message: bytes) -> bool:
    if not _is_strict_ecdsa(signature):
        return False
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        _ecdsa_key(raw).verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


# Loaded keys are kept because a policy's few keys meet many signatures.
@functools.lru_cache(maxsize=256)
def _ed25519_key(raw: bytes) -> Ed25519PublicKey:
    # This module only: `cryptography`'s serialization module alone costs more than the verification.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


@functools.lru_cache(maxsize=256)
def _ecdsa_key(raw: bytes) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)


def encode_ecdsa_signature(r: int, s: int) -> bytes:
    """DER ``SEQUENCE { r INTEGER, s INTEGER }`` for positive integers of at most 256 bits (RFC 3279)."""
    body = b""
    for number in (r, s):
        data = number.to_bytes(number.bit_length() // 8 + 1, "big")  # a leading zero keeps it positive
        body += b"\x02" + bytes([len(data)]) + data
    return b"\x30" + bytes([len(body)]) + body


def _is_strict_ecdsa(signature: bytes) -> bool:
    """Whether this is the one DER form of two integers in the range that P-256 signatures have."""
    if not 8 <= len(signature) <= 72 or signature[2] != 2:
        return False
    r_end = 4 + signature[3]
    r = int.from_bytes(signature[4:r_end], "big")
    s = int.from_bytes(signature[r_end + 2 :], "big")
    if not (0 < r < points.P256_ORDER and 0 < s < points.P256_ORDER):
        return False
    return encode_ecdsa_signature(r, s) == signature
