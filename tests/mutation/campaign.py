"""Runs the tests of the deciding code once for every mutant of it, each in a forked process.

The tests are collected once. A first run without changes notes which lines each test reaches
and how long it takes; a mutant is then tried by the tests that reach its line, the fastest first, until
one fails. A mutant that no test notices survives: it is killed by a new test, or explained in
``explained.toml``.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from tests.mutation.mutants import Mutant, mutants_of, put
from tests.mutation.reach import Line, lines_of

_LEAST_S = 20.0
"""What a mutant's tests may take at least, whatever they took without the change."""
_FIRST = 20
"""So many of the tests that noticed changes of the same function go first."""
_LEAST_CPU_S = 2.0
"""Processor time that one test may take at least: a change may make a loop endless."""


@dataclass(frozen=True)
class Settings:
    modules: tuple[str, ...]
    jobs: int = 2
    every: int = 1
    """Only one of so many mutants, by a fixed choice; 1 for all."""
    tests_of_a_mutant: int = 400
    """At most so many tests are tried on one mutant at first: the fastest that reach it. Only what then
    survives without an explanation is tried by the others, too, the most specific first."""
    explained: Callable[[Iterable[Mutant]], frozenset[str]] = lambda _mutants: frozenset()
    """The keys of those that are explained."""
    again: frozenset[str] | None = None
    """Only the mutants with these keys."""


@dataclass
class Results:
    killed: list[Mutant] = field(default_factory=list)
    survived: list[Mutant] = field(default_factory=list)
    unreached: list[Mutant] = field(default_factory=list)
    """No test reaches the line, so none was tried; they count as survivors."""
    seconds: float = 0.0

    def score(self, module: str) -> str:
        """How many of a module's changes were noticed, in one line."""
        killed = sum(each.module == module for each in self.killed)
        total = killed + sum(each.module == module for each in (*self.survived, *self.unreached))
        return f"{module}: {killed} of {total} killed"


class Campaign:
    """A pytest plugin that replaces the loop over the tests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.results = Results()
        self.problem = ""
        self._reaching: dict[Line, list[int]] = {}
        self._seconds: dict[int, float] = {}
        self._breadth: dict[int, int] = {}
        """How many lines of the modules each test reaches."""
        self._killers: dict[tuple[str, str], Counter[int]] = {}
        self._mutated = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        started = time.monotonic()
        failed = self._first_run(session)
        if failed:
            self.problem = f"{len(failed)} tests fail without any change: {failed[:5]}"
            return True
        self._say(f"{len(session.items)} tests in {time.monotonic() - started:.0f} s")
        gc.collect()
        gc.freeze()
        mutants = list(self._mutants())
        self._all(session, mutants, self._some_tests_of)
        known = self.settings.explained(self.results.survived)
        again = [mutant for mutant in self.results.survived if mutant.key not in known]
        again = [mutant for mutant in again if len(self._some_tests_of(mutant)) < len(self._tests_of(mutant))]
        if again:
            self._say(f"{len(again)} of {len(self.results.survived)} survivors are tried by more tests")
            self.results.survived = [mutant for mutant in self.results.survived if mutant not in again]
            self._all(session, again, self._tests_of)
        self.results.seconds = time.monotonic() - started
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        """Only the outcome, while mutants are tried: to tell how a test failed takes longest."""
        if not self._mutated or call.excinfo is None:
            return None
        outcome: Literal["skipped", "failed"] = (
            "skipped" if call.excinfo.errisinstance(pytest.skip.Exception) else "failed"
        )
        return pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, call.when, duration=call.duration
        )

    def _mutants(self) -> Iterator[Mutant]:
        found = [mutant for module in self.settings.modules for mutant in mutants_of(module)]
        if self.settings.again is not None:
            found = [mutant for mutant in found if mutant.key in self.settings.again]
        if self.settings.every > 1:
            chosen = random.Random(0).sample(range(len(found)), len(found) // self.settings.every)
            found = [found[index] for index in sorted(chosen)]
        yield from found

    # -- without changes ---------------------------------------------------------------------

    def _first_run(self, session: pytest.Session) -> list[str]:
        wanted = {sys.modules[name].__file__ or "" for name in self.settings.modules}
        failed: list[str] = []
        for number, item in enumerate(session.items):
            following = session.items[number + 1] if number + 1 < len(session.items) else None
            began = time.monotonic()
            with lines_of(wanted) as reached:
                passed = _passes(item, following)
            self._seconds[number] = time.monotonic() - began
            if not passed and not _passes(item, following):  # not only too slow or deep while it is watched
                failed.append(item.nodeid)
            self._breadth[number] = len(reached)
            for line in reached:
                self._reaching.setdefault(line, []).append(number)
        return failed

    # -- with changes ------------------------------------------------------------------------

    def _all(
        self, session: pytest.Session, mutants: list[Mutant], tests_of: Callable[[Mutant], list[int]]
    ) -> None:
        waiting = list(reversed(mutants))
        running: dict[int, tuple[Mutant, int, float]] = {}
        done = 0
        while waiting or running:
            while waiting and len(running) < self.settings.jobs:
                mutant = waiting.pop()
                tests = tests_of(mutant)
                if not tests:
                    self.results.unreached.append(mutant)
                    self._say(f"no test reaches: {mutant.key}")
                    done += 1
                    continue
                read, pid = self._fork(session, mutant, tests)
                limit = max(_LEAST_S, 10 * sum(self._seconds[number] for number in tests))
                running[read] = mutant, pid, time.monotonic() + limit
            ready, _, _ = select.select(list(running), [], [], 0.5) if running else ([], [], [])
            late = [
                fd for fd, (_, _, until) in running.items() if fd not in ready and time.monotonic() > until
            ]
            for fd in [*ready, *late]:
                mutant, pid, _ = running.pop(fd)
                answer = os.read(fd, 20) if fd in ready else b""
                survived = answer == b"s"
                if answer.isdigit():
                    self._killers.setdefault((mutant.module, mutant.function), Counter())[int(answer)] += 1
                os.close(fd)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                (self.results.survived if survived else self.results.killed).append(mutant)
                if survived:
                    self._say(f"survives: {mutant.key}")
                done += 1
                if not any(each.module == mutant.module for each in [*waiting, *_of(running)]):
                    self._say(self.results.score(mutant.module))
                if done % 100 == 0:
                    self._say(f"{done} of {len(mutants)} mutants, {len(self.results.survived)} survive")

    def _reaching_it(self, mutant: Mutant) -> set[int]:
        file = sys.modules[mutant.module].__file__ or ""
        return {number for line in mutant.lines for number in self._reaching.get((file, line), ())}

    def _tests_of(self, mutant: Mutant) -> list[int]:
        """All that reach it, the most specific first."""
        return sorted(self._reaching_it(mutant), key=lambda each: (self._breadth[each], self._seconds[each]))

    def _some_tests_of(self, mutant: Mutant) -> list[int]:
        """The fastest of them."""
        reaching = self._reaching_it(mutant)
        # A test that has noticed a change of this function will often notice the next one.
        good = self._killers.get((mutant.module, mutant.function), Counter())
        first = {number for number, _ in good.most_common(_FIRST)}
        rest = sorted(reaching - first, key=self._seconds.__getitem__)
        tried = [*(number for number, _ in good.most_common(_FIRST) if number in reaching), *rest]
        return tried[: self.settings.tests_of_a_mutant]

    def _fork(self, session: pytest.Session, mutant: Mutant, tests: list[int]) -> tuple[int, int]:
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write)
            return read, pid
        try:
            os.setpgid(0, 0)
            silence = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(silence, fd)
            put(mutant)
            self._mutated = True
            for number, following in zip(tests, [*tests[1:], None], strict=True):
                after = None if following is None else session.items[following]
                # The signal ends the process, and the pipe says nothing: noticed.
                signal.setitimer(signal.ITIMER_PROF, _LEAST_CPU_S + 10 * self._seconds[number])
                if not _passes(session.items[number], after):
                    os.write(write, str(number).encode())
                    break
            else:
                os.write(write, b"s")
        except BaseException:  # noqa: BLE001 - whatever a mutant brings about, it was noticed
            os.write(write, b"k")
        finally:
            os._exit(0)

    def _say(self, text: str) -> None:
        os.write(2, f"mutation: {text}\n".encode())


def _of(running: dict[int, tuple[Mutant, int, float]]) -> list[Mutant]:
    return [mutant for mutant, _, _ in running.values()]


def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol

    reports = runtestprotocol(item, log=False, nextitem=following)
    return not any(report.failed for report in reports)


def write(results: Results, path: Path) -> None:
    """The results as JSON."""
    value = {
        "killed": len(results.killed),
        "survived": [mutant.key for mutant in results.survived],
        "unreached": [mutant.key for mutant in results.unreached],
        "seconds": round(results.seconds),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
