"""What the user reads: text or one JSON object on stdout, everything else on stderr."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from io import UnsupportedOperation
from typing import Any, TextIO

from lfci_gate.errors import LfciError

__all__ = ["COLORS", "FORMATS", "Output", "printable"]

FORMATS = ("text", "json")
COLORS = ("auto", "always", "never")

_STYLES = {"bad": "31;1", "good": "32", "warn": "33", "strong": "1", "dim": "2"}


class Output:
    """Where a verb's words go.

    Names from elsewhere (commits, keys, goals, file names) never reach a terminal as control
    sequences: every line is made printable here.
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        is_json: bool = False,
        out_color: bool = False,
        err_color: bool = False,
    ) -> None:
        self.out = out
        self.err = err
        self.is_json = is_json
        self.out_color = out_color
        self.err_color = err_color
        self._answered = False

    @classmethod
    def make(cls, words: Sequence[str], environ: Mapping[str, str], out: TextIO, err: TextIO) -> Output:
        """Format and colour as the options in ``words`` say, also when these do not parse: an error
        about the command line must already come in the asked form."""
        color = _option(words, "--color") or "auto"
        return cls(
            out,
            err,
            is_json=_option(words, "--format") == "json",
            out_color=wants_color(color, environ, out),
            err_color=wants_color(color, environ, err),
        )

    # -- the answer, on stdout ---------------------------------------------------------------

    def json(self, value: Mapping[str, Any]) -> None:
        """The one object of a JSON answer; nothing in text mode."""
        if self.is_json:
            import json

            self._answered = True
            self.out.write(json.dumps(value, ensure_ascii=True, indent=2) + "\n")
            self.out.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """One line of a text answer; nothing in JSON mode. Arguments: ``style`` is ``bad``, ``good``,
        ``warn``, ``strong``, ``dim`` or nothing."""
        if not self.is_json:
            _write(self.out, self._styled(printable(text), style, self.out_color))

    def pair(self, label: str, text: str, style: str = "") -> None:
        """A label in a column of eleven, and what it is about."""
        if not self.is_json:
            _write(self.out, f"{label:<11} " + self._styled(printable(text), style, self.out_color))

    def marked(self, mark: str, style: str, text: str) -> None:
        """A coloured word, then a line: `ok    git 2.39.5`."""
        if not self.is_json:
            _write(self.out, f"{self._styled(mark, style, self.out_color)} {printable(text)}".rstrip())

    def raw(self, text: str) -> None:
        """An answer that is a document of its own, as it is, in either format."""
        self._answered = True
        self.out.write(text)

    # -- beside the answer, on stderr ----------------------------------------------------------

    def note(self, text: str) -> None:
        """Progress, warnings, advice: one line on stderr, in either format."""
        _write(self.err, printable(text))

    def error(self, error: LfciError) -> None:
        """An error as docs/formats.md has it: code, facts, hint, where to read more. In JSON mode
        it is the answer as well, unless the verb has given one."""
        from lfci_gate.codes import CODES
        from lfci_gate.gate.render import reason_lines
        from lfci_gate.model import Reason

        hint = error.hint or CODES[error.code].remedy
        if self.is_json and not self._answered:
            self.json(
                {
                    "schema": "lfci.error/1",
                    "code": error.code,
                    "message": error.message,
                    "facts": list(error.facts),
                    "hint": hint,
                    "exitStatus": error.exit_status,
                }
            )
        for line in reason_lines(Reason(error.code, error.message, hint, facts=error.facts)):
            self.reason_line(line)

    def reason_line(self, line: str) -> None:
        """One line of a reason on stderr, its first word coloured as git colours it for pushers."""
        head, colon, rest = line.partition(": ")
        style = "bad" if head.startswith("error") else "warn" if head == "hint" else ""
        _write(self.err, self._styled(head + colon.rstrip(), style, self.err_color) + colon[1:] + rest)

    def abandon(self) -> None:
        """Lets the process end without a complaint about a closed stdout."""
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())
        except (UnsupportedOperation, OSError):
            return  # not a real stream: nothing will complain

    def _styled(self, text: str, style: str, color: bool) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[m" if color and style and text else text


def printable(text: str) -> str:
    """``text`` with everything escaped that is no printable character."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def wants_color(choice: str, environ: Mapping[str, str], stream: TextIO) -> bool:
    """`--color`, then NO_COLOR, CLICOLOR_FORCE and TERM=dumb, then whether it is a terminal."""
    if choice in ("always", "never"):
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")


def _option(words: Sequence[str], name: str) -> str | None:
    found = None
    for index, word in enumerate(words):
        if word == "--":
            break
        if word.startswith(name + "="):
            found = word[len(name) + 1 :]
        elif word == name and index + 1 < len(words):
            found = words[index + 1]
    return found
