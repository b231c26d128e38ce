"""One attestation as one line: a Sigstore bundle v0.3 that holds a DSSE envelope.

The line is exactly (docs/formats.md, "Attestation")::

    {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",
     "verificationMaterial":{"publicKey":{"hint":"SHA256:..."}},
     "dsseEnvelope":{"payload":"...","payloadType":"...","signatures":[{"sig":"..."}]}}

without the line breaks. Signatures carry no ``keyid``: cosign refuses a key's fingerprint there. A
foreign bundle may have one; it is read and forgotten, like every statement about a key that is not
the policy's own. The hint is kept, for messages only.
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest.dsse import PAYLOAD_TYPE, Envelope
from lfci_gate.attest.encoding import b64decode, b64encode
from lfci_gate.attest.shape import Mismatch, Shape, fitting, list_of, one_of, read, record, text
from lfci_gate.canonical import is_plain
from lfci_gate.errors import Refusal
from lfci_gate.model import PublicKey
from lfci_gate.value import Value

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_SIGNATURES",
    "MEDIA_TYPE",
    "Bundle",
    "format_bundle",
    "make_bundle",
    "parse_bundle",
    "parse_note",
]

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_BUNDLE_BYTES = 256 * 1024
MAX_SIGNATURES = 16
"""Each signature is tried against each key of a policy: this bounds what one line can cost."""
MAX_NOTE_BYTES = 64 * 1024 * 1024

_CODE = "LFCI110"
_MAX_SIGNATURE = 1024  # bytes; ours are at most 72, foreign ones (RSA) longer and of no use here


def _base64(low: int, high: int) -> Shape:
    """Strict base64 of ``low`` to ``high`` bytes; gives the bytes."""

    def shape(value: Any) -> bytes:
        try:
            data = b64decode(value) if type(value) is str else None
        except ValueError:
            data = None
        if data is None or not low <= len(data) <= high:
            raise Mismatch(f"must be strict base64 of {low} to {high} bytes")
        return data

    return shape


_SIGNATURE = record(
    {"sig": _base64(1, _MAX_SIGNATURE)},
    optional={"keyid": fitting(lambda _: True, "a string")},
    make=lambda found: found["sig"],
)
_BUNDLE = record(
    {
        "mediaType": one_of({MEDIA_TYPE: MEDIA_TYPE}),
        "verificationMaterial": record({"publicKey": record({"hint": text(256)})}),
        "dsseEnvelope": record(
            {
                "payload": _base64(0, MAX_BUNDLE_BYTES),
                "payloadType": one_of({PAYLOAD_TYPE: PAYLOAD_TYPE}),
                "signatures": list_of(_SIGNATURE, low=1, high=MAX_SIGNATURES),
            },
            make=lambda found: Envelope(found["payload"], found["signatures"], found["payloadType"]),
        ),
    },
    make=lambda found: Bundle(found["dsseEnvelope"], found["verificationMaterial"]["publicKey"]["hint"]),
)


class Bundle(Value):
    envelope: Envelope
    hint: str
    """``SHA256:...`` of the first signer's key. Unauthenticated: good for messages, never for a decision."""


def make_bundle(envelope: Envelope, key: PublicKey) -> Bundle:
    """The bundle of an envelope that ``key`` signed."""
    return Bundle(envelope, key.fingerprint)


def parse_bundle(line: bytes) -> Bundle:
    """Read one bundle line, strictly. Raises Refusal LFCI110.

    Refused: more than 256 KiB, keys that are unknown or twice there, base64 that is not the one
    spelling of its bytes, another payload type, no signature, an empty one, more than 16.
    """
    bundle: Bundle = read(line, _BUNDLE, code=_CODE, what="bundle", max_bytes=MAX_BUNDLE_BYTES)
    return bundle


def format_bundle(bundle: Bundle) -> bytes:
    """The line, without a newline. Raises Refusal LFCI110 for what :func:`parse_bundle` would refuse."""
    envelope = bundle.envelope
    if not is_plain(bundle.hint) or '"' in bundle.hint or "\\" in bundle.hint:
        raise Refusal(_CODE, "bundle: the hint is not plain text")
    # Written out by hand: the order of the keys is part of the format and is not the sorted one.
    signatures = ",".join(f'{{"sig":"{b64encode(signature)}"}}' for signature in envelope.signatures)
    line = (
        f'{{"mediaType":"{MEDIA_TYPE}",'
        f'"verificationMaterial":{{"publicKey":{{"hint":"{bundle.hint}"}}}},'
        f'"dsseEnvelope":{{"payload":"{b64encode(envelope.payload)}",'
        f'"payloadType":"{envelope.payload_type}","signatures":[{signatures}]}}}}'
    ).encode()
    parse_bundle(line)
    return line


def parse_note(data: bytes) -> tuple[bytes, ...]:
    """The bundle lines of a note (JSON Lines), unparsed. Raises Refusal LFCI110.

    Empty lines are skipped: git's own merge of notes may leave them. One bad line among good ones is
    for the caller to judge, so each is parsed on its own.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise Refusal(_CODE, f"note: larger than {MAX_NOTE_BYTES} bytes")
    return tuple(line for line in data.split(b"\n") if line)
