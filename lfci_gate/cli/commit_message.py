"""The Lfci-Session trailer in a commit message that is being prepared. Pure, over raw bytes.

What git puts below the message for the editor (comments, the scissors line and the diff) stays as it
is; the trailer goes in front of it. A message that does not exist yet stays empty: git takes an
empty one for "do not commit", and that must stay so.
"""

from __future__ import annotations

import re

from lfci_gate.errors import Refusal
from lfci_gate.git.trailers import SESSION, add_trailer

__all__ = ["with_session"]

_OURS = re.compile(rb"^Lfci-Session: [\x21-\x7e]+$")
_SCISSORS = re.compile(rb"^\S{1,3} -{8,} >8 -{8,}$")
_SQUASH = re.compile(rb"^\S{1,3} This is a combination of \d+ commits")


def with_session(message: bytes, session: str | None, *, comment: bytes = b"#") -> bytes:
    """The message with the trailer of the open ``session``, in place of others.

    Git joins the messages of commits that are squashed, trailers and all; a message with several is
    refused by the gate, so of these only the open session's stays, or the one that all name.

    Arguments: ``comment`` is git's core.commentChar. What cannot carry a trailer comes back as it is.
    """
    body, rest = _split(message, comment)
    lines = body.split(b"\n")
    if any(_SQUASH.match(line) for line in lines):
        kept = [line for line in lines if not line.startswith(comment)]
        lines = b"\n".join(kept).lstrip(b"\n").split(b"\n")
    named = [line for line in lines if _OURS.match(line)]
    plain = b"\n".join(line for line in lines if not _OURS.match(line))
    if session is None:
        if len(named) < 2:
            return message
        if len(set(named)) > 1:
            return _joined(plain.rstrip(b"\n") + b"\n", rest)
        session = named[0].split(b" ")[1].decode("ascii")
    if not plain.strip():
        return message
    try:
        return _joined(add_trailer(plain, SESSION, session), rest)
    except Refusal:
        return message


def _joined(body: bytes, rest: bytes) -> bytes:
    return body + (b"\n" + rest if rest else b"")


def _split(message: bytes, comment: bytes) -> tuple[bytes, bytes]:
    """The message proper, and the comments, blank lines and diff that git put below it."""
    lines = message.split(b"\n")
    end = next((n for n, line in enumerate(lines) if _SCISSORS.match(line)), len(lines))
    start = end
    while start > 0 and (not lines[start - 1].strip() or lines[start - 1].startswith(comment)):
        start -= 1
    # Blank lines between message and comments are ours to set.
    while start < len(lines) and not lines[start].strip():
        start += 1
    return b"\n".join(lines[:start]), b"\n".join(lines[start:])
