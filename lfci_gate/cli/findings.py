"""One finding of `lfci doctor`."""

from __future__ import annotations

from typing import NamedTuple

from lfci_gate.codes import CODES
from lfci_gate.errors import LfciError

__all__ = ["Finding", "fail", "failed", "ok", "warn"]


class Finding(NamedTuple):
    name: str
    status: str
    """``ok``, ``warn`` (works, but less than it could) or ``fail``."""
    detail: str
    fix: str = ""
    """The command or action that helps."""


def ok(name: str, detail: str) -> Finding:
    return Finding(name, "ok", detail)


def warn(name: str, detail: str, fix: str) -> Finding:
    return Finding(name, "warn", detail, fix)


def fail(name: str, detail: str, fix: str) -> Finding:
    return Finding(name, "fail", detail, fix)


def failed(name: str, error: LfciError) -> Finding:
    """An error as a finding: with its first fact, its hint and its code."""
    fact = f" ({error.facts[0]})" if error.facts else ""
    return fail(name, f"{error.message}{fact} [{error.code}]", error.hint or CODES[error.code].remedy)
