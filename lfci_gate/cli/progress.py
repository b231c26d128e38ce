"""What a run looks like while it runs: its output as it comes, and one line that says it lives."""

from __future__ import annotations

import re
import time

from lfci_gate.cli.output import Output, printable

_HEARTBEAT_S = 30.0
_COLOR = re.compile(r"(\x1b\[[0-9;]*m)")
_ERASE = "\r\x1b[K"


class RunProgress:
    """A :class:`lfci_gate.engines.outcome.Progress` on stderr.

    On a terminal one live status line below the output; elsewhere a line every 30 seconds in which
    the check was silent or not. The exact command is always shown.
    """

    def __init__(self, output: Output, check: str, last_ms: int | None) -> None:
        self._out = output
        self._check = check
        self._last = "" if last_ms is None else f", last time {last_ms / 1000:.1f} s"
        self._live = output.err.isatty()
        self._shown = False
        self._ends_line = True
        self._next_beat = _HEARTBEAT_S
        self._started = time.monotonic()

    def phase(self, name: str, detail: str = "") -> None:
        self.close()
        self._out.note(f"{self._check}: {name}" + (f": {detail}" if detail else ""))

    def line(self, data: bytes) -> None:
        self._erase()
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        self._out.err.write("".join(self._safe(part) for part in _COLOR.split(text)))
        self._out.err.flush()
        self._ends_line = text.endswith("\n")

    def _safe(self, part: str) -> str:
        """A check's output is its own, but only colours of it may steer the terminal."""
        if _COLOR.fullmatch(part):
            return part if self._out.err_color else ""
        return "".join(c if c in "\n\t" or c.isprintable() else printable(c) for c in part)

    def heartbeat(self, elapsed_s: float) -> None:
        status = f"{self._check}: running for {elapsed_s:.0f} s{self._last}"
        if self._live and self._ends_line:
            self._erase()
            self._out.err.write(status)
            self._out.err.flush()
            self._shown = True
        elif not self._live and elapsed_s >= self._next_beat:
            self.close()
            self._out.note(status)
            self._next_beat = elapsed_s + _HEARTBEAT_S

    def close(self) -> None:
        """Ends a half-written line, so that what follows begins on one of its own."""
        self._erase()
        if not self._ends_line:
            self._out.err.write("\n")
            self._ends_line = True

    def _erase(self) -> None:
        if self._shown:
            self._out.err.write(_ERASE)
            self._shown = False


class QuietProgress:
    """A :class:`lfci_gate.engines.outcome.Progress` of one run among many: only that it lives. Its
    output may come from any thread."""

    def __init__(self, output: Output, check: str) -> None:
        self._out = output
        self._check = check
        self._next_beat = _HEARTBEAT_S

    def phase(self, name: str, detail: str = "") -> None:
        if name == "run":
            self._next_beat = _HEARTBEAT_S
            self._out.note(f"{self._check}: {name}: {detail}")

    def line(self, data: bytes) -> None:
        """What many runs print at once tells nobody anything; the logs are kept."""

    def heartbeat(self, elapsed_s: float) -> None:
        if elapsed_s >= self._next_beat:
            self._out.note(f"{self._check}: running for {elapsed_s:.0f} s")
            self._next_beat = elapsed_s + _HEARTBEAT_S
