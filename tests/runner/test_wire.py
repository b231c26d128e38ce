"""Messages, turns and limits without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.model import ObjectId, Outcome
from lfci_gate.runner.queue import HOUR_S, FairQueue, Hourly
from lfci_gate.runner.wire import (
    Answer,
    Request,
    answer_event,
    error_event,
    error_of,
    format_event,
    format_request,
    pack_size,
    parse_answer,
    parse_event,
    parse_request,
)
from lfci_gate.value import replace
from tests.support.evidence import REPOSITORY

ASKED = Request("check", REPOSITORY, ObjectId("1" * 40), ("lint", "test"), True)
ANSWER = Answer("test", Outcome.PASSED, False, b"{}", b"[]", None, "", ("a fact",), 7, "/nix/store/x.drv")


@pytest.mark.parametrize("request_", [ASKED, Request("status"), replace(ASKED, commit=ObjectId("a" * 64))])
def test_a_request_is_read_as_it_was_written(request_: Request) -> None:
    assert parse_request(format_request(request_)) == request_


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_request_or_a_refusal(data: bytes) -> None:
    for line in (data, format_request(ASKED).replace(b"lint", data), format_request(ASKED)[:-1] + data):
        try:
            code, asked = "", parse_request(line).ask
        except Refusal as refusal:
            code, asked = refusal.code, ""
        assert code == "LFCI527" or asked in ("check", "status")


@given(st.integers())
def test_the_size_of_a_pack(size: int) -> None:
    if 32 <= size < 2**53:
        assert pack_size(b'{"pack":%d}\n' % size) == size
    else:
        with pytest.raises(Refusal, match="LFCI527"):
            pack_size(b'{"pack":%d}\n' % size)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        replace(ANSWER, outcome=Outcome.FAILED, code="LFCI307", message="no"),
        Answer("test", Outcome.UNDECIDED, False, code="LFCI308", message="late"),
    ],
)
def test_an_answer_is_read_as_it_was_written(answer: Answer) -> None:
    event, fields = parse_event(answer_event(answer))
    assert event == "result"
    assert parse_answer(fields) == answer


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle": ""},
        {"bundle": "e30"},
        {"code": "LFCI307"},
        {"result": "UNDECIDED"},
        {"result": "SKIPPED"},
        {"result": "FAILED", "code": "LFCI000"},
        {"message": "\x1b[2J"},
        {"check": "../x"},
        {"durationMs": -1},
        {"more": 1},
        {"facts": ["a\nb"]},
    ],
)
def test_an_answer_that_contradicts_itself_is_none(changes: dict[str, object]) -> None:
    import json

    value = json.loads(answer_event(ANSWER)) | changes
    with pytest.raises(Refusal, match="LFCI527"):
        parse_answer(parse_event(json.dumps(value).encode())[1])


@pytest.mark.parametrize("family", [Refusal, UsageError, Undecided])
def test_an_error_travels_as_it_is(family: type[LfciError]) -> None:
    error = family("LFCI525", "too many", facts=("one", "two"), hint="later")
    found = error_of(parse_event(error_event(error))[1])
    assert type(found) is family
    assert (found.code, found.message, found.facts, found.hint) == (
        "LFCI525", "too many", ("one", "two"), "later",
    )  # fmt: skip
    odd = family("LFCI525", "a\x1b[2Jb", facts=("", "c\nd"))
    assert error_of(parse_event(error_event(odd))[1]).facts == ("c?d",)


def test_an_event_of_no_known_form_is_refused() -> None:
    for line in (b"", b"{}", b"[]", b'{"event":1}', format_event("e" * 40)):
        with pytest.raises(Refusal, match="LFCI527"):
            parse_event(line)


# -- turns ---------------------------------------------------------------------------------------------


def test_lines_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for job in ("a1", "a2", "a3"):
        queue.add(1, job)
    queue.add(2, "b1")
    queue.add(3, "a2")  # wanted by two
    taken = [queue.take(lambda _: True) for _ in range(5)]
    assert taken == [(1, "a1"), (2, "b1"), (3, "a2"), (1, "a3"), None]
    assert len(queue) == 0


@given(st.integers(1, 50), st.integers(1, 5))
def test_nobody_waits_for_more_than_one_of_each_other(many: int, others: int) -> None:
    queue: FairQueue[tuple[int, int]] = FairQueue()
    for user in range(others):
        for number in range(many):
            queue.add(user, (user, number))
    queue.add(99, (99, 0))
    taken = [queue.take(lambda _: True) for _ in range(others + 1)]
    assert (99, (99, 0)) in taken


def test_who_may_not_run_keeps_their_place() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add(1, "a1")
    queue.add(1, "a1")
    queue.add(2, "b1")
    assert queue.take(lambda user: user != 1) == (2, "b1")
    assert queue.take(lambda user: user != 1) is None
    assert (queue.ahead(1, "a1"), len(queue)) == (0, 1)
    queue.remove(1, "a1")
    queue.remove(1, "a1")
    assert queue.take(lambda _: True) is None


def test_what_is_used_comes_back_after_an_hour() -> None:
    hourly = Hourly()
    assert [hourly.use(1, 2, 5, now) for now in (0.0, 1.0, 2.0)] == [True, True, False]
    assert hourly.use(2, 5, 5, 2.0)  # everybody has their own
    assert not hourly.use(1, 2, 5, HOUR_S - 0.1)
    assert hourly.use(1, 2, 5, HOUR_S)
    assert not hourly.use(3, 6, 5, 0.0)
