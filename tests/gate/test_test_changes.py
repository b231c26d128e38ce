"""What became of the tests of the base, on documents alone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.gate.test_changes import TestChanges, before, compare, facts, message, now, renamings, shown
from lfci_gate.model import ResultDocument, TestCase

Doc = str
"""Tests as words: `a` passed, `-a` was skipped, `!a` failed."""


def document(words: Doc) -> ResultDocument:
    outcomes = {"-": "skipped", "!": "failed"}
    cases = [TestCase(word.lstrip("-!"), outcomes.get(word[0], "passed")) for word in words.split()]
    return ResultDocument("test", 0, tuple(sorted(cases, key=lambda case: (case.id, case.outcome))), ())


def changes(old: list[Doc], new: list[Doc | None], names: dict[str, set[str]] | None = None) -> TestChanges:
    known = {was: frozenset(ids) for was, ids in (names or {}).items()}
    read = [None if words is None else document(words) for words in new]
    return compare(
        before(map(document, old)), now(read), lambda ids: {i: known[i] for i in ids if i in known}
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a b"], ["a b"], TestChanges((), (), (), (), 2, 2)),
        (["a b"], ["a b c"], TestChanges((), (), (), (), 2, 2)),
        (["a b"], ["a"], TestChanges(("b",), (), (), (), 1, 2)),
        (["a b"], ["a -b"], TestChanges((), ("b",), (), (), 1, 2)),
        # What did not pass is not expected to.
        (["a -b !c"], ["a"], TestChanges((), (), (), (), 1, 1)),
        (["a -b"], ["-a b"], TestChanges((), ("a",), (), (), 0, 1)),
        # A failed test was executed; that it failed is another rule's.
        (["a"], ["!a"], TestChanges((), (), (), (), 1, 1)),
        # Equal ids are counted.
        (["a a a b"], ["a a b"], TestChanges((), (), (("a", 2, 3),), (), 3, 4)),
        (["a a"], ["a -a"], TestChanges((), (), (("a", 1, 2),), (), 1, 2)),
        (["a a"], ["a b b"], TestChanges((), (), (("a", 1, 2),), (), 1, 2)),
        (["a"], ["a a"], TestChanges((), (), (), (), 1, 1)),
        # All documents of the base together, what all new ones have.
        (["a", "b"], ["a b"], TestChanges((), (), (), (), 2, 2)),
        (["a", "b"], ["a"], TestChanges(("b",), (), (), (), 1, 2)),
        (["a a", "a a a"], ["a a"], TestChanges((), (), (("a", 2, 3),), (), 2, 3)),
        (["a b"], ["a b", "a"], TestChanges(("b",), (), (), (), 1, 2)),
        (["a b"], ["a b", "a -b"], TestChanges((), ("b",), (), (), 1, 2)),
        (["a b"], ["-b a", "a"], TestChanges(("b",), (), (), (), 1, 2)),
        (["a b"], ["a", "-b a"], TestChanges(("b",), (), (), (), 1, 2)),
        (["a a"], ["a a", "a"], TestChanges((), (), (("a", 1, 2),), (), 1, 2)),
        # No report, no test.
        (["a b b"], [None], TestChanges(("a", "b"), (), (), (), 0, 3)),
        (["a"], ["a", None], TestChanges(("a",), (), (), (), 0, 1)),
        (["a"], [], TestChanges(("a",), (), (), (), 0, 1)),
    ],
)
def test_what_became_of_them(old: list[Doc], new: list[Doc | None], expected: TestChanges) -> None:
    found = changes(old, new)
    assert found == expected
    assert found.weaker == bool(expected.removed or expected.skipped or expected.fewer)


@pytest.mark.parametrize(
    ("old", "new", "names", "expected"),
    [
        (["a"], ["b"], {"a": {"b"}}, TestChanges((), (), (), (("a", "b"),), 1, 1)),
        # Not executed; skipped; not by all.
        (["a"], ["c"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 0, 1)),
        (["a"], ["-b c"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 0, 1)),
        (["a"], ["b", "c"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 0, 1)),
        # The id was there already, whatever became of its test.
        (["a b"], ["b"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 1, 2)),
        (["a -b"], ["b"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 0, 1)),
        (["a", "-b"], ["b"], {"a": {"b"}}, TestChanges(("a",), (), (), (), 0, 1)),
        # No test stands for two.
        (["a b"], ["c"], {"a": {"c"}, "b": {"c"}}, TestChanges(("b",), (), (), (("a", "c"),), 1, 2)),
        (["a a"], ["b"], {"a": {"b"}}, TestChanges((), (), (("b", 1, 2),), (("a", "b"),), 1, 2)),
        # Two possible names: the one that was executed, and none when both were.
        (["a"], ["c"], {"a": {"b", "c"}}, TestChanges((), (), (), (("a", "c"),), 1, 1)),
        (["a"], ["b c"], {"a": {"b", "c"}}, TestChanges(("a",), (), (), (), 0, 1)),
        # Where the id is still there it has not moved.
        (["a"], ["-a b"], {"a": {"b"}}, TestChanges((), ("a",), (), (), 0, 1)),
        (["a"], ["a b"], {"a": {"b"}}, TestChanges((), (), (), (), 1, 1)),
    ],
)
def test_a_renamed_test(
    old: list[Doc], new: list[Doc | None], names: dict[str, set[str]], expected: TestChanges
) -> None:
    assert changes(old, new, names) == expected


def test_names_are_asked_for_only_when_ids_are_gone() -> None:
    def asked(ids: object) -> dict[str, frozenset[str]]:
        raise AssertionError(ids)

    assert not compare(before([document("a")]), now([document("a")]), asked).weaker


IDS = st.sampled_from(["a", "b", "c", "d"])
DOCUMENTS = st.lists(
    st.lists(st.tuples(st.sampled_from(["", "-"]), IDS).map("".join)), min_size=1, max_size=2
)


@given(DOCUMENTS, DOCUMENTS, st.dictionaries(IDS, st.sets(IDS)))
def test_what_is_not_weaker_has_a_test_for_each_test(
    old: list[list[str]], new: list[list[str]], names: dict[str, set[str]]
) -> None:
    """Whatever ids are said to be called: when nothing is told, each case of the base has a case of its own
    in each new document, under its own id or one that the base did not have."""
    found = changes([" ".join(words) for words in old], [" ".join(words) for words in new], names)
    if found.weaker:
        return
    renamed = dict(found.renamed)
    assert len(set(renamed.values())) == len(renamed)
    assert not set(renamed.values()) & {word.lstrip("-") for words in old for word in words}
    for words in new:
        left = Counter(word for word in words if not word.startswith("-"))
        for id_ in {word for each in old for word in each if not word.startswith("-")}:
            times = max(each.count(id_) for each in old)
            assert left[renamed.get(id_, id_)] >= times
            left[renamed.get(id_, id_)] -= times
    assert found.kept == found.total


# -- in words -------------------------------------------------------------------------------------


def test_each_class_has_a_line_of_its_own() -> None:
    found = changes(["a b c d e e f"], ["-c -d e x"], {"f": {"x"}})
    assert message("unit", found) == "4 tests of check unit passed on the base, now gone or skipped"
    assert facts(found) == (
        "removed: a, b",
        "newly skipped: c, d",
        "executed 2 of 7 before: e 1 of 2 times",
    )
    assert renamings(found) == "renamed: f -> x"


def test_one_class_alone() -> None:
    gone = changes(["a b"], ["b"])
    assert (message("t", gone), facts(gone)) == (
        "1 test of check t passed on the base, now gone or skipped",
        ("removed: a",),
    )
    fewer = changes(["a a a"], ["a"])
    assert (message("t", fewer), facts(fewer)) == (
        "check t executes fewer tests than on the base",
        ("executed 1 of 3 before: a 1 of 3 times",),
    )
    same = changes(["a"], ["a"])
    assert (facts(same), renamings(same)) == ((), "")


def test_many_are_counted_and_few_are_named() -> None:
    old = " ".join(f"a{n}" for n in range(9)) + " " + " ".join(["b b c c d d e e"])
    found = changes([old], ["b c d e"])
    assert facts(found) == (
        "removed: a0, a1, a2 and 6 more",
        "executed 4 of 17 before: b 1 of 2 times, c 1 of 2 times, d 1 of 2 times and 1 more",
    )
    moved = changes([old], ["b b c c d d e e x0 x1 x2 x3"], {f"a{n}": {f"x{n}"} for n in range(4)})
    assert renamings(moved) == "renamed: a0 -> x0, a1 -> x1, a2 -> x2 and 1 more"


def test_ids_are_printed_in_plain_ascii_and_bounded() -> None:
    assert shown("t\u00fcr \x1b[31m") == "t\\xfcr \\x1b[31m"
    assert shown("x" * 120) == "x" * 120
    assert shown("x" * 121) == "x" * 120 + "..."
    assert shown("\u00fc" * 4000) == "\\xfc" * 30 + "..."
