"""Canonical JSON, and strict JSON.

Everything that is hashed or signed is written by :func:`dumps`; everything of ours that is read
goes through :func:`loads` (or tomllib) and then :class:`Fields` (docs/formats.md, "All readers
are strict").
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from lfci_gate.errors import Refusal
from lfci_gate.fields import MAX_INT, Fields, format_time, is_plain, parse_time, shown
from lfci_gate.model import Sha256

__all__ = [
    "MAX_INT",
    "Fields",
    "decode",
    "digest",
    "dumps",
    "format_time",
    "is_plain",
    "loads",
    "parse_time",
    "shown",
]

MAX_DUMP_DEPTH = 64

# Possessive quantifiers: every character is looked at once, also in an unterminated string.
_BRACKETS = r'(?s)"(?:[^"\\]++|\\.)*+"?|([\[\]{}])'


# -- writing ---------------------------------------------------------------------------


def dumps(value: object) -> bytes:
    """Canonical JSON of ``value``: keys sorted by code point, no spaces, UTF-8, no escapes of
    non-ASCII text.

    Raises TypeError for floats, keys that are not strings and types JSON does not have;
    ValueError for integers of 2**53 and more, lone surrogates and nesting beyond 64.
    """
    _check(value, MAX_DUMP_DEPTH)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def digest(value: object) -> Sha256:
    """Hex sha256 of the canonical JSON of ``value``."""
    return Sha256(hashlib.sha256(dumps(value)).hexdigest())


def _check(value: object, depth: int) -> None:
    # Exact types: json.dumps would write an IntEnum as a number and a key 1 as "1".
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return
    if kind is int:
        if abs(value) > MAX_INT:  # type: ignore[arg-type]
            raise ValueError("canonical JSON has no integers of 2**53 and more")
        return
    if depth == 0:
        raise ValueError("nested too deeply for canonical JSON")
    if isinstance(value, (list, tuple)):
        for item in value:
            _check(item, depth - 1)
        return
    if not isinstance(value, dict):
        raise TypeError(f"canonical JSON has no {kind.__name__}")
    for key, item in value.items():
        if type(key) is not str:
            raise TypeError("canonical JSON has only strings as keys")
        _check(item, depth - 1)


# -- reading ---------------------------------------------------------------------------


def loads(
    data: bytes, *, code: str, what: str, max_bytes: int, max_depth: int = 32, floats: bool = False
) -> Any:
    """Strict JSON.

    Arguments: ``code`` and ``what`` ("attestation statement") name the refusal; ``max_bytes`` is
    checked before anything is decoded; ``max_depth`` counts nested arrays and objects;
    ``floats`` is for files that are not ours (a package.json), never for what is hashed or signed.
    Raises Refusal ``code`` for whatever is wrong: size, encoding, BOM, syntax, duplicate keys,
    floats, NaN, integers beyond 2**53, lone surrogates, depth, trailing data.
    """
    try:
        text = decode(data, max_bytes)
        _check_depth(text, max_depth)
        value = (_WITH_FLOATS if floats else _STRICT).decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal(code, f"{what}: a lone surrogate is not text") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal(code, f"{what}: not JSON ({where})") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(code, f"{what}: {error}") from None
    return value


def decode(data: bytes, max_bytes: int) -> str:
    """UTF-8 text of at most ``max_bytes``, without BOM. Raises ValueError."""
    if len(data) > max_bytes:
        raise ValueError(f"larger than {max_bytes} bytes")
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("starts with a byte order mark")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start})") from None


def _check_depth(text: str, max_depth: int) -> None:
    # Before the parser, which recurses. Few brackets cannot be nested deeply: the usual case.
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for bracket in re.findall(_BRACKETS, text):
        if bracket in ("[", "{"):
            depth += 1
            if depth > max_depth:
                raise ValueError(f"nested more than {max_depth} deep")
        elif bracket:
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"duplicate key {shown(key)}")
            seen.add(key)
    return found


def _small_int(digits: str) -> int:
    # Length first: int() of a million digits is slow, and refused by Python in its own way.
    if len(digits) > 17 or abs(int(digits)) > MAX_INT:
        raise ValueError("an integer of 2**53 or more")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise ValueError("floating point numbers are not allowed")


def _decoder(parse_float: Callable[[str], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_unique, parse_int=_small_int, parse_float=parse_float, parse_constant=_no_float
    )


# Made once: json.loads would make one for each document, which takes as long as reading a small one.
_STRICT = _decoder(_no_float)
_WITH_FLOATS = _decoder(float)
