"""Bounded TOML: bombs are refused before tomllib, and nothing else is."""

from __future__ import annotations

import contextlib
import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.config.toml import parse_toml, read_toml
from lfci_gate.errors import Refusal
from lfci_gate.fields import Fields


def read(data: bytes, max_keys: int = 4096) -> dict[str, object]:
    return parse_toml(data, max_bytes=4_000_000, max_keys=max_keys)


BOMBS = {
    "nested arrays": b"a=" + b"[" * 1_000_000,
    "nested arrays over lines": b"a=" + b"[\n" * 500_000,
    "nested tables": b"a=" + b"{a=" * 500_000,
    "nested after strings": b'a=["x", \'y\', """z"""' + b",[" * 500_000,
    "nested after a comment": b'#"\na=' + b"[" * 500_000,
    "nested after an escaped quote": b'a=["\\"",' + b"[" * 500_000,
    "nested after five quotes": b'a=["""x""""",' + b"[" * 500_000,
    "nested after five apostrophes": b"a=['''x'''''," + b"[" * 500_000,
    "nested after CRLF": b'a="""x\\\r\n""" \r\nb=' + b"[" * 500_000,
    "dotted key": b"a" + b".a" * 500_000 + b"=1",
    "dotted header": b"[a" + b".a" * 500_000 + b"]",
    "dotted key in a table": b"x={a" + b".a" * 500_000 + b"=1}",
    "dotted quoted key": b'""' + b'.""' * 500_000 + b"=1",
    "many keys": b"\n".join(b"k%d=1" % n for n in range(100_000)),
    "many keys in a table": b"a={" + b",".join(b"k%d=1" % n for n in range(100_000)) + b"}",
    "quotes": b'"' * 1_000_000,
    "apostrophes": b"'" * 1_000_000,
    "backslashes": b'a="' + b"\\" * 1_000_000,
    "digits": b"a=" + b"9" * 1_000_000,
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_in_bounded_time(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r".") as caught:
        read(data)
    assert time.process_time() - start < 5
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 300


def test_brackets_and_dots_in_strings_and_comments_do_not_count() -> None:
    text = "[" * 100 + "." * 100 + "=" * 100
    for quoted in (
        f'"{text}"',
        f"'{text}'",
        f'"""{text}"""',
        f"'''{text}'''",
        f'"""{text}"""""',
        f"0 # {text}",
    ):
        assert read(f"a = {quoted}\n".encode(), max_keys=1)


def test_limits_are_where_they_are_said_to_be() -> None:
    assert read(b"a=" + b"[" * 16 + b"]" * 16)
    with pytest.raises(ValueError, match="16 deep"):
        read(b"a=" + b"[" * 17 + b"]" * 17)
    assert read(b"a" + b".a" * 64 + b"=1")
    with pytest.raises(ValueError, match="64 dots"):
        read(b"a" + b".a" * 65 + b"=1")
    assert len(read(b"a=1\nb=1", max_keys=2)) == 2
    with pytest.raises(ValueError, match="2 keys"):
        read(b"a=1\nb=1\nc=1", max_keys=2)


def test_what_is_closed_is_not_counted_any_more_and_nothing_else_is_taken_off() -> None:
    deep = b"[" * 16 + b"]" * 16
    assert read(b"a=[]\nb={}\nc=" + deep + b"\nd=" + deep)
    with pytest.raises(ValueError, match="16 deep"):
        read(b"a=" + b"[" * 16 + b"],[[" + b"]" * 17)
    with pytest.raises(ValueError, match="16 deep"):
        read(b"a=[" + b"{a=" * 16 + b"1" + b"}" * 16 + b"]")
    for wrong in (b"a=]", b"a=1]]]"):  # more closed than opened is tomllib's to refuse
        with pytest.raises(ValueError, match="not TOML"):
            read(wrong)


def test_dots_are_counted_by_the_line_strings_between_them_or_not() -> None:
    line = b".a" * 63
    assert read(b"a.a" + line + b"=1\nb.a" + line + b"=1\n[c.a" + line + b"]")
    for long in (b"a" + b'."x"' * 65 + b"=1", b"a" + b".'x'" * 65 + b"=1", b"x={a" + b".a" * 65 + b"=1}"):
        with pytest.raises(ValueError, match="64 dots in one line"):
            read(long)


def test_every_failure_is_the_one_that_was_asked_for() -> None:
    def fields(data: bytes) -> Fields:
        return read_toml(data, max_bytes=20, max_keys=1, error=Refusal, code="LFCI101", what="a file")

    assert fields(b"a=1").integer("a", 1) == 1
    for wrong, says in ((b"a=", "not TOML"), (b"a=1\nb=1", "1 keys"), (b"#" * 21, "larger than 20 bytes")):
        with pytest.raises(Refusal, match=says) as caught:
            fields(wrong)
        assert caught.value.code == "LFCI101"
        assert caught.value.message.startswith("a file: ")


def test_floats_only_where_they_are_asked_for() -> None:
    for text in (b"a=1.5", b"a=1e3", b"a=nan", b"a=-inf"):
        with pytest.raises(ValueError, match="floating"):
            read(text)
    assert parse_toml(b"a=1.5", max_bytes=10, floats=True) == {"a": 1.5}


PIECES = [
    "a",
    "b",
    ".",
    "=",
    "1",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\r\n",
    "#",
    " ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=250, deadline=None)
def test_agrees_with_tomllib_below_the_limits(text: str) -> None:
    expected: object = None
    with contextlib.suppress(tomllib.TOMLDecodeError):
        expected = tomllib.loads(text, parse_float=str)
    found: object = None
    with contextlib.suppress(ValueError):
        found = parse_toml(text.encode(), max_bytes=1000, floats=True)
    if found is None:
        # Refused by tomllib too, or nested beyond the limit.
        assert expected is None or text.count("[") + text.count("{") > 16 or "." in text
    else:
        assert expected is not None


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_table_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert type(read(data)) is dict
