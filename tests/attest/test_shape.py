"""Shapes, one by one: what each takes, where its bounds are, and what it says of anything else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lfci_gate.attest import shape
from lfci_gate.attest.shape import Mismatch, Shape
from lfci_gate.errors import Refusal

OTHER_TYPES = (None, True, False, 0, 1, "", "a", [], ["a"], {}, {"a": "a"})


def refused(form: Shape, value: object, *path: str) -> str:
    """What the mismatch says; ``path`` is where it must be, from the outside in."""
    with pytest.raises(Mismatch) as caught:
        form(value)
    assert tuple(reversed(caught.value.path)) == path
    return caught.value.message


def refuses_other_types(form: Shape, *but: type) -> None:
    for value in OTHER_TYPES:
        if type(value) not in but:
            refused(form, value)


def read(data: bytes, form: Shape) -> object:
    return shape.read(data, form, code="LFCI110", what="thing", max_bytes=1000)


def unread(data: bytes, form: Shape) -> str:
    with pytest.raises(Refusal) as caught:
        read(data, form)
    assert caught.value.code == "LFCI110"
    return caught.value.message


# -- reading -----------------------------------------------------------------------------------------


def test_a_refusal_names_what_was_read_and_the_place_in_it() -> None:
    form = shape.record({"a": shape.list_of(shape.boolean)})
    assert read(b'{"a":[true]}', form) == {"a": (True,)}
    assert unread(b'{"a":[true,1]}', form) == "thing: a.1: must be true or false"
    assert unread(b"1", shape.boolean) == "thing: must be true or false"


def test_nothing_is_read_that_is_nested_more_than_32_deep() -> None:
    form = shape.list_of(lambda value: value)
    assert read(b"[" * 32 + b"]" * 32, form)
    assert unread(b"[" * 33 + b"]" * 33, form) == "thing: nested more than 32 deep"


# -- one value ---------------------------------------------------------------------------------------


def test_a_fitting_string_is_taken_as_it_is() -> None:
    form = shape.fitting(lambda value: value.startswith("a"), "a word")
    assert form("ab") == "ab"
    assert refused(form, "ba") == "must be a word"
    refuses_other_types(form, str)


def test_a_pattern_matches_the_whole_string() -> None:
    form = shape.matching("[a-c]{2}", "two letters")
    assert form("ab") == "ab"
    for value in ("a", "abc", "ab\n", "xab"):
        assert refused(form, value) == "must be two letters"
    refuses_other_types(form)


@pytest.mark.parametrize("value", ["refs/heads/main", "refs/a", "refs/" + "a" * 1000])
def test_a_ref_is_a_full_name(value: str) -> None:
    assert shape.REF(value) == value


@pytest.mark.parametrize(
    "value",
    [
        *("", "main", "heads/main", "refs", "refs/", "refs/" + "a" * 1001),
        *(f"refs/heads/a{c}b" for c in "\0\t\n\x1f \x7f\x80\x85\x9f\xa0\u2028\u3000"),
    ],
)
def test_another_ref_name_is_refused(value: str) -> None:
    refused(shape.REF, value)


@pytest.mark.parametrize("value", ["refs/a~b", "refs/a\xa1b", "refs/a!b"])
def test_what_is_next_to_white_space_and_control_characters_is_for_rule_1_to_judge(value: str) -> None:
    assert shape.REF(value) == value


def test_hex_digits_are_lower_case_and_of_one_of_the_lengths() -> None:
    assert shape.OID("0a" * 20) == "0a" * 20
    assert shape.OID("f9" * 32) == "f9" * 32
    for value in ("0A" * 20, "0g" * 20, "0a" * 20 + "0", "0a" * 31, "", "0a" * 19 + "0\n"):
        assert refused(shape.OID, value) == "must be 40 or 64 lower-case hex digits"
    refuses_other_types(shape.OID)
    refused(shape.OID, ["0"] * 40)
    refused(shape.SHA256, "0a" * 20)
    form = shape._hex(2)
    assert form("0f") == "0f"
    assert refused(form, "0") == "must be 2 lower-case hex digits"


def test_text_is_not_empty_has_a_bound_and_no_control_characters() -> None:
    form = shape.text(3)
    for value in ("a", "a c", "\xfc\xfc\xfc"):
        assert form(value) == value
    for value in ("", "abcd", "a\nb", "a\tb", "a\0b", "\x9b", "\ud800"):
        assert refused(form, value) == "must be text of 1 to 3 characters without control characters"
    refuses_other_types(form, str)


def test_text_of_several_lines_has_no_other_control_characters() -> None:
    form = shape.text(3, lines=True)
    assert form("a\n\t") == "a\n\t"
    for value in ("", "a\rb", "a\x1bb"):
        refused(form, value)


def test_free_text_may_be_empty() -> None:
    form = shape.free_text(3)
    for value in ("", "a\nb"):
        assert form(value) == value
    for value in ("abcd", "a\0"):
        refused(form, value)
    refuses_other_types(form, str)


@pytest.mark.parametrize("value", ["a", "a/b", ".a", "a..", "...", "a" * 4096])
def test_a_path_is_relative(value: str) -> None:
    assert shape.path(value) == value


@pytest.mark.parametrize("value", ["", "a" * 4097, "a\nb", "/a", "a/", "a//b", ".", "..", "a/./b", "../a"])
def test_another_path_is_refused(value: str) -> None:
    refused(shape.path, value)


def test_a_path_is_a_string() -> None:
    refuses_other_types(shape.path, str)


def test_an_integer_is_within_its_bounds_and_no_truth_value() -> None:
    form = shape.integer(1, 3)
    assert [form(value) for value in (1, 2, 3)] == [1, 2, 3]
    for value in (0, 4, -1):
        assert refused(form, value) == "must be an integer from 1 to 3"
    refused(form, 1.0)
    refuses_other_types(form, int)
    assert shape.integer(0)(2**53 - 1) == 2**53 - 1
    refused(shape.integer(0), 2**53)


def test_a_truth_value_is_no_number() -> None:
    assert shape.boolean(True) is True
    assert shape.boolean(False) is False
    refuses_other_types(shape.boolean, bool)


def test_a_time_has_one_form() -> None:
    assert shape.time("2026-11-23T05:40:00Z") == datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
    for value in ("2026-11-23T05:40:00+00:00", "2026-02-30T05:40:00Z", "2026-11-23"):
        refused(shape.time, value)
    refuses_other_types(shape.time)


def test_a_choice_stands_for_its_value() -> None:
    form = shape.one_of({"a": 1, "b": None})
    assert form("a") == 1
    assert form("b") is None
    assert refused(form, "c") == "must be one of a, b"
    refuses_other_types(form, str)
    refused(shape.one_of({"1": 1}), 1)


def test_null_is_taken_only_where_it_is_said() -> None:
    form = shape.nullable(shape.boolean)
    assert form(None) is None
    assert form(False) is False
    refused(form, 0)


# -- several values ----------------------------------------------------------------------------------


def test_an_object_has_exactly_its_keys() -> None:
    form = shape.record({"b": shape.boolean, "a": shape.integer(0)}, optional={"c": shape.boolean})
    assert form({"a": 1, "b": True}) == {"a": 1, "b": True}
    assert form({"c": True, "b": False, "a": 1}) == {"a": 1, "b": False, "c": True}
    assert refused(form, {}) == "a is missing"
    assert refused(form, {"a": 1}) == "b is missing"
    assert refused(form, {"b": True, "c": True}) == "a is missing"
    assert refused(form, {"a": 1, "b": True, "d": 1}) == "unknown key 'd'"
    assert refused(form, {"a": 1, "b": True, "c": 1}, "c") == "must be true or false"
    assert refused(form, {"a": 1, "b": 1}, "b") == "must be true or false"
    refuses_other_types(form, dict)


def test_an_object_becomes_what_is_made_of_it() -> None:
    assert shape.record({"a": shape.boolean}, make=lambda found: (found["a"],))({"a": True}) == (True,)
    assert shape.record({})({}) == {}
    assert shape.SHA256_OBJECT({"sha256": "0a" * 32}) == "0a" * 32
    assert shape._sha256_of({"sha256": "x"}) == "x"


def test_a_pair_has_two_in_their_order() -> None:
    form = shape.pair(shape.boolean, shape.integer(0))
    assert form([True, 1]) == (True, 1)
    for value in ([], [True], [True, 1, 1]):
        assert refused(form, value) == "must be an array of two"
    refused(form, [1, True])
    refused(form, [True, True])
    refused(form, "ab")
    refuses_other_types(form, list)


def test_a_list_is_within_its_bounds() -> None:
    form = shape.list_of(shape.boolean, low=1, high=2)
    assert form([True]) == (True,)
    assert form([True, False]) == (True, False)
    for value in ([], [True] * 3):
        assert refused(form, value) == "must be an array of 1 to 2 entries"
    assert refused(form, [True, 1], "1") == "must be true or false"
    refuses_other_types(form, list)
    most = [True] * shape.MAX_ITEMS
    assert shape.list_of(shape.boolean)(most) == tuple(most)
    assert shape.list_of(shape.boolean)([]) == ()
    refused(shape.list_of(shape.boolean), [*most, True])


def test_a_list_with_an_order_is_strictly_in_it() -> None:
    form = shape.list_of(shape.pair(shape.integer(0), shape.integer(0)), rising=lambda each: each[0])
    assert form([[1, 9], [2, 8], [3, 7]]) == ((1, 9), (2, 8), (3, 7))
    assert form([]) == ()
    for value in ([[1, 1], [1, 2]], [[2, 1], [1, 2]], [[1, 1], [3, 1], [2, 1]], [[2, 1], [1, 1], [3, 1]]):
        assert refused(form, value) == "must be sorted, each entry once"
