"""`lfci doctor`: what is missing on this machine and in this clone, and the command that helps."""

from __future__ import annotations

import argparse
from collections import Counter

from lfci_gate.cli.context import Context
from lfci_gate.cli.findings import Finding

_STYLES = {"ok": "good", "warn": "warn", "fail": "bad"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit status 1 when something fails; warnings alone are 0."


def run(_args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.cli.findings_clone import clone_findings
    from lfci_gate.cli.findings_machine import machine_findings

    findings = (*machine_findings(context), *clone_findings(context))
    counted = Counter(each.status for each in findings)
    output = context.output
    output.json(
        {
            "schema": "lfci.doctor/1",
            "ok": not counted["fail"],
            "findings": [_object(each) for each in findings],
        }
    )
    for each in findings:
        output.marked(f"{each.status:<5}", _STYLES[each.status], f"{each.name:<10} {each.detail}")
        if each.fix:
            output.line(f"{'':<6}{'':<11}fix: {each.fix}")
    output.line()
    if counted["fail"]:
        output.line(f"{_count(counted['fail'], 'thing')} must be put right before checks can land", "bad")
    elif counted["warn"]:
        output.line(f"usable; {_count(counted['warn'], 'warning')}", "warn")
    else:
        output.line("all is well", "good")
    return 1 if counted["fail"] else 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _object(each: Finding) -> dict[str, str | None]:
    return {"name": each.name, "status": each.status, "detail": each.detail, "fix": each.fix or None}
