"""Bounded TOML: bombs are refused before tomllib, and nothing else is."""

from __future__ import annotations

import contextlib
import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.config.toml import parse_toml


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
