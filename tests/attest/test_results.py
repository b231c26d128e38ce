"""Result documents: one form for each result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.attest import results
from lfci_gate.attest.consistency import disagreements
from lfci_gate.attest.results import counts, parse_result, result_document
from lfci_gate.attest.shape import Mismatch
from lfci_gate.errors import Refusal
from lfci_gate.model import FileDigest, ResultDocument, TestCase, TestCounts
from tests.support.evidence import CHECK_RUN, RESULT, sha


def refused(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        parse_result(data)
    assert caught.value.code == "LFCI115"
    return caught.value.message


def test_the_document_is_exactly_the_documented_bytes() -> None:
    assert (
        result_document(RESULT)
        == (
            b'{"artifacts":[["coverage.json","%s"]],"check":"test","exitCode":0,'
            b'"tests":[["a::one","passed"],["a::two","skipped"],["b::\xc3\xbc","passed"]]}'
        )
        % sha("coverage").encode()
    )
    assert parse_result(result_document(RESULT)) == RESULT


def test_a_check_without_report_and_artifacts_has_empty_lists() -> None:
    bare = ResultDocument("lint", 1, (), ())
    assert result_document(bare) == b'{"artifacts":[],"check":"lint","exitCode":1,"tests":[]}'
    assert parse_result(result_document(bare)) == bare


def test_counts_are_of_outcomes_and_the_digest_is_of_the_sorted_ids() -> None:
    tests = (
        TestCase("b", "passed"),
        TestCase("a", "failed"),
        TestCase("a", "skipped"),
        TestCase("c", "passed"),
    )
    assert counts(tests) == TestCounts(2, 1, 1, hashlib.sha256(b'["a","a","b","c"]').hexdigest())
    assert counts(()) == TestCounts(0, 0, 0, hashlib.sha256(b"[]").hexdigest())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("check", ""),
        ("check", 1),
        ("exitCode", -1),
        ("exitCode", 256),
        ("exitCode", False),
        ("exitCode", None),
        ("tests", None),
        ("tests", [["a", "passed", 1]]),
        ("tests", [["a"]]),
        ("tests", [["a", "xpassed"]]),
        ("tests", [["a", ["passed"]]]),
        ("tests", [[1, "passed"]]),
        ("tests", [["", "passed"]]),
        ("tests", [["a\0", "passed"]]),
        ("tests", [["a" * 4097, "passed"]]),
        ("tests", [{"a": "passed"}]),
        ("tests", [["b", "passed"], ["a", "passed"]]),
        ("tests", [["a", "passed"], ["a", "failed"]]),
        ("artifacts", [["a"]]),
        ("artifacts", [["../a", sha("a")]]),
        ("artifacts", [["a", "none"]]),
        ("artifacts", [["a", sha("a")], ["a", sha("b")]]),
        ("artifacts", [["b", sha("a")], ["a", sha("b")]]),
        ("host", "builder-3"),
    ],
)
def test_a_document_of_another_form_is_refused(key: str, value: object) -> None:
    data = json.loads(result_document(RESULT))
    data[key] = value
    refused(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_another_spelling_of_the_same_result_is_refused() -> None:
    data = result_document(RESULT)
    assert "canonical" in refused(data + b"\n")
    escaped = data.replace(b'"a::one"', b'"\\u0061::one"')
    assert json.loads(escaped) == json.loads(data)
    assert refused(escaped) == "result document: not in canonical form"
    assert "canonical" in refused(json.dumps(json.loads(data)).encode())
    for key in ("check", "exitCode", "tests", "artifacts"):
        without = json.loads(data)
        del without[key]
        refused(json.dumps(without).encode())


def test_size_is_capped_before_anything_is_decoded() -> None:
    assert "larger than" in refused(b"\xff" * (results.MAX_RESULT_BYTES + 1))


@pytest.mark.parametrize("filler", [b"1", b"[]", b"{}", b'""', b"null", b'["",""]', b'["a",["b"]]'])
def test_a_bomb_is_refused_before_it_is_decoded(filler: bytes) -> None:
    head, tail = b'{"artifacts":[],"check":"t","exitCode":0,"tests":[', b"]}"
    count = (results.MAX_RESULT_BYTES - len(head) - len(tail)) // (len(filler) + 1)
    bomb = head + b",".join([filler] * count) + tail
    tracemalloc.start()
    try:
        refused(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_an_id_has_1_to_4096_characters() -> None:
    for name in ("a", "a" * 4096):
        document = dataclasses.replace(RESULT, tests=(TestCase(name, "passed"),))
        assert parse_result(result_document(document)) == document


def test_an_id_is_a_string_also_for_whoever_has_not_looked_at_the_bytes() -> None:
    for value in (1, None, ["a"], {"a": 1}):
        with pytest.raises(Mismatch):
            results._test_id(value)


def test_a_report_may_repeat_a_test_with_the_same_outcome() -> None:
    document = dataclasses.replace(RESULT, tests=(TestCase("a", "passed"),) * 2)
    assert parse_result(result_document(document)) == document


def test_entries_are_counted_before_anything_is_decoded(monkeypatch) -> None:
    monkeypatch.setattr(results, "_MAX_TESTS", 3)
    tests = tuple(TestCase(name, "passed") for name in "abcde")
    four, five = (results._bytes_of(ResultDocument("test", 0, tests[:number], ())) for number in (4, 5))
    assert parse_result(four).tests == tests[:4]
    assert "or more than 3 entries" in refused(five)


def test_what_is_as_large_as_it_may_be_is_held_against_the_form_too(monkeypatch) -> None:
    data = result_document(RESULT)
    monkeypatch.setattr(results, "MAX_RESULT_BYTES", len(data))
    assert parse_result(data) == RESULT
    assert "not in canonical form, or" in refused(b"1" * len(data))
    monkeypatch.setattr(results, "MAX_RESULT_BYTES", len(data) - 1)
    assert "larger than" in refused(data)
    assert "larger than" in refused(b"1" * len(data))


def test_a_large_suite_is_read() -> None:
    tests = tuple(TestCase(f"tests/test_module.py::test_{number:06}", "passed") for number in range(10_000))
    document = ResultDocument("test", 0, tests, ())
    assert parse_result(result_document(document)) == document


def test_a_document_that_would_not_be_read_back_is_not_written() -> None:
    for change in (
        {"exit_code": 300},
        {"tests": tuple(reversed(RESULT.tests))},
        {"tests": (TestCase("\ud800", "passed"),)},
        {"tests": (TestCase("a", "error"),)},
        {"artifacts": (FileDigest("/etc/passwd", sha("a")),)},
    ):
        with pytest.raises(Refusal) as caught:
            result_document(dataclasses.replace(RESULT, **change))
        assert caught.value.code == "LFCI115"


def test_a_document_that_only_looks_the_same_when_written_is_refused() -> None:
    with pytest.raises(Refusal, match="read back as another one") as caught:
        result_document(dataclasses.replace(RESULT, tests=list(RESULT.tests)))
    assert caught.value.code == "LFCI115"


def test_rule_10_the_document_of_the_run_agrees_with_it() -> None:
    assert disagreements(RESULT, CHECK_RUN) == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"check": "lint"}, "another check"),
        ({"exit_code": 1}, "exit code"),
        ({"tests": RESULT.tests[:-1]}, "other counts"),
        ({"tests": (*RESULT.tests[:-1], TestCase("c::renamed", "passed"))}, "other counts or ids"),
        ({"artifacts": ()}, "artifacts"),
    ],
)
def test_rule_10_a_document_of_another_run_is_found_out(change: dict, word: str) -> None:
    (found,) = disagreements(dataclasses.replace(RESULT, **change), CHECK_RUN)
    assert word in found


def test_rule_10_without_tests_there_is_nothing_to_count() -> None:
    bare = dataclasses.replace(RESULT, tests=())
    assert disagreements(bare, dataclasses.replace(CHECK_RUN, tests=None)) == ()
    assert disagreements(bare, dataclasses.replace(CHECK_RUN, tests=counts(()))) == ()
    (found,) = disagreements(bare, CHECK_RUN)
    assert "other counts" in found


def test_rule_10_tests_that_nobody_counted_are_found_out() -> None:
    (found,) = disagreements(RESULT, dataclasses.replace(CHECK_RUN, tests=None))
    assert "counts none" in found


@given(st.binary())
def test_any_bytes_are_a_result_or_one_refusal(data: bytes) -> None:
    try:
        parse_result(data)
    except Refusal as refusal:
        assert refusal.code == "LFCI115"  # noqa: PT017 - either way is right


TESTS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1),
        st.sampled_from(results.OUTCOMES),
    )
)


@given(st.integers(0, 255), TESTS)
def test_any_result_is_read_back_as_itself(exit_code: int, tests: list[tuple[str, str]]) -> None:
    document = ResultDocument("test", exit_code, tuple(TestCase(*each) for each in sorted(tests)), ())
    assert parse_result(result_document(document)) == document
