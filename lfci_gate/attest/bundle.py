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

from dataclasses import dataclass

from lfci_gate.attest.dsse import PAYLOAD_TYPE, Envelope
from lfci_gate.attest.encoding import b64decode, b64encode
from lfci_gate.canonical import Fields, is_plain, loads
from lfci_gate.errors import Refusal
from lfci_gate.model import PublicKey

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


@dataclass(frozen=True, slots=True)
class Bundle:
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
    value = loads(line, code=_CODE, what="bundle", max_bytes=MAX_BUNDLE_BYTES, max_depth=8)
    top = Fields(value, error=Refusal, code=_CODE, what="bundle")
    top.choice("mediaType", (MEDIA_TYPE,))
    material = top.child("verificationMaterial")
    key = material.child("publicKey")
    hint = key.text("hint", max_chars=256)
    key.finish()
    material.finish()
    envelope = _parse_envelope(top.child("dsseEnvelope"))
    top.finish()
    return Bundle(envelope, hint)


def _parse_envelope(fields: Fields) -> Envelope:
    payload = _decode(fields, "payload")
    fields.choice("payloadType", (PAYLOAD_TYPE,))
    signatures = []
    for entry in fields.children("signatures", max_items=MAX_SIGNATURES):
        signature = _decode(entry, "sig")
        entry.optional("keyid", str)
        entry.finish()
        if not 0 < len(signature) <= _MAX_SIGNATURE:
            raise entry.wrong("sig", f"must be from 1 to {_MAX_SIGNATURE} bytes")
        signatures.append(signature)
    if not signatures:
        raise fields.wrong("signatures", "is empty")
    fields.finish()
    return Envelope(payload, tuple(signatures))


def _decode(fields: Fields, key: str) -> bytes:
    try:
        return b64decode(fields.take(key, str))
    except ValueError:
        raise fields.wrong(key, "is not strict base64") from None


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
