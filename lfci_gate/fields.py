"""A strict reader of decoded objects (JSON or TOML), and the one way times are written.

Unknown keys, wrong types, control characters and sizes beyond a cap are refused in one place
(docs/formats.md, "All readers are strict"). Other modules import these names from
:mod:`lfci_gate.canonical`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from lfci_gate.errors import LfciError

MAX_INT = 2**53 - 1
"""Largest integer: what every JSON implementation reads exactly."""

T = TypeVar("T")

_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_DIGITS_AS_ZEROS = str.maketrans("123456789", "000000000")


def shown(text: str, limit: int = 60) -> str:
    """``text`` quoted for a message: ASCII, one line, at most about ``limit`` characters."""
    cut = text if len(text) <= limit else text[:limit] + "..."
    return ascii(cut)


def is_plain(text: str, *, lines: bool = False) -> bool:
    """True when ``text`` has no control characters, line separators or lone surrogates;
    newline and tab are allowed with ``lines``."""
    if lines:
        text = text.replace("\n", "").replace("\t", "")
    if text.isprintable():
        return True  # the usual case; what Unicode calls printable is less than what is plain
    return re.search(_CONTROL, text) is None


class Fields:
    """Strict reader over one decoded object (JSON or TOML).

    Each method takes a key away; :meth:`finish` refuses what is left. Types are exact: ``True``
    is not 1. Errors carry the path of the value, like ``checks.test.run``.

    Arguments: ``value`` is what the parser gave; ``error`` and ``code`` make every error;
    ``what`` names the document ("policy"); ``path`` is where ``value`` stands in it.
    """

    __slots__ = ("_code", "_error", "_left", "_path", "_what")

    def __init__(
        self, value: object, *, error: type[LfciError], code: str, what: str, path: str = ""
    ) -> None:
        self._error = error
        self._code = code
        self._what = what
        self._path = path
        if type(value) is not dict:
            raise self.wrong(None, f"must be a table, not {_kind(value)}")
        self._left: dict[str, object] = dict(value)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def keys(self) -> tuple[str, ...]:
        """Keys not taken yet, in the order of the document."""
        return tuple(self._left)

    def kind_of(self, key: str) -> type:
        """Type of the value at ``key``, which stays; ``NoneType`` also when it is absent."""
        return type(self._left.get(key))

    def wrong(self, key: str | None, message: str) -> LfciError:
        """The error for the value at ``key`` (None: this object itself), to be raised."""
        path = self._path if key is None else self._below(key)
        where = f"{self._what}: {path}" if path else self._what
        return self._error(self._code, f"{where}: {message}")

    def take(self, key: str, kind: type[T]) -> T:
        """The value at ``key``, which must be there and exactly of type ``kind``."""
        if key not in self._left:
            raise self.wrong(key, "is missing")
        value = self._left.pop(key)
        if type(value) is not kind:
            raise self.wrong(key, f"must be {_NAMES.get(kind, kind.__name__)}, not {_kind(value)}")
        return value

    def optional(self, key: str, kind: type[T]) -> T | None:
        """As :meth:`take`, or None when the key is absent (a JSON null is refused)."""
        return self.take(key, kind) if key in self._left else None

    def nullable(self, key: str, kind: type[T]) -> T | None:
        """As :meth:`take`, but the value may be null; the key must be there."""
        if key in self._left and self._left[key] is None:
            del self._left[key]
            return None
        return self.take(key, kind)

    def text(self, key: str, *, max_chars: int = 1024, lines: bool = False) -> str:
        """A string without control characters (with ``lines``: but newline and tab), not empty."""
        value = self.take(key, str)
        self._check_text(key, value, max_chars, lines)
        return value

    def integer(self, key: str, low: int, high: int = MAX_INT) -> int:
        """An integer from ``low`` to ``high``, both included."""
        value = self.take(key, int)
        if not low <= value <= high:
            raise self.wrong(key, f"must be from {low} to {high}")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of the ``allowed`` strings."""
        value = self.take(key, str)
        if value not in allowed:
            raise self.wrong(key, f"must be one of {', '.join(allowed)}")
        return value

    def match(self, key: str, fits: Callable[[str], object], expected: str) -> str:
        """A string for which ``fits`` says something true; ``expected`` says what that is."""
        value = self.take(key, str)
        if not fits(value):
            raise self.wrong(key, f"must be {expected}, not {shown(value)}")
        return value

    def time(self, key: str) -> datetime:
        """A time written as :func:`format_time` writes it."""
        try:
            return parse_time(self.take(key, str))
        except ValueError as error:
            raise self.wrong(key, str(error)) from None

    def items(self, key: str, kind: type[T], *, max_items: int) -> tuple[T, ...]:
        """An array of at most ``max_items`` values, each exactly of type ``kind``."""
        values = self.take(key, list)
        if len(values) > max_items:
            raise self.wrong(key, f"has more than {max_items} entries")
        for position, value in enumerate(values):
            if type(value) is not kind:
                name = _NAMES.get(kind, kind.__name__)
                raise self.wrong(f"{key}[{position}]", f"must be {name}, not {_kind(value)}")
        return tuple(values)

    def texts(self, key: str, *, max_items: int, max_chars: int = 1024) -> tuple[str, ...]:
        """An array of strings, each as :meth:`text` takes it."""
        values = self.items(key, str, max_items=max_items)
        for position, value in enumerate(values):
            self._check_text(f"{key}[{position}]", value, max_chars, False)
        return values

    def child(self, key: str) -> Fields:
        """The object at ``key``; the caller finishes it too."""
        return self._make(self.take(key, dict), self._below(key))

    def children(self, key: str, *, max_items: int) -> tuple[Fields, ...]:
        """The array of objects at ``key``."""
        values = self.items(key, dict, max_items=max_items)
        return tuple(self._make(v, f"{self._below(key)}[{n}]") for n, v in enumerate(values))

    def finish(self) -> None:
        """Refuses keys that nobody took."""
        for key in self._left:
            raise self.wrong(None, f"unknown key {shown(key)}")

    def _make(self, value: object, path: str) -> Fields:
        return Fields(value, error=self._error, code=self._code, what=self._what, path=path)

    def _below(self, key: str) -> str:
        name = key if key.isascii() and key.isprintable() and len(key) <= 80 else shown(key)
        return f"{self._path}.{name}" if self._path else name

    def _check_text(self, key: str, value: str, max_chars: int, lines: bool) -> None:
        if not value:
            raise self.wrong(key, "is empty")
        if len(value) > max_chars:
            raise self.wrong(key, f"is longer than {max_chars} characters")
        if not is_plain(value, lines=lines):
            raise self.wrong(key, "has control characters")


_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    bool: "true or false",
    list: "an array",
    dict: "a table",
    datetime: "a date and time",
    type(None): "null",
    float: "a floating point number",
}


def _kind(value: object) -> str:
    return _NAMES.get(type(value), type(value).__name__)


def parse_time(text: str) -> datetime:
    """The time that ``text`` names: ``2026-11-23T05:40:00Z``, UTC, whole seconds, nothing else.

    Raises ValueError.
    """
    if text.translate(_DIGITS_AS_ZEROS) != "0000-00-00T00:00:00Z":
        raise ValueError(f"must be a time like 2026-11-23T05:40:00Z, not {shown(text)}")
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def format_time(time: datetime) -> str:
    """``2026-11-23T05:40:00Z``. Raises ValueError unless ``time`` is UTC and of whole seconds:
    what is signed is never a rounding of what was meant."""
    if time.utcoffset() != timedelta(0) or time.microsecond:
        raise ValueError("a time in a document is in UTC and of whole seconds")
    return time.replace(tzinfo=None).isoformat() + "Z"
