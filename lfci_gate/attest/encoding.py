"""Base64 with exactly one text for each value.

Python's decoder skips foreign characters and ignores trailing bits, so several texts decode to
the same bytes. Here a text is accepted only when encoding the bytes again gives the same text:
padding, alphabet, white space and trailing bits are all held by that one comparison.
"""

from __future__ import annotations

import binascii

__all__ = ["b64decode", "b64encode", "urlsafe_b64decode", "urlsafe_b64encode"]

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def b64encode(data: bytes) -> str:
    """Standard alphabet, with padding (RFC 4648, section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def b64decode(text: str) -> bytes:
    """The bytes whose only standard base64 text is ``text``. Raises ValueError for any other."""
    raw = text.encode("ascii")  # UnicodeEncodeError is a ValueError
    data = binascii.a2b_base64(raw)  # binascii.Error is a ValueError
    if binascii.b2a_base64(data, newline=False) != raw:
        raise ValueError("not canonical base64")
    return data


def urlsafe_b64encode(data: bytes) -> str:
    """URL-safe alphabet, without padding (RFC 4648, section 5)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def urlsafe_b64decode(text: str) -> bytes:
    """The bytes whose only URL-safe text without padding is ``text``. Raises ValueError."""
    raw = text.encode("ascii")
    padded = raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4)
    data = binascii.a2b_base64(padded)
    if urlsafe_b64encode(data) != text:
        raise ValueError("not canonical URL-safe base64")
    return data
