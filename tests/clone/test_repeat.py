"""What several runs are said to have shown: tables, agreement, and the one run that stands for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.cli.repeating import repeated_lines, repeated_object
from lfci_gate.clone import repeat
from lfci_gate.clone.attempts import Attempts
from lfci_gate.clone.differences import documents_between
from lfci_gate.clone.flakes import Span, Unsteady, agree, table
from lfci_gate.clone.known import Question
from lfci_gate.clone.repeat import Repeated, run_many, run_twice
from lfci_gate.engines import conditions
from lfci_gate.engines.conditions import NORMAL, Conditions, Measured
from lfci_gate.engines.outcome import RunResult
from lfci_gate.errors import Undecided
from lfci_gate.model import (
    Engine,
    FileDigest,
    ObjectId,
    Outcome,
    ResultDocument,
    Sha256,
    TestCase,
)
from lfci_gate.value import replace
from tests.support.forge import AGENT, SECOND_AGENT
from tests.support.world_project import definition

ONE, TWO = Sha256("1" * 64), Sha256("2" * 64)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    *cases: str, status: int | None = None, artifact: Sha256 = ONE, ms: int = 1000, **took: float
) -> RunResult:
    """A decided run of these tests, each `name` (passed), `-name` (failed) or `~name` (skipped)."""
    outcomes = {"-": "failed", "~": "skipped"}
    tests = tuple(
        sorted(
            (TestCase(each.lstrip("-~"), outcomes.get(each[0], "passed")) for each in cases),
            key=lambda case: (case.id, case.outcome),
        )
    )
    if status is None:
        status = int(any(case.outcome == "failed" for case in tests))
    return RunResult(
        outcome=Outcome.FAILED if status else Outcome.PASSED,
        code="LFCI307" if status else None,
        message="it failed" if status else "passed",
        remarks=(),
        exit_code=status,
        result=ResultDocument("test", status, tests, (FileDigest("a", artifact),)),
        counts=None,
        log_sha256=ONE,
        log_size=3,
        log_stored=TWO if status else ONE,
        drv_path="/nix/store/x.drv",
        env_drv="",
        system="x86_64-linux",
        nar_hash="",
        nix_name="nix",
        nix_version="2.8",
        sandbox=ONE,
        hermetic=True,
        started_at=AT,
        duration_ms=ms,
        engine=Engine.DEVELOP,
        measured=Measured(1, ONE, took),
    )


LOST = replace(run("a"), outcome=Outcome.UNDECIDED, code="LFCI308", message="out of time", result=None)


def play(*runs: RunResult | BaseException) -> tuple[Callable[[int, Conditions], RunResult], list[Any]]:
    """Executes these, one after another, and what it was asked."""
    asked: list[Any] = []

    def execute(number: int, settings: Conditions) -> RunResult:
        asked.append((number, settings))
        found = runs[number - 1]
        if isinstance(found, BaseException):
            raise found
        return found

    return execute, asked


# -- tables ------------------------------------------------------------------------------------------


def test_a_table_counts_runs_test_by_test() -> None:
    found = table(
        [
            run("a", "b", "-c", "~d", "e", ms=3000, b=1.0, c=0.5),
            run("a", "-b", "-c", "d", ms=1000, b=3.0),
            run("a", "-b", "c", "~d", artifact=TWO, ms=2000, b=2.0),
            LOST,
        ]
    )
    assert (found.passed, found.failed, found.undecided, found.steady) == (0, 3, 1, 1)
    assert found.unsteady == (
        Unsteady("b", 1, 2, 0, 0, Span(1.0, 2.0, 3.0)),
        Unsteady("c", 1, 2, 0, 0, Span(0.5, 0.5, 0.5)),
        Unsteady("d", 1, 0, 2, 0, None),
        Unsteady("e", 1, 0, 0, 2, None),
    )
    assert found.artifacts == (("a", 2),)
    assert found.statuses == (1,)
    assert found.seconds == Span(1.0, 1.5, 3.0)


def test_an_id_that_a_report_repeats_is_unsteady_when_any_of_it_is() -> None:
    found = table([run("a", "a", "-b", "b"), run("a", "-b", "-b"), run("a", "a", "-b", "b")])
    assert [(each.id, each.passed, each.failed) for each in found.unsteady] == [("b", 0, 3), ("a", 3, 0)]


def test_runs_agree_on_everything_that_is_attested_or_not_at_all() -> None:
    assert agree([run("a", "-b"), run("-b", "a", ms=5)])
    for other in (run("a"), run("a", "b"), run("a", "-b", status=2), run("a", "-b", artifact=TWO), LOST):
        assert not agree([run("a", "-b"), other]), other
    assert not agree([LOST, LOST])


# -- the one that stands for all ---------------------------------------------------------------------


@pytest.mark.parametrize("one", [run("a"), run("-a")])
def test_runs_that_agree_are_the_first_of_them(one: RunResult) -> None:
    execute, asked = play(one, replace(one, duration_ms=7), one)
    done = run_many(execute, 3)
    assert done.result is one
    assert done.failures == (0 if one.exit_code == 0 else 3)
    assert asked == [(1, NORMAL), (2, NORMAL), (3, NORMAL)]
    assert done.stopped is None
    done = run_twice(play(one, one)[0], Engine.DEVELOP)
    assert done.result is one


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (run("a"), run("-a")),
        (run("-a"), run("a")),
        (run("a"), run("a", "b")),
        (run("a"), run("~a")),
        (run("a"), run("a", artifact=TWO)),
        (run("a"), LOST),
        (run("-a"), run("-a", status=2)),
    ],
)
def test_runs_that_do_not_agree_are_undecided(first: RunResult, second: RunResult) -> None:
    for done in (run_twice(play(first, second)[0], Engine.DEVELOP), run_many(play(first, second)[0], 2)):
        stands = done.result
        assert (stands.outcome, stands.code, stands.result, stands.counts) == (
            Outcome.UNDECIDED,
            "LFCI334",
            None,
            None,
        )
        assert stands.remarks
        assert done.failures == sum(each.outcome is Outcome.FAILED for each in (first, second))


def test_a_first_run_without_a_result_has_no_second(monkeypatch: pytest.MonkeyPatch) -> None:
    execute, asked = play(LOST)
    done = run_twice(execute, Engine.DEVELOP)
    assert (done.result, len(asked)) == (LOST, 1)
    # Alike undecided is told as that; else they do not agree.
    assert run_many(play(LOST, LOST)[0], 2).result is LOST
    assert run_many(play(LOST, replace(LOST, code="LFCI310"))[0], 2).result.code == "LFCI334"
    assert run_many(play(LOST, run("a"))[0], 2).result.code == "LFCI334"


@pytest.mark.parametrize(
    ("reason", "code"),
    [(KeyboardInterrupt("SIGTERM"), "LFCI314"), (Undecided("LFCI303", "no nix"), "LFCI303")],
)
def test_what_is_stopped_tells_what_there_is(reason: BaseException, code: str) -> None:
    for wanted, done in (
        (2, run_twice(play(run("a"), reason)[0], Engine.DEVELOP)),
        (9, run_many(play(run("a"), run("a"), reason)[0], 9)),
    ):
        assert (done.wanted, done.stopped and done.stopped.code) == (wanted, code)
        stands = done.result
        assert (stands.outcome, stands.code, stands.result) == (Outcome.UNDECIDED, code, None)
        assert f"after {len(done.runs)} of {wanted} runs" in stands.message
        assert repeated_object(done)["stopped"] == code
    # Before there is any, it is what it is.
    for start in (lambda execute: run_many(execute, 3), lambda execute: run_twice(execute, Engine.DEVELOP)):
        with pytest.raises(type(reason)):
            start(play(reason)[0])


def test_only_the_second_of_two_has_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[datetime] = []
    monkeypatch.setattr(repeat, "later_second", waited.append)
    monkeypatch.setattr(conditions, "_is_usable", lambda need: True)
    other = replace(run("a"), measured=Measured(1, TWO, {}))
    execute, asked = play(run("a"), other)
    done = run_twice(execute, Engine.DEVELOP)
    assert asked[0] == (1, NORMAL)
    assert asked[1] == (2, done.settings)
    assert asked[1][1] == Conditions(True, Path("/dev/shm"), "elsewhere", 137)
    assert (done.unvaried, waited) == ((), [AT])
    # Where the directories listed their entries in the same order after all, that is said.
    done = run_twice(play(run("a"), run("a"))[0], Engine.DEVELOP)
    assert done.unvaried == ("order of directory entries: it was the same in both runs",)


# -- words -------------------------------------------------------------------------------------------


def test_differences_of_two_results() -> None:
    one, two = run("a", "b", "c").result, run("a", "-b", "~c", "d", artifact=TWO).result
    assert one is not None
    assert two is not None
    assert documents_between(one, one, "x", "y") == []
    assert documents_between(one, two, "x", "y") == [
        "exit status: x 0, y 1",
        "test b: x passed, y failed",
        "test c: x passed, y skipped",
        "test d: x not there, y passed",
        f"artifact 'a': x {'1' * 12}, y {'2' * 12}",
    ]
    gone = replace(one, artifacts=())
    assert documents_between(one, gone, "x", "y") == [f"artifact 'a': x {'1' * 12}, y nothing"]


def test_tables_for_people(tmp_path: Path) -> None:
    noisy = run("a", "\x1b[31mevil\n" + "x" * 300, b=1.0)
    done = Repeated(4, (noisy, run("-a", "b", ms=3500, a=0.25)), stopped=Undecided("LFCI314", "x"))
    lines = [text for text, _ in repeated_lines(done, tmp_path)]
    assert lines[0] == "  2 of 4 runs: 1 passed, 1 failed, 0 undecided"
    assert lines[1].split() == "passed failed skipped absent seconds (min/median/max) test".split()
    assert lines[2].split() == ["1", "1", "0", "0", "0.25/0.25/0.25", "a"]
    assert lines[3].split()[:5] == ["1", "0", "0", "1", "-"]
    assert lines[3].split()[5].startswith("\\x1b[31mevil\\nxxx")
    assert len(lines[3]) < 250
    assert lines[5:] == [
        "  exit statuses: 0, 1",
        "  seconds for a run (min/median/max): 1/2.25/3.5",
        f"  log of run 1 (passed): {tmp_path}/lfci/cas/sha256/11/{'1' * 62}",
        f"  log of run 2 (failed): {tmp_path}/lfci/cas/sha256/22/{'2' * 62}",
    ]
    many = Repeated(2, (run(*(f"t{n}" for n in range(50))), run(*(f"-t{n}" for n in range(50)))))
    lines = [text for text, _ in repeated_lines(many, tmp_path)]
    assert "  and 10 more tests (--format json has all)" in lines
    assert len(repeated_object(many)["unsteadyTests"]) == 50
    json.dumps(repeated_object(many))


# -- attempts ----------------------------------------------------------------------------------------

ASKED = Question(
    ObjectId("1" * 40), ObjectId("2" * 40), definition("true"), "refs/heads/main", None, "x86_64-linux"
)


def test_failures_are_counted_for_a_check_key_and_a_key(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path)
    assert attempts.failed(ASKED, AGENT.public) == attempts.failed(ASKED, None) == 0
    attempts.add(ASKED, AGENT.public, 0)
    assert list(tmp_path.iterdir()) == []
    attempts.add(ASKED, AGENT.public, 1)
    attempts.add(ASKED, AGENT.public, 2)
    assert attempts.failed(ASKED, AGENT.public) == 3
    assert attempts.failed(ASKED, SECOND_AGENT.public) == 0
    # The whole tree, the ref and the base are no part of what was run.
    same = replace(ASKED, tree=ObjectId("9" * 40), ref="", base=ObjectId("8" * 40))
    assert attempts.failed(same, AGENT.public) == 3
    for other in (
        replace(ASKED, inputs=ObjectId("3" * 40)),
        replace(ASKED, system="aarch64-linux"),
        replace(ASKED, definition=replace(ASKED.definition, digest=TWO)),
    ):
        assert attempts.failed(other, AGENT.public) == 0
    # One that nobody was to sign counts for all.
    attempts.add(ASKED, None, 1)
    assert attempts.failed(ASKED, AGENT.public) == 4
    assert attempts.failed(ASKED, SECOND_AGENT.public) == attempts.failed(ASKED, None) == 1


def test_the_memory_is_bounded_and_forgets_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfci_gate.clone.attempts._MAX_KEPT", 3)
    attempts = Attempts(tmp_path)
    asked = [replace(ASKED, inputs=ObjectId(f"{number:040d}")) for number in range(4)]
    for each in (asked[0], asked[1], asked[2], asked[0], asked[3]):
        attempts.add(each, AGENT.public, 1)
    assert [attempts.failed(each, AGENT.public) for each in asked] == [2, 0, 1, 1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"schema":"lfci.attempts/2","failed":[]}',
        b'{"schema":"lfci.attempts/1","failed":[],"more":1}',
        b'{"schema":"lfci.attempts/1","failed":[{"run":"x","times":0}]}',
        b'{"schema":"lfci.attempts/1","failed":[{"run":"x","times":1,"y":1}]}',
        b"\xff" * 20,
    ],
)
def test_a_damaged_memory_is_no_empty_one(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "lfci/attempts.json"
    file.parent.mkdir()
    file.write_bytes(data)
    for ask in (
        lambda: Attempts(tmp_path).failed(ASKED, None),
        lambda: Attempts(tmp_path).add(ASKED, None, 1),
    ):
        with pytest.raises(Undecided) as caught:
            ask()
        assert caught.value.code == "LFCI509"
    assert file.read_bytes() == data
