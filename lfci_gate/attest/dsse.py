"""DSSE envelopes (https://github.com/secure-systems-lab/dsse, protocol v1.0.2): signing and verifying.

The signed bytes are the pre-authentication encoding (PAE) of type and payload. Whoever verifies
goes on with exactly those payload bytes and never decodes them a second time from somewhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lfci_gate.attest.keys import verify
from lfci_gate.errors import UsageError
from lfci_gate.model import PublicKey
from lfci_gate.value import Value

if TYPE_CHECKING:
    from lfci_gate.attest.signers import Signer

__all__ = ["PAYLOAD_TYPE", "Envelope", "attestation_id", "pae", "sign", "signed_by"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Envelope(Value):
    """A decoded envelope. Nothing in it is to be believed before :func:`signed_by`."""

    payload: bytes
    signatures: tuple[bytes, ...]
    payload_type: str = PAYLOAD_TYPE


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed. Lengths are of bytes, not of characters."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def attestation_id(envelope: Envelope) -> str:
    """Hex sha256 of the PAE: the same for every spelling and every set of signatures of one statement."""
    return hashlib.sha256(pae(envelope.payload_type, envelope.payload)).hexdigest()


def sign(payload: bytes, signer: Signer) -> Envelope:
    """An envelope with one signature, which was verified before it is handed out.

    Raises UsageError LFCI511 when the signer cannot sign or its signature is not by its own key
    (a broken token, an agent that answers something else).
    """
    message = pae(PAYLOAD_TYPE, payload)
    signature = signer.sign(message)
    if not verify(signer.public, signature, message):
        raise UsageError(
            "LFCI511",
            "the signer's answer is not a signature by its own key",
            facts=(f"key {signer.public.fingerprint}",),
        )
    return Envelope(payload, (signature,))


def signed_by(envelope: Envelope, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
    """Those of ``keys`` that signed this envelope, each once, in the order of ``keys``.

    Distinct means distinct kind and raw bytes: one key under two names, or two signatures by one
    key, count once. No key, or no signature, gives the empty tuple. Costs at most one verification
    for each pair of key and signature; ``keys`` are taken one by one, and no more of them than needed.
    """
    message = pae(envelope.payload_type, envelope.payload)
    found: dict[tuple[str, bytes], PublicKey] = {}
    unmatched = list(dict.fromkeys(envelope.signatures))
    for key in keys:
        if (key.kind, key.raw) in found:
            continue
        mine = [signature for signature in unmatched if verify(key, signature, message)]
        if mine:
            found[key.kind, key.raw] = key
            # A signature counts for one key: for an ECDSA signature anybody can compute a second key
            # that it verifies under.
            unmatched = [signature for signature in unmatched if signature not in mine]
            if not unmatched:
                break  # nobody else can have signed
    return tuple(found.values())
