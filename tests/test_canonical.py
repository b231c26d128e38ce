"""Canonical JSON, strict JSON, strict fields, times."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.canonical import (
    MAX_INT,
    Fields,
    digest,
    dumps,
    format_time,
    is_plain,
    loads,
    parse_time,
    shown,
)
from lfci_gate.errors import Refusal, UsageError


def read(data: bytes, *, max_bytes: int = 4096, max_depth: int = 32) -> Any:
    return loads(data, code="LFCI110", what="statement", max_bytes=max_bytes, max_depth=max_depth)


def refused(data: bytes, *, max_bytes: int = 4096) -> str:
    with pytest.raises(Refusal) as caught:
        read(data, max_bytes=max_bytes)
    assert caught.value.code == "LFCI110"
    assert caught.value.message.isascii()
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("statement: ")
    return caught.value.message


# -- writing ---------------------------------------------------------------------------------


def test_keys_are_sorted_and_nothing_is_padded() -> None:
    assert (
        dumps({"b": [1, True, None], "a": {"d": "x", "c": ()}}) == b'{"a":{"c":[],"d":"x"},"b":[1,true,null]}'
    )


def test_keys_are_sorted_by_code_point_not_by_utf_16() -> None:
    assert dumps({"\U0001f600": 1, "\uffee": 2}) == '{"\uffee":2,"\U0001f600":1}'.encode()


def test_text_is_utf_8_without_escapes_it_does_not_need() -> None:
    assert dumps('é/"\\\n\x7f') == '"é/\\"\\\\\\n\x7f"'.encode()


def test_digest_is_the_sha256_of_the_bytes() -> None:
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), {1: "a"}, {None: 1}, b"x", {"a"}, Number.ONE, object(), [[1.5]], {"a": {"b": 1.5}}],
)
def test_what_json_cannot_say_exactly_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)


def test_limits_of_writing() -> None:
    assert dumps(MAX_INT) == b"9007199254740991"
    deep: object = 1
    for _ in range(64):
        deep = [deep]
    dumps(deep)
    tables: object = 1
    for _ in range(64):
        tables = {"a": tables}
    dumps(tables)
    for bad in (MAX_INT + 1, -MAX_INT - 1, "\ud800", [deep], {"a": tables}, [tables], {"a": deep}):
        with pytest.raises(ValueError, match=r"."):
            dumps(bad)


def test_an_endless_value_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="deep"):
        dumps(value)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(values)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_again(value: object) -> None:
    assert read(dumps(value), max_bytes=100_000) == value


@given(st.dictionaries(text, values, max_size=5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_keys_does_not_matter(value: dict[str, object], random: Any) -> None:
    pairs = list(value.items())
    random.shuffle(pairs)
    assert dumps(dict(pairs)) == dumps(value)


# -- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{}x", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"[1,]", "not JSON"),
        (b"// c\n1", "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b'"a\x00b"', "not JSON"),
        (b"01", "not JSON"),
        (b"+1", "not JSON"),
        (b"\x00", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b'{"a":1,"a":1}', "duplicate key 'a'"),
        (b'{"b":{"\\u0061":1,"a":2}}', "duplicate key 'a'"),
        (b'{"a":1,"b":2,"b":3,"a":4}', "duplicate key 'b'"),
        (b'{"\xc3\xa9\\n":1,"\xc3\xa9\\n":2}', "duplicate key '\\xe9\\n'"),
        (b"1.0", "floating"),
        (b"[1e3]", "floating"),
        (b"-0.0", "floating"),
        (b"NaN", "floating"),
        (b"[Infinity]", "floating"),
        (b"-Infinity", "floating"),
        (b"9007199254740992", "2**53"),
        (b"-9007199254740992", "2**53"),
        (b"1" * 4000, "2**53"),
        (b'"\\ud800"', "surrogate"),
        (b'["\\uDFFF"]', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b"[" * 33 + b"]" * 33, "32 deep"),
        (b"[" + b"[]," * 40 + b"[" * 32 + b"]" * 33, "32 deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "32 deep"),
        (b"[" * 4000, "32 deep"),
        (b"1" + b" " * 4096, "larger than 4096 bytes"),
    ],
)
def test_refused(data: bytes, says: str) -> None:
    assert says in refused(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b' {"a" : [1]}\n', {"a": [1]}),
        (b"9007199254740991", MAX_INT),
        (b"-9007199254740991", -MAX_INT),
        (b"[" * 32 + b"]" * 31 + b",[]]", None),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"[" * 32 + b"]" * 32, None),
        (b'["' + b"[{" * 100 + b'"]', ["[{" * 100]),
        (b'["' + b'\\"[' * 100 + b'"]', ['"[' * 100]),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    ],
)
def test_accepted(data: bytes, value: object) -> None:
    found = read(data)
    if value is not None:
        assert found == value


def test_floating_point_numbers_are_read_where_they_are_asked_for() -> None:
    assert loads(b"[1.5,1]", code="LFCI110", what="a file", max_bytes=9, floats=True) == [1.5, 1]


def test_an_integer_that_python_would_not_read_is_too_large_like_any_other() -> None:
    assert "2**53" in refused(b"1" * 5000, max_bytes=5000)


def test_the_size_is_looked_at_before_the_bytes() -> None:
    assert "larger" in refused(b"\xff" * 10, max_bytes=9)


@pytest.mark.parametrize("data", [b"[" * 2_000_000, b'{"":' * 500_000, b'"\\"' * 700_000, b'["' * 1_000_000])
def test_bombs_are_refused_in_linear_time(data: bytes) -> None:
    start = time.process_time()
    refused(data, max_bytes=3_000_000)
    assert time.process_time() - start < 5


@given(st.binary(max_size=60) | st.text('[]{}",:\\u0d8a1.e- ntf', max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    # Any other exception than a refusal fails the test by itself.
    with contextlib.suppress(Refusal):
        value = read(data, max_depth=4)
        assert json.loads(dumps(value)) == value


# -- fields ----------------------------------------------------------------------------------


def fields(value: object) -> Fields:
    return Fields(value, error=UsageError, code="LFCI405", what="config", path="checks.test")


def test_fields_are_taken_once_and_the_rest_is_refused() -> None:
    found = fields({"a": 1, "b": "x"})
    assert "a" in found
    assert found.take("a", int) == 1
    assert "a" not in found
    assert found.keys() == ("b",)
    with pytest.raises(UsageError, match=r"config: checks.test: unknown key 'b'"):
        found.finish()


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("k" * 80, "k" * 80),
        ("k" * 81, f"'{'k' * 60}...'"),
        ("é", "'\\xe9'"),
        ("a\n", "'a\\n'"),
    ],
)
def test_a_message_names_a_key_on_one_line_of_bounded_length_in_ascii(key: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        fields({key: 1}).take(key, str)
    assert caught.value.message == f"config: checks.test.{named}: must be a string, not an integer"


def test_at_the_top_there_is_no_path_in_front() -> None:
    top = Fields({"a": 1}, error=UsageError, code="LFCI405", what="config")
    assert top.wrong("a", "is odd").message == "config: a: is odd"
    assert top.wrong(None, "is odd").message == "config: is odd"


def test_what_is_shown_is_cut_beyond_the_limit() -> None:
    assert (shown("x" * 60), shown("x" * 61)) == (f"'{'x' * 60}'", f"'{'x' * 60}...'")


@pytest.mark.parametrize(
    ("value", "kind", "says"),
    [
        (True, int, "must be an integer, not true or false"),
        (1, bool, "must be true or false, not an integer"),
        (1, str, "must be a string, not an integer"),
        (None, str, "must be a string, not null"),
        ((), list, "must be an array, not tuple"),
        (1.0, int, "must be an integer, not a floating point number"),
        ({}, list, "must be an array, not a table"),
    ],
)
def test_types_are_exact(value: object, kind: type, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        fields({"a": value}).take("a", kind)
    assert caught.value.message == f"config: checks.test.a: {says}"


def test_an_absent_field_is_not_a_null_field() -> None:
    assert fields({}).optional("a", int) is None
    assert fields({"a": None}).nullable("a", int) is None
    assert fields({"a": 1}).nullable("a", int) == 1
    with pytest.raises(UsageError):
        fields({"a": None}).optional("a", int)
    with pytest.raises(UsageError):
        fields({}).nullable("a", int)


@pytest.mark.parametrize("value", ["", "a\n", "a\tb", "\x00", "\x7f", "\x85", "\u2028", "\ud800", "x" * 11])
def test_text_has_no_control_characters(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        fields({"a": value}).text("a", max_chars=10)
    assert caught.value.message.isascii()


def test_text_of_lines_may_have_newlines_and_tabs() -> None:
    assert fields({"a": "x\n\ty"}).text("a", lines=True) == "x\n\ty"
    for bad in ("a\rb", "\x1b[0m", "\x0b", "\x00"):
        with pytest.raises(UsageError):
            fields({"a": bad}).text("a", lines=True)
        assert not is_plain(bad, lines=True)


def test_arrays_and_their_entries() -> None:
    found = fields({"a": ["x"], "b": [{"c": 1}], "d": {"e": 1}})
    assert found.texts("a", max_items=1) == ("x",)
    (child,) = found.children("b", max_items=1)
    assert child.take("c", int) == 1
    child.finish()
    with pytest.raises(UsageError, match=r"config: checks.test.d: unknown key 'e'"):
        found.child("d").finish()
    found.finish()
    with pytest.raises(UsageError, match=r"checks.test.a\[1\]: must be a string"):
        fields({"a": ["x", 1]}).texts("a", max_items=2)
    with pytest.raises(UsageError, match="more than 1"):
        fields({"a": ["x", "y"]}).texts("a", max_items=1)
    with pytest.raises(UsageError, match=r"b\[0\]: must be a table"):
        fields({"b": [1]}).children("b", max_items=1)


def test_ranges_and_choices() -> None:
    assert fields({"a": 3}).integer("a", 1, 3) == 3
    with pytest.raises(UsageError, match="from 1 to 3"):
        fields({"a": 4}).integer("a", 1, 3)
    assert fields({"a": "x"}).choice("a", ("x", "y")) == "x"
    with pytest.raises(UsageError, match="one of x, y"):
        fields({"a": "z"}).choice("a", ("x", "y"))
    with pytest.raises(UsageError, match="must be a table, not an array"):
        fields([])


def test_a_hostile_key_is_quoted_and_cut() -> None:
    with pytest.raises(UsageError) as caught:
        fields({"é\x1b[0m" + "x" * 1000: 1}).finish()
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 150
    assert shown("é\n") == "'\\xe9\\n'"


@given(
    st.dictionaries(st.text(max_size=3), values, max_size=3), st.sampled_from([str, int, bool, list, dict])
)
@settings(max_examples=100, deadline=None)
def test_any_object_is_read_or_one_error(value: dict[str, object], kind: type) -> None:
    found = fields(value)
    for key in ("a", *value):
        with contextlib.suppress(UsageError):
            assert type(found.take(key, kind)) is kind


# -- times -----------------------------------------------------------------------------------


def test_times_have_one_form() -> None:
    moment = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
    assert format_time(moment) == "2026-11-23T05:40:00Z"
    assert parse_time("2026-11-23T05:40:00Z") == moment
    assert format_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert fields({"a": "2026-11-23T05:40:00Z"}).time("a") == moment


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "2026-11-23",
        "2026-11-23T05:40:00",
        "2026-11-23T05:40:00z",
        "2026-11-23t05:40:00Z",
        "2026-11-23 05:40:00Z",
        "2026-11-23T05:40:00+00:00",
        "2026-11-23T05:40:00.0Z",
        "2026-11-23T05:40Z",
        "2026-11-23T05:40:00Z\n",
        " 2026-11-23T05:40:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T05:40:60Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-11-23T05:40:00Z",
        "20261123T054000Z",
    ],
)
def test_other_forms_of_times_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(bad)
    with pytest.raises(UsageError) as caught:
        fields({"a": bad}).time("a")
    assert caught.value.message.startswith("config: checks.test.a: ")
    assert caught.value.message.isascii()


@pytest.mark.parametrize(
    "bad",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - a time without zone is the point
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
    ],
)
def test_a_time_is_never_rounded_or_guessed(bad: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        format_time(bad)


@given(st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=50, deadline=None)
def test_times_round_trip(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert parse_time(format_time(whole)) == whole
