"""Values of the trailer ``Lfci-Attestation:``: a name of evidence elsewhere, or the evidence inline.

``sha256:<attestation id>`` or ``v1.<base64url without padding of zlib of the bundle line>``.
"""

from __future__ import annotations

import zlib
from typing import Literal

from lfci_gate.attest.bundle import MAX_BUNDLE_BYTES, Bundle, format_bundle
from lfci_gate.attest.encoding import urlsafe_b64decode, urlsafe_b64encode
from lfci_gate.errors import Refusal
from lfci_gate.grammar import is_hex

__all__ = ["MAX_TRAILER_CHARS", "format_inline", "format_reference", "parse_trailer"]

# zlib adds at most a few bytes to what it cannot compress; base64 adds a third.
MAX_TRAILER_CHARS = (MAX_BUNDLE_BYTES + 1024) * 4 // 3

_REFERENCE = "sha256:"
_INLINE = "v1."
_CODE = "LFCI409"


def format_reference(attestation_id: str) -> str:
    """The trailer's value that names an attestation."""
    return f"sha256:{attestation_id}"


def format_inline(bundle: Bundle) -> str:
    """The trailer's value that carries an attestation."""
    return _INLINE + urlsafe_b64encode(zlib.compress(format_bundle(bundle), 9))


def parse_trailer(value: str) -> tuple[Literal["sha256"], str] | tuple[Literal["inline"], bytes]:
    """``("sha256", id)``, or ``("inline", line)`` for :func:`lfci_gate.attest.bundle.parse_bundle`.

    Never inflates more than a bundle's 256 KiB, whatever the value claims to hold.
    Raises Refusal LFCI409.
    """
    if len(value) > MAX_TRAILER_CHARS:
        raise Refusal(_CODE, "the Lfci-Attestation trailer is too long")
    name = value.removeprefix(_REFERENCE)
    if name != value and is_hex(name, 64):
        return "sha256", name
    if not value.startswith(_INLINE):
        raise Refusal(_CODE, "the Lfci-Attestation trailer is neither sha256:<id> nor v1.<bundle>")
    try:
        packed = urlsafe_b64decode(value.removeprefix(_INLINE))
        inflater = zlib.decompressobj()
        line = inflater.decompress(packed, MAX_BUNDLE_BYTES)
        # One more byte to ask for: the end of the stream may come right after the last one of the line.
        excess = b"" if inflater.eof else inflater.decompress(inflater.unconsumed_tail, 1)
    except (ValueError, zlib.error):
        raise Refusal(_CODE, "the Lfci-Attestation trailer is not base64url of zlib") from None
    if excess or not inflater.eof or inflater.unused_data:
        raise Refusal(_CODE, "the Lfci-Attestation trailer holds more or less than one bundle")
    return "inline", line
