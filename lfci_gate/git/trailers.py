"""Trailers of commit messages: ``Lfci-Attestation`` and ``Lfci-Session``. Pure, over raw bytes.

git has two readers of trailers (`interpret-trailers` and ``%(trailers)``), and they disagree about
``---`` lines, comments and leftovers of merges. Evidence must not depend on who reads, so a message
that carries one of our keys has to be of the form on which all agree (docs/formats.md):

1. the keys stand at the start of a line only in the last paragraph, which is not the first one;
2. every line of that paragraph is ``Key: value``, the continuation of one, or git's
   ``(cherry picked from commit ...)``;
3. each key is there once, in this spelling, with a value of printable ASCII without spaces on
   that one line;
4. no NUL, no control character but newline and tab, no line that starts like the ``---`` divider
   or is a scissors line; in the last paragraph neither a comment nor ``Conflicts:``.

A message without our keys is never refused for its form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lfci_gate.errors import Refusal

__all__ = ["ATTESTATION", "SESSION", "add_trailer", "find_trailers"]

ATTESTATION: Final = "Lfci-Attestation"
SESSION: Final = "Lfci-Session"
_KEYS: Final = (ATTESTATION, SESSION)

# git ignores case, and white space in front of the colon.
_OURS: Final = rb"(?im)^(lfci-attestation|lfci-session)[ \t]*:"
_TRAILER: Final = rb"[A-Za-z0-9][A-Za-z0-9-]*[ \t]*:.*"
_VALUE: Final = rb"[\x21-\x7e]+"
_CONTROL: Final = rb"[\x00-\x08\x0b-\x1f\x7f]"
# What one reader or another takes for the end of the message, or leaves out when it comes last.
_ENDING: Final = rb"(?m)^(?:---[ \t]|---$|.{0,3}-{8,} >8 -)"
_CONFLICTS: Final = rb"Conflicts:[ \t]*"


def find_trailers(message: bytes) -> Mapping[str, str]:
    """Our trailers of ``message`` by key; empty when there are none. Raises Refusal LFCI409."""
    if b"\0" in message:
        raise _malformed("the message holds a NUL")
    # Most messages have none of ours: for those no expression is compiled.
    if b"lfci-" not in message.lower() or re.search(_OURS, message) is None:
        return {}
    if re.search(_CONTROL, message) is not None:
        raise _malformed("the message holds control characters")
    if re.search(_ENDING, message) is not None:
        raise _malformed("a divider line makes it ambiguous where the message ends")
    earlier, paragraph = _paragraphs(message)
    if not earlier.strip() or _is_blank(message.partition(b"\n")[0]):
        raise _malformed("the trailers have no message in front of them")
    if re.search(_OURS, earlier) is not None:
        raise _malformed("an Lfci- trailer is not in the last paragraph")
    return _read(paragraph)


def add_trailer(message: bytes, key: str, value: str) -> bytes:
    """``message`` with the trailer ``key: value``, in place of an older one with that key.

    It joins the last paragraph when that is all trailers, else becomes a paragraph of its own.
    Raises Refusal LFCI409 when the result would not be read back so; ValueError for another key
    or a value that is no trailer value.
    """
    line = f"{key}: {value}".encode("ascii")
    if key not in _KEYS or re.fullmatch(_VALUE, value.encode("ascii")) is None:
        raise ValueError(f"not a trailer of ours: {line!a}")
    body = message.rstrip(b" \t\n")
    if key in find_trailers(message):
        prefix = key.encode("ascii") + b":"
        lines = [line if each.startswith(prefix) else each for each in body.split(b"\n")]
        result = b"\n".join(lines) + b"\n"
    else:
        earlier, paragraph = _paragraphs(body)
        joins = bool(earlier.strip()) and _are_trailers(paragraph)
        result = body + (b"\n" if joins else b"\n\n") + line + b"\n"
    if find_trailers(result).get(key) != value:
        raise _malformed("the message has no place for a trailer")
    return result


def _paragraphs(message: bytes) -> tuple[bytes, list[bytes]]:
    """What is in front of the last paragraph, and its lines."""
    lines = message.split(b"\n")
    while lines and _is_blank(lines[-1]):
        lines.pop()
    start = len(lines)
    while start > 0 and not _is_blank(lines[start - 1]):
        start -= 1
    return b"\n".join(lines[:start]), lines[start:]


def _is_blank(line: bytes) -> bool:
    return not line.strip()


def _are_trailers(paragraph: list[bytes]) -> bool:
    return not paragraph[0].startswith((b" ", b"\t")) and all(
        line.startswith((b" ", b"\t", b"(cherry picked from commit "))
        or (re.fullmatch(_TRAILER, line) and not re.fullmatch(_CONFLICTS, line))
        for line in paragraph
    )


def _read(paragraph: list[bytes]) -> dict[str, str]:
    if not _are_trailers(paragraph):
        raise _malformed("the last paragraph holds lines that are no trailers")
    found: dict[str, str] = {}
    for index, line in enumerate(paragraph):
        if re.match(_OURS, line) is None:
            continue
        key, _, value = line.decode("latin-1").partition(": ")
        if key not in _KEYS:
            raise _malformed(f"a trailer is not spelled {ATTESTATION}: or {SESSION}:")
        if key in found:
            raise _malformed(f"{key} is there twice")
        if re.fullmatch(_VALUE, value.encode("latin-1")) is None:
            raise _malformed(f"the value of {key} is empty, or not printable ASCII without spaces")
        if paragraph[index + 1 : index + 2] and paragraph[index + 1].startswith((b" ", b"\t")):
            raise _malformed(f"{key} goes on in a second line")
        found[key] = value
    return found


def _malformed(why: str) -> Refusal:
    return Refusal("LFCI409", f"malformed trailer: {why}")
