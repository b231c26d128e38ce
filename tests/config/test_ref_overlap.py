"""How patterns of refs lie to each other: never said to cover what they do not."""

from __future__ import annotations

import itertools

import pytest

from lfci_gate.config.ref_overlap import covers, may_overlap
from lfci_gate.patterns import PatternSet

HEADS = "refs/heads/"


def test_who_is_said_to_cover_does() -> None:
    """All pairs of short patterns, against the short refs that they match."""
    words = ["a", "ab", "aa", "c"]
    refs = [HEADS + "/".join(each) for depth in (1, 2, 3) for each in itertools.product(words, repeat=depth)]
    parts = ["a", "*", "a*", "*b", "a*a", "**"]
    two = [each for each in itertools.product(parts, repeat=2) if each != ("**", "**")]
    patterns = [HEADS + "/".join(each) for each in (*itertools.product(parts, repeat=1), *two)]
    held = {
        each: {ref for ref in refs if PatternSet([each]).matches(ref.encode())} for each in (*patterns, *refs)
    }
    for wide, narrow in itertools.product(patterns, repeat=2):
        assert not covers(wide, narrow) or held[wide] >= held[narrow], (wide, narrow)
    # Of one ref, and of patterns whose `**` is at the end, the answer is exact.
    for wide, ref in itertools.product(patterns, refs):
        if "**/" not in wide:
            assert covers(wide, ref) == (ref in held[wide]), (wide, ref)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("**", "**"),
        ("**", "*"),
        ("**", "a/**"),
        ("**", "**/a"),
        ("*/**", "a/**"),
        ("**/a", "**/a"),
        ("*", "a*b"),
        ("*/a", "b*/a"),
        ("a*/b", "ab/b"),
        ("a*b*", "a*b*"),
    ],
)
def test_patterns_that_cover_others(wide: str, narrow: str) -> None:
    assert covers(HEADS + wide, HEADS + narrow)
    assert wide == narrow or not covers(HEADS + narrow, HEADS + wide)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("a/**", "a"),
        ("*/**", "**"),
        ("*/**", "**/a"),
        ("*", "**"),
        ("a*", "*"),
        ("a*", "ab*c"),  # does, but nobody needs to know
        ("a*a", "a"),
        ("a*b", "ac"),
        ("a*b", "cb"),
        ("a", "a/b"),
        ("a/b", "a"),
        ("a*b*", "ab"),
    ],
)
def test_patterns_that_are_not_said_to_cover_others(wide: str, narrow: str) -> None:
    assert not covers(HEADS + wide, HEADS + narrow)


def test_one_pattern_of_each_side_is_enough_to_overlap() -> None:
    main, docs, tag = "refs/heads/main", "refs/heads/docs/*", "refs/tags/v1"
    assert may_overlap([main, docs], [tag, "refs/heads/*/x"])
    assert may_overlap([tag, main], iter([main]))
    assert may_overlap([tag, main], (each for each in (docs, "refs/heads/m*")))
    assert not may_overlap([main, tag], [docs])
    assert not may_overlap([], [main])
    assert not may_overlap([main], [])
