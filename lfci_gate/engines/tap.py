"""Test Anything Protocol, versions 12 to 14 (testanything.org). Pure, bounded.

Only the top level counts: subtests and YAML blocks are indented, and their parent has a line of
its own. Lines that are not TAP are ignored, as the specification says, so a log with other output
can be read as it is.
"""

from __future__ import annotations

import re
from typing import Final

from lfci_gate.engines.junit import MAX_CASES, MAX_REPORT_BYTES, malformed, test_id
from lfci_gate.model import TestCase

__all__ = ["parse_tap"]

# Anchored, and each part is a run of one class: linear in the length of the line.
_PLAN: Final = re.compile(rb"1\.\.([0-9]{1,9})(?:[ \t]*#.*)?\Z")
_RESULT: Final = re.compile(rb"(not )?ok(?:[ \t]+([0-9]{1,9}))?(?![^ \t])[ \t]*(.*)\Z", re.DOTALL)
_DIRECTIVE: Final = re.compile(rb"(?<!\\)#[ \t]*(todo|skip)", re.IGNORECASE)
_MAX_LINE: Final = 64 << 10


def parse_tap(data: bytes) -> tuple[TestCase, ...]:
    """The test points of a TAP stream, sorted by id, then outcome.

    A TODO point counts as skipped, whether it is ok or not. Raises Undecided LFCI310 without exactly
    one plan, when the points are not as many as planned or a number is out of range or twice, after
    ``Bail out!``, and beyond the limits of a report.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise malformed(f"it is larger than {MAX_REPORT_BYTES} bytes")
    planned: int | None = None
    cases: list[TestCase] = []
    numbers: list[int] = []
    for raw in data.split(b"\n"):
        line = raw.rstrip(b"\r")
        if line.startswith(b"Bail out!"):
            raise malformed("the run bailed out")
        if not line.startswith((b"1..", b"ok", b"not ok")) or len(line) > _MAX_LINE:
            continue
        if plan := _PLAN.match(line):
            if planned is not None:
                raise malformed("it has more than one plan")
            planned = int(plan[1])
        elif result := _RESULT.match(line):
            if len(cases) >= MAX_CASES:
                raise malformed(f"it has more than {MAX_CASES} tests")
            numbers.append(int(result[2]) if result[2] else len(cases) + 1)
            cases.append(_case(result, numbers[-1]))
    if planned is None:
        raise malformed("it has no plan")
    if sorted(numbers) != list(range(1, planned + 1)):
        raise malformed(f"{planned} tests were planned, and other ones are reported ({len(cases)})")
    return tuple(sorted(cases, key=lambda case: (case.id, case.outcome)))


def _case(result: re.Match[bytes], number: int) -> TestCase:
    text = result[3]
    outcome = "failed" if result[1] else "passed"
    if directive := _DIRECTIVE.search(text):
        text = text[: directive.start()]
        outcome = "skipped"
    text = text.strip(b" \t")
    if text == b"-" or text.startswith((b"- ", b"-\t")):
        text = text[1:].strip(b" \t")
    name = text.decode("utf-8", "backslashreplace")
    return TestCase(test_id("", name or str(number)), outcome)
