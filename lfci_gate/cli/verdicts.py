"""Verdicts on a screen: the words that a pusher reads from the gate."""

from __future__ import annotations

from lfci_gate.cli.output import Output
from lfci_gate.gate.render import verdict_lines
from lfci_gate.model import Verdict


def print_verdict(output: Output, verdict: Verdict) -> None:
    """The reasons of a verdict that is no acceptance, on stderr."""
    for line in verdict_lines(verdict):
        output.reason_line(line)
