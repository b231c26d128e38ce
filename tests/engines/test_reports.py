"""Readers of test reports: what writers write, and that nothing else gets through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.engines.junit import MAX_ID, MAX_REPORT_BYTES, parse_junit
from lfci_gate.engines.reports import executed
from lfci_gate.engines.tap import parse_tap
from lfci_gate.errors import Undecided
from lfci_gate.model import TestCase


@contextmanager
def allowed_error(code: str) -> Iterator[None]:
    try:
        yield
    except Undecided as error:
        if error.code != code:
            raise


def junit(inner: str) -> list[tuple[str, str]]:
    return [(case.id, case.outcome) for case in parse_junit(f"<testsuites>{inner}</testsuites>".encode())]


def tap(text: str) -> list[tuple[str, str]]:
    return [(case.id, case.outcome) for case in parse_tap(text.encode())]


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ('<testcase classname="c" name="n"/>', "passed"),
        ('<testcase classname="c" name="n"><failure message="m">text</failure></testcase>', "failed"),
        ('<testcase classname="c" name="n"><error/></testcase>', "failed"),
        ('<testcase classname="c" name="n"><skipped/></testcase>', "skipped"),
        ('<testcase classname="c" name="n"><skipped/><error/></testcase>', "failed"),
        ('<testcase classname="c" name="n"><error/><skipped/></testcase>', "failed"),
        ('<testcase classname="c" name="n" status="notrun"/>', "skipped"),
        ('<testcase classname="c" name="n" result="suppressed" status="run"/>', "skipped"),
        ('<testcase classname="c" name="n" status="notrun"><failure/></testcase>', "failed"),
        ('<testcase classname="c" name="n"><flakyFailure/><system-out>x</system-out></testcase>', "passed"),
        ('<testcase classname="c" name="n"><properties><failure/></properties></testcase>', "passed"),
    ],
)
def test_junit_outcomes(case: str, outcome: str) -> None:
    assert junit(f'<testsuite name="s">{case}</testsuite>') == [("c::n", outcome)]


def test_junit_names_come_from_the_class_or_the_nearest_suite() -> None:
    inner = (
        '<testsuite name="outer"><testsuite name="inner"><testcase name="b"/></testsuite>'
        '<testcase name="a"/></testsuite><testcase name="c"/>'
    )
    assert [each for each, _ in junit(inner)] == ["c", "inner::b", "outer::a"]


def test_control_characters_in_names_are_escaped() -> None:
    assert junit('<testcase name="a&#10;b\u202e"/>') == [("a\\u{a}b\\u{202e}", "passed")]


def test_repeated_names_are_kept() -> None:
    case = '<testcase name="n"/>'
    assert len(junit(case * 3)) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"<testsuite>",
        b"<testsuite/>more",
        b"<report/>",
        b'<!DOCTYPE t><testsuite name="s"/>',
        b'<!DOCTYPE t [<!ENTITY a "aaaa">]><testsuite name="&a;"/>',
        b'<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuite/>',
        b"<testsuite><testcase/></testsuite>",
        b'<testsuite><testcase name="a"><testcase name="b"/></testcase></testsuite>',
        b'<testsuite><testcase name="%s"/></testsuite>' % (b"n" * (MAX_ID + 1)),
        b'<testsuite><testcase name="a" name="b"/></testsuite>',
        b"<testsuite>" + b"<a>" * 100,
        b'<?xml version="1.0" encoding="none"?><testsuite/>',
        b'<?xml version="1.0"?><testsuite>&x;</testsuite>',
        b" " * (MAX_REPORT_BYTES + 1),
    ],
)
def test_what_is_no_whole_junit_report_is_undecided(data: bytes) -> None:
    with pytest.raises(Undecided) as error:
        parse_junit(data)
    assert error.value.code == "LFCI310"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_junit_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="ä"/></testsuite>'
    assert parse_junit(text.encode(encoding)) == (TestCase("ä", "passed"),)


def test_tap_points() -> None:
    text = (
        "TAP version 14\n# comment\n1..7\nok 1 - a\nnot ok 2 - b\n  ---\n  message: x\n  ...\n"
        "ok 3 c # SKIP later\n"
        "not ok 4 - d # TODO\nok - \nnoise\n    # Subtest\n    1..1\n    not ok 1\nok 6 - e\nokay then\n"
        "ok 7 - with \\# no directive\r\n"
    )
    assert tap(text) == [
        ("5", "passed"),
        ("a", "passed"),
        ("b", "failed"),
        ("c", "skipped"),
        ("d", "skipped"),
        ("e", "passed"),
        ("with \\# no directive", "passed"),
    ]


def test_tap_with_its_plan_at_the_end_or_of_nothing() -> None:
    assert tap("ok\nok\n1..2\n") == [("1", "passed"), ("2", "passed")]
    assert tap("1..0 # SKIP all\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok 1\n",
        "1..2\nok 1\n",
        "1..1\nok 1\nok 2\n",
        "1..2\nok 1\nok 1\n",
        "1..1\n1..1\nok 1\n",
        "1..1\nok 1\nBail out! now\n",
        "1..3\nok 1\nok 2\nok 4\n",
    ],
)
def test_what_is_no_whole_tap_stream_is_undecided(text: str) -> None:
    with pytest.raises(Undecided) as error:
        parse_tap(text.encode())
    assert error.value.code == "LFCI310"


_PIECES = st.sampled_from(
    [
        *(b"<testsuite>", b"</testsuite>", b'<testcase name="a">', b"</testcase>", b"<failure/>", b"<!--"),
        *(b"&#0;", b"1..1\n", b"ok 1\n", b"not ok", b" # TODO", b"\n", b"\xff", b"<![CDATA[", b"\0"),
    ]
)


@given(st.binary() | st.lists(_PIECES).map(b"".join))
def test_arbitrary_bytes_give_cases_or_one_error(data: bytes) -> None:
    for parse in (parse_junit, parse_tap):
        with allowed_error("LFCI310"):
            cases = parse(data)
            assert list(cases) == sorted(cases, key=lambda case: (case.id, case.outcome))
            assert 0 <= executed(cases) <= len(cases)
            assert all(case.id.isprintable() and case.id for case in cases)
