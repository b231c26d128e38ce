"""The formats of test reports behind one name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lfci_gate.engines.junit import MAX_REPORT_BYTES, parse_junit
from lfci_gate.engines.tap import parse_tap
from lfci_gate.model import TestCase

__all__ = ["MAX_REPORT_BYTES", "PARSERS", "executed", "parse_junit", "parse_tap"]

PARSERS: Final[Mapping[str, Callable[[bytes], tuple[TestCase, ...]]]] = {
    "junit": parse_junit,
    "tap": parse_tap,
}
"""Report format of `.lfci/config.toml` -> reader; each raises Undecided LFCI310 for what it cannot read."""


def executed(cases: tuple[TestCase, ...]) -> int:
    """How many tests ran to an outcome of their own: skipped ones did not."""
    return sum(case.outcome != "skipped" for case in cases)
