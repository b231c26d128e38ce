"""JUnit XML reports. Pure, bounded; no DTD, so no entity but XML's own five.

The format has no one definition; read here is what pytest, surefire, gtest, jest-junit, ExUnit,
go-junit-report, cargo-nextest and the other common writers agree on: ``testcase`` elements, failed
by a ``failure`` or ``error`` child, skipped by a ``skipped`` child or a status that says so.
"""

from __future__ import annotations

import math
from typing import Final
from xml.parsers import expat

from lfci_gate.errors import Undecided
from lfci_gate.model import TestCase

__all__ = ["MAX_CASES", "MAX_REPORT_BYTES", "junit_seconds", "parse_junit", "test_id"]

MAX_REPORT_BYTES: Final = 64 << 20
MAX_CASES: Final = 500_000
MAX_ID: Final = 4096
_MAX_DEPTH: Final = 64

_NOT_RUN: Final = frozenset({"notrun", "skipped", "suppressed", "disabled", "ignored"})


def parse_junit(data: bytes) -> tuple[TestCase, ...]:
    """The test cases of a report, sorted by id, then outcome.

    Raises Undecided LFCI310 for anything that is not a whole report: no XML, another root element,
    a DTD, more than 64 levels, 500,000 cases or 64 MiB, a case without a name.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise malformed(f"it is larger than {MAX_REPORT_BYTES} bytes")
    reader = _Reader()
    try:
        reader.feed(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise malformed(str(error)[:200]) from error
    return tuple(sorted(reader.cases, key=lambda case: (case.id, case.outcome)))


def junit_seconds(data: bytes) -> dict[str, float]:
    """How long each test took, in seconds, as far as the report says it; a repeated id adds up.

    Durations are told to people and never compared. Raises Undecided LFCI310 as :func:`parse_junit`.
    """
    reader = _Timer()
    try:
        reader.feed(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise malformed(str(error)[:200]) from error
    return reader.seconds


def malformed(why: str) -> Undecided:
    return Undecided("LFCI310", "the test report is malformed", facts=(why,))


def test_id(suite: str, name: str) -> str:
    """One printable line that names a test: ``suite::name``.

    Raises Undecided LFCI310 when it is empty or too long.
    """
    joined = f"{suite}::{name}" if suite else name
    text = "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in joined)
    if not name or len(text) > MAX_ID:
        raise malformed("a test has no name" if not name else f"a test's name is longer than {MAX_ID}")
    return text


test_id.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks of the name


class _Reader:
    def __init__(self) -> None:
        self.cases: list[TestCase] = []
        self._path: list[str] = []
        self._suites: list[str] = []
        self._case: str | None = None
        self._outcome = "passed"
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, data: bytes) -> None:
        self._parser.Parse(data, True)

    def _doctype(self, *_: object) -> None:
        raise malformed("it has a document type declaration")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path and tag not in ("testsuites", "testsuite"):
            raise malformed(f"its root element is {ascii(tag)[1:-1][:50]}")
        if len(self._path) >= _MAX_DEPTH:
            raise malformed(f"it is nested deeper than {_MAX_DEPTH} levels")
        parent = self._path[-1] if self._path else ""
        self._path.append(tag)
        if tag == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif tag == "testcase":
            self._open_case(attributes)
        elif parent == "testcase":
            self._mark(tag)

    def _open_case(self, attributes: dict[str, str]) -> None:
        if self._case is not None:
            raise malformed("a testcase is inside another")
        if len(self.cases) >= MAX_CASES:
            raise malformed(f"it has more than {MAX_CASES} cases")
        suite = attributes.get("classname") or (self._suites[-1] if self._suites else "")
        self._case = test_id(suite, attributes.get("name", ""))
        said = (attributes.get("status", "").lower(), attributes.get("result", "").lower())
        self._outcome = "skipped" if _NOT_RUN.intersection(said) else "passed"

    def _mark(self, tag: str) -> None:
        if tag in ("failure", "error"):
            self._outcome = "failed"
        elif tag == "skipped" and self._outcome == "passed":
            self._outcome = "skipped"

    def _end(self, tag: str) -> None:
        self._path.pop()
        if tag == "testsuite":
            self._suites.pop()
        elif tag == "testcase":
            assert self._case is not None
            self.cases.append(TestCase(self._case, self._outcome))
            self._case = None


class _Timer(_Reader):
    """Also listens for how long each test took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}

    def _open_case(self, attributes: dict[str, str]) -> None:
        super()._open_case(attributes)
        assert self._case is not None
        try:
            took = float(attributes.get("time", "").replace(",", ""))
        except ValueError:
            return
        if 0 <= took < math.inf:
            self.seconds[self._case] = self.seconds.get(self._case, 0.0) + took
