"""The pattern language, held by one table of vectors and a second, naive reading of the rules."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.patterns import PatternSet

TABLE: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "golden" / "patterns.json").read_text("utf-8")
)


def name_of(vector: dict[str, Any]) -> str:
    return f"{vector['note']}-{vector.get('path', vector.get('path_hex', ''))}"[:80]


def path_of(vector: dict[str, Any]) -> bytes:
    if "path_hex" in vector:
        return bytes.fromhex(vector["path_hex"])
    return str(vector["path"]).encode("utf-8")


@pytest.mark.parametrize("vector", TABLE["matches"], ids=name_of)
def test_vector(vector: dict[str, Any]) -> None:
    patterns, path = vector["patterns"], path_of(vector)
    assert PatternSet(patterns).matches(path) is vector["expect"]
    assert naive_set(patterns, path) is vector["expect"]


@pytest.mark.parametrize("vector", TABLE["may_match_below"], ids=name_of)
def test_may_match_below(vector: dict[str, Any]) -> None:
    found = PatternSet(vector["patterns"]).may_match_below(vector["directory"].encode("utf-8"))
    assert found is vector["expect"]


@pytest.mark.parametrize("vector", TABLE["covers_all"], ids=name_of)
def test_covers_all(vector: dict[str, Any]) -> None:
    assert PatternSet(vector["patterns"]).covers_all() is vector["expect"]


@pytest.mark.parametrize("vector", TABLE["refused"], ids=name_of)
def test_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        PatternSet(vector["patterns"])
    assert str(caught.value).isascii()


def test_the_longest_and_the_most_patterns_are_allowed() -> None:
    assert PatternSet(["x" * 1024] * 256).matches(b"x" * 1024)


def test_a_pattern_that_is_not_text_is_refused() -> None:
    with pytest.raises(ValueError, match="string"):
        PatternSet([b"a"])  # type: ignore[list-item]


# -- a second reading, straight from the table in the module's docstring -------------------


def naive_component(pattern: bytes, name: bytes) -> bool:
    @cache
    def at(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(name)
        if pattern[i : i + 1] == b"*":
            return at(i + 1, j) or (j < len(name) and at(i, j + 1))
        return j < len(name) and pattern[i : i + 1] in (b"?", name[j : j + 1]) and at(i + 1, j + 1)

    return at(0, 0)


def naive(pattern: str, path: bytes) -> bool:
    text = pattern + "**" if pattern.endswith("/") else pattern
    parts, names = text.encode("utf-8").split(b"/"), path.split(b"/")

    @cache
    def at(i: int, j: int) -> bool:
        if i == len(parts):
            return j == len(names)
        if parts[i] == b"**" and i == len(parts) - 1:
            return j < len(names)
        if parts[i] == b"**":
            return at(i + 1, j) or (j < len(names) and at(i, j + 1))
        return j < len(names) and naive_component(parts[i], names[j]) and at(i + 1, j + 1)

    return at(0, 0)


def naive_set(patterns: list[str], path: bytes) -> bool:
    for pattern in reversed(patterns):
        if naive(pattern.removeprefix("!"), path):
            return not pattern.startswith("!")
    return False


def valid(patterns: list[str]) -> bool:
    try:
        PatternSet(patterns)
    except ValueError:
        return False
    return True


letters = st.sampled_from(["a", "b", "ab", "*", "?", "."])
component = st.one_of(st.just("**"), st.lists(letters, min_size=1, max_size=4).map("".join))
body = st.tuples(
    st.lists(component, min_size=1, max_size=5).map("/".join), st.sampled_from(["", "", "/"])
).map("".join)
pattern_lists = st.lists(
    st.tuples(st.sampled_from(["", "", "!"]), body).map("".join), min_size=1, max_size=4
).filter(valid)
name = st.lists(st.sampled_from([b"a", b"b", b".", b"\n", b"\xff"]), min_size=1, max_size=4).map(b"".join)
paths = st.lists(name, min_size=1, max_size=6).map(b"/".join)


@given(pattern_lists, paths)
@settings(max_examples=200, deadline=None)
def test_agrees_with_the_naive_reading(patterns: list[str], path: bytes) -> None:
    assert PatternSet(patterns).matches(path) is naive_set(patterns, path)


@given(pattern_lists, paths, name)
@settings(max_examples=150, deadline=None)
def test_pruning_and_covering_are_never_wrong(patterns: list[str], directory: bytes, leaf: bytes) -> None:
    found = PatternSet(patterns)
    if found.matches(directory + b"/" + leaf):
        assert found.may_match_below(directory)
    if found.covers_all():
        assert found.matches(directory)
        assert found.may_match_below(directory)


@given(st.lists(st.text(max_size=20), max_size=3), st.binary(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_set_or_a_value_error(patterns: list[str], path: bytes) -> None:
    if valid(patterns):
        found = PatternSet(patterns)
        assert found.matches(path) in (True, False)
        assert found.may_match_below(path) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 500 + "b", b"a" * 4000),
        ("a?" * 500 + "*b", b"a" * 4000),
        ("**/" + "*a*b" * 200, b"/".join([b"ab" * 20] * 100)),
        ("**/" + "a/**/" * 160 + "b?", b"/".join([b"a"] * 2000)),
        ("**/" + "?*/" * 300 + "b", b"/".join([b"aa"] * 1300)),
    ],
)
def test_hostile_patterns_cost_no_more_than_length_times_length(pattern: str, path: bytes) -> None:
    found = PatternSet([pattern])
    start = time.process_time()
    assert not found.matches(path)
    found.may_match_below(path)
    # A matcher that backtracks would need longer than the universe has; the bound is generous.
    assert time.process_time() - start < 5
