"""Small grammars as plain string tests: names in hex, UUIDs, words of a given alphabet.

What a regular expression would say shorter, said so that nothing has to be compiled: the receive hook
and a known `lfci check` ask these questions a few times and then end, and compiling the expressions
that they used to import took longer than verifying a signature. A regular expression that
is seldom needed is handed to :mod:`re` as text where it is used; it keeps what it has compiled.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DIGITS", "HEX", "LETTERS", "LOWER", "is_hex", "is_uuid", "is_word"]

DIGITS: Final = frozenset("0123456789")
LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
LETTERS: Final = LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
HEX: Final = frozenset("0123456789abcdef")


def is_hex(text: str, digits: int) -> bool:
    """Whether ``text`` is exactly that many lower-case hex digits."""
    return len(text) == digits and HEX.issuperset(text)


def is_uuid(text: str) -> bool:
    """Whether ``text`` is a UUID in lower case, five groups of hex digits."""
    groups = text.split("-")
    return [len(group) for group in groups] == [8, 4, 4, 4, 12] and HEX.issuperset("".join(groups))


def is_word(text: str, first: frozenset[str], rest: frozenset[str], most: int) -> bool:
    """Whether ``text`` has 1 to ``most`` characters, the first of ``first``, the others of ``rest``."""
    return 0 < len(text) <= most and text[0] in first and rest.issuperset(text[1:])
