"""`lfci explain CODE`: what a code means and what to do."""

from __future__ import annotations

import argparse
import re

from lfci_gate.cli.context import Context
from lfci_gate.codes import CODES
from lfci_gate.errors import UsageError

_FAMILIES = {
    "1": "evidence",
    "2": "policy and approvals",
    "3": "execution",
    "4": "repository content",
    "5": "operations",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="LFCI104 or 104; all of them without")


def run(args: argparse.Namespace, context: Context) -> int:
    """Raises UsageError LFCI514 for a code that does not exist."""
    if args.code is None:
        _list(context)
        return 0
    code = _full(args.code)
    entry = CODES[code]
    output = context.output
    output.json({"schema": "lfci.explain/1", "code": code, **entry._asdict()})
    output.line(f"{code}: {entry.title}", "strong")
    output.pair("family", f"{code[4]}xx, {_FAMILIES[code[4]]}")
    output.pair("cause", entry.cause)
    output.pair("remedy", entry.remedy)
    return 0


def _full(text: str) -> str:
    digits = re.fullmatch(r"(?:LFCI)?([0-9]{3})", text.strip().upper())
    code = f"LFCI{digits[1]}" if digits else ""
    if code not in CODES:
        raise UsageError("LFCI514", f"there is no code {text}", hint="lfci explain (lists all codes)")
    return code


def _list(context: Context) -> None:
    context.output.json(
        {"schema": "lfci.explain/1", "codes": [{"code": code, **CODES[code]._asdict()} for code in CODES]}
    )
    family = ""
    for code, entry in CODES.items():
        if code[4] != family:
            family = code[4]
            context.output.line(f"{family}xx: {_FAMILIES[family]}", "strong")
        context.output.line(f"  {code} {entry.title}")
