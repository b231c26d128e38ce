"""Strict reading of evidence by a table: the shape of a document, written once, is its parser.

A shape is a function from a decoded JSON value to the value that the program goes on with. It raises
:class:`Mismatch` for everything else. The tables in this package read like docs/formats.md, and reading
by them costs a fraction of one signature check, which the target for verifying many attestations in
one process asks for (docs/performance.md).

Types are exact: ``True`` is not 1. Each value has one form: lists with an order must be in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from lfci_gate.canonical import MAX_INT, is_plain, loads, parse_time, shown
from lfci_gate.errors import Refusal
from lfci_gate.grammar import HEX, is_uuid

__all__ = [
    "MAX_ITEMS",
    "OID",
    "REF",
    "SESSION_ID",
    "SHA256",
    "SHA256_OBJECT",
    "UUID",
    "Mismatch",
    "Shape",
    "boolean",
    "fitting",
    "free_text",
    "integer",
    "list_of",
    "matching",
    "nullable",
    "one_of",
    "pair",
    "path",
    "read",
    "record",
    "text",
    "time",
]

Shape = Callable[[Any], Any]

MAX_ITEMS = 10_000
"""Entries of a list where nothing else is said; the size caps of the documents are reached first."""


class Mismatch(ValueError):
    """The value is not of the shape. ``path`` grows from the inside out while it is raised."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path: list[str] = []


def read(data: bytes, shape: Shape, *, code: str, what: str, max_bytes: int) -> Any:
    """Strict JSON of that shape. Raises Refusal ``code``, which names ``what`` and the place in it."""
    # Few brackets cannot be nested deeply: with this depth the scan for it is rarely needed.
    value = loads(data, code=code, what=what, max_bytes=max_bytes, max_depth=32)
    try:
        return shape(value)
    except Mismatch as error:
        where = ".".join(reversed(error.path))
        raise Refusal(code, ": ".join(part for part in (what, where, error.message) if part)) from None


# -- shapes of one value -----------------------------------------------------------------------


def fitting(fits: Callable[[str], object], expected: str) -> Shape:
    """A string for which ``fits`` says something true; ``expected`` says what that is."""

    def shape(value: Any) -> str:
        if type(value) is not str or not fits(value):
            raise Mismatch(f"must be {expected}")
        return value

    return shape


def matching(pattern: str, expected: str) -> Shape:
    """A string that ``pattern`` matches in full. For what few documents have: :mod:`re` compiles the
    pattern when the first of them is read."""
    return fitting(lambda value: re.fullmatch(pattern, value), expected)


def _is_ref(value: str) -> bool:
    # Whether git takes the name is the gate's rule 1; here it only has no white space.
    name = value.removeprefix("refs/")
    bad = any(c <= " " or "\x7f" <= c <= "\x9f" or c.isspace() for c in name)
    return name != value and 0 < len(name) <= 1000 and not bad


def _hex(*lengths: int) -> Shape:
    """Lower-case hex digits. Half of what a statement holds, so not by way of :func:`fitting`."""
    expected = f"{' or '.join(map(str, lengths))} lower-case hex digits"
    is_hex = HEX.issuperset

    def shape(value: Any) -> str:
        if type(value) is not str or len(value) not in lengths or not is_hex(value):
            raise Mismatch(f"must be {expected}")
        return value

    return shape


OID = _hex(40, 64)
SHA256 = _hex(64)
UUID = fitting(is_uuid, "a lower-case UUID")
SESSION_ID = matching(r"[A-Za-z0-9_-]{22}", "22 characters of URL-safe base64")
REF = fitting(_is_ref, "a full ref name")


def text(max_chars: int, *, lines: bool = False) -> Shape:
    """A string without control characters (with ``lines``: but newline and tab), not empty."""

    def shape(value: Any) -> str:
        if type(value) is not str or not 0 < len(value) <= max_chars or not is_plain(value, lines=lines):
            raise Mismatch(f"must be text of 1 to {max_chars} characters without control characters")
        return value

    return shape


def free_text(max_chars: int) -> Shape:
    """What a person wrote: may be empty and have several lines, no control characters."""
    filled = text(max_chars, lines=True)
    return lambda value: value if value == "" else filled(value)


def path(value: Any) -> str:
    """A relative path without empty, ``.`` and ``..`` components."""
    if type(value) is not str or not 0 < len(value) <= 4096 or not is_plain(value):
        raise Mismatch("must be a path without control characters")
    if not {"", ".", ".."}.isdisjoint(value.split("/")):
        raise Mismatch("must be a relative path without empty, . and .. components")
    return value


def integer(low: int, high: int = MAX_INT) -> Shape:
    """An integer from ``low`` to ``high``, both included."""

    def shape(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Mismatch(f"must be an integer from {low} to {high}")
        return value

    return shape


def boolean(value: Any) -> bool:
    """``true`` or ``false``."""
    if type(value) is not bool:
        raise Mismatch("must be true or false")
    return value


def time(value: Any) -> datetime:
    """A time as ``2026-11-23T05:40:00Z``."""
    if type(value) is not str:
        raise Mismatch("must be a time like 2026-11-23T05:40:00Z")
    try:
        return parse_time(value)
    except ValueError as error:
        raise Mismatch(str(error)) from None


def one_of(choices: Mapping[str, Any]) -> Shape:
    """One of the strings; gives what it stands for."""

    def shape(value: Any) -> Any:
        if type(value) is not str or value not in choices:
            raise Mismatch(f"must be one of {', '.join(choices)}")
        return choices[value]

    return shape


def nullable(inner: Shape) -> Shape:
    """``null``, or what ``inner`` takes."""
    return lambda value: None if value is None else inner(value)


# -- shapes of several values ------------------------------------------------------------------


def record(
    keys: Mapping[str, Shape],
    *,
    optional: Mapping[str, Shape] | None = None,
    make: Callable[..., Any] | None = None,
) -> Shape:
    """An object with exactly ``keys``, and any of ``optional``; ``make`` turns its dict into the result."""
    shapes = {**keys, **(optional or {})}
    required = frozenset(keys)

    def shape(value: Any) -> Any:
        if type(value) is not dict:
            raise Mismatch("must be an object")
        if value.keys() != required:
            _check_keys(value, required, shapes)
        found = {}
        for name, inner in value.items():
            try:
                found[name] = shapes[name](inner)
            except Mismatch as error:
                error.path.append(name)
                raise
        return found if make is None else make(found)

    return shape


def _check_keys(value: dict[str, Any], required: frozenset[str], shapes: Mapping[str, Shape]) -> None:
    for name in value:
        if name not in shapes:
            raise Mismatch(f"unknown key {shown(name)}")
    for name in sorted(required):
        if name not in value:
            raise Mismatch(f"{name} is missing")


def pair(first: Shape, second: Shape) -> Shape:
    """An array of exactly two."""

    def shape(value: Any) -> tuple[Any, Any]:
        if type(value) is not list or len(value) != 2:
            raise Mismatch("must be an array of two")
        return first(value[0]), second(value[1])

    return shape


def list_of(
    inner: Shape,
    *,
    low: int = 0,
    high: int = MAX_ITEMS,
    rising: Callable[[Any], Any] | None = None,
) -> Shape:
    """An array of ``low`` to ``high`` values; what ``rising`` gives of each must strictly rise."""

    def shape(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or not low <= len(value) <= high:
            raise Mismatch(f"must be an array of {low} to {high} entries")
        found = []
        for position, item in enumerate(value):
            try:
                found.append(inner(item))
            except Mismatch as error:
                error.path.append(str(position))
                raise
        if rising is not None and not all(a < b for a, b in pairwise(map(rising, found))):
            raise Mismatch("must be sorted, each entry once")
        return tuple(found)

    return shape


def _sha256_of(found: dict[str, str]) -> str:
    return found["sha256"]


SHA256_OBJECT = record({"sha256": SHA256}, make=_sha256_of)
"""in-toto's DigestSet with exactly one digest."""
