"""One check, run several times: `lfci check --twice` and `lfci check --runs N`.

What may come of it: all runs came to one result, then the first of them is the run, and is attested like any
other; or they did not, then nothing is known, and nothing is attested. The second run of `--twice` is made
under other settings (:mod:`lfci_gate.engines.conditions`) and is never attested itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lfci_gate.clone.differences import documents_between
from lfci_gate.clone.flakes import Table, agree, table
from lfci_gate.engines.conditions import NORMAL, Conditions, later_second, other_than
from lfci_gate.engines.outcome import RunResult
from lfci_gate.engines.scratch import interruptible
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.model import Engine, Outcome
from lfci_gate.value import Value, replace

__all__ = ["MOST_RUNS", "Repeated", "run_many", "run_twice"]

MOST_RUNS: Final = 1000
DISAGREE: Final = "LFCI334"

Execute = Callable[[int, Conditions], RunResult]
"""Runs the check; gets the number of the run, from 1, and its settings. Raises as the engine does."""


class Repeated(Value):
    """What several runs have shown."""

    wanted: int
    runs: tuple[RunResult, ...]
    """At least one, in their order."""
    settings: Conditions | None = None
    """Of the second run, where it had other ones."""
    unvaried: tuple[str, ...] = ()
    """What could not be another then, in words."""
    stopped: LfciError | None = None
    """Why there are fewer than ``wanted``."""
    differences: tuple[str, ...] = ()
    """Of the two runs, where the second had other settings; one line each."""

    @property
    def failures(self) -> int:
        return sum(each.outcome is Outcome.FAILED for each in self.runs)

    @property
    def table(self) -> Table:
        return table(self.runs)

    @property
    def result(self) -> RunResult:
        """The one run that stands for all: the first, where they agree; else an undecided one."""
        first = self.runs[0]
        if self.stopped is not None:
            text = f"{self.stopped.message}, after {len(self.runs)} of {self.wanted} runs"
            return _undecided(first, self.stopped.code, text, self.stopped.facts)
        ends = {(each.outcome, each.code) for each in self.runs}
        if agree(self.runs) or (first.outcome is Outcome.UNDECIDED and len(ends) == 1):
            return first
        if self.settings is not None:
            return _undecided(first, DISAGREE, "it ended otherwise under other settings", self.differences)
        found = self.table
        facts = [f"{found.passed} passed, {found.failed} failed, {found.undecided} undecided"]
        facts += [f"test {ascii(each.id)[1:-1][:200]} did not always end alike" for each in found.unsteady]
        facts += [f"artifact {ascii(path)}: {count} versions" for path, count in found.artifacts]
        return _undecided(first, DISAGREE, f"its {len(self.runs)} runs do not agree", tuple(facts))


def run_twice(execute: Execute, engine: Engine) -> Repeated:
    """A normal run, and when it came to a result, a second one under other settings.

    Raises what ``execute`` raises of the first run.
    """
    with interruptible():
        first = execute(1, NORMAL)
        if first.result is None:
            return Repeated(1, (first,))
        settings, unvaried = other_than(first.measured, engine)
        try:
            later_second(first.started_at)
            second = execute(2, settings)
        except (LfciError, KeyboardInterrupt) as reason:
            return Repeated(2, (first,), settings, unvaried, _stop(reason))
    if settings.scratch is not None and _same_order(first, second):
        unvaried = (*unvaried, "order of directory entries: it was the same in both runs")
    return Repeated(2, (first, second), settings, unvaried, None, _between(first, second))


def run_many(execute: Execute, wanted: int) -> Repeated:
    """So many normal runs, or as many as there were when it was interrupted or could not go on.

    Raises what ``execute`` raises of the first run.
    """
    runs: list[RunResult] = []
    stopped = None
    with interruptible():
        try:
            while len(runs) < wanted:
                runs.append(execute(len(runs) + 1, NORMAL))
        except (LfciError, KeyboardInterrupt) as reason:
            if not runs:
                raise
            stopped = _stop(reason)
    return Repeated(wanted, tuple(runs), stopped=stopped)


def _stop(reason: LfciError | KeyboardInterrupt) -> LfciError:
    if isinstance(reason, LfciError):
        return reason
    return Undecided("LFCI314", "the run was interrupted", facts=tuple(map(str, reason.args)))


def _same_order(first: RunResult, second: RunResult) -> bool:
    there = (first.measured, second.measured)
    return None not in there and len({each.order for each in there if each is not None}) == 1


def _between(first: RunResult, second: RunResult) -> tuple[str, ...]:
    if first.result is None or second.result is None:
        return (f"otherwise it is undecided: {second.message} ({second.code})",)
    return tuple(documents_between(first.result, second.result, "as usual", "otherwise"))


def _undecided(run: RunResult, code: str, message: str, facts: tuple[str, ...]) -> RunResult:
    return replace(
        run, outcome=Outcome.UNDECIDED, code=code, message=message, remarks=facts, result=None, counts=None
    )
