"""What several runs of one check have in common, and what not, test by test. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lfci_gate.engines.outcome import RunResult
from lfci_gate.model import Outcome, ResultDocument
from lfci_gate.value import Value

__all__ = ["Span", "Table", "Unsteady", "agree", "table"]


class Span(Value):
    """Durations of several runs, in seconds."""

    least: float
    median: float
    most: float


class Unsteady(Value):
    """A test that did not end alike in all runs. The four numbers count runs."""

    id: str
    passed: int
    failed: int
    """At least one test of this id failed."""
    skipped: int
    absent: int
    seconds: Span | None
    """Where the report says how long it took."""


class Table(Value):
    """Several runs of one check."""

    passed: int
    failed: int
    undecided: int
    unsteady: tuple[Unsteady, ...]
    """Of the runs with a result; those that failed most often first, then by id."""
    steady: int
    """How many ids ended alike in all of these."""
    artifacts: tuple[tuple[str, int], ...]
    """Path and in how many versions (not there is one, too), where there is more than one."""
    statuses: tuple[int, ...]
    """Exit status of the command, each once."""
    seconds: Span | None
    """Of whole runs."""


def agree(runs: Sequence[RunResult]) -> bool:
    """Whether all runs came to a result, and to the same: outcome, exit status, tests, artifacts."""
    first, *others = runs
    return first.result is not None and all(
        each.outcome is first.outcome and each.result == first.result for each in others
    )


def table(runs: Sequence[RunResult]) -> Table:
    outcomes = Counter(each.outcome for each in runs)
    documents = [each.result for each in runs if each.result is not None]
    seconds: dict[str, list[float]] = {}
    for each in runs:
        for name, took in each.measured.seconds.items() if each.measured is not None else ():
            seconds.setdefault(name, []).append(took)
    ended = [_ended(each) for each in documents]
    unsteady, steady = [], 0
    for name in sorted({name for each in ended for name in each}):
        found = [each.get(name, ()) for each in ended]
        if len(set(found)) == 1:
            steady += 1
        else:
            unsteady.append(_unsteady(name, found, seconds.get(name)))
    unsteady.sort(key=lambda each: (-each.failed, each.id))
    return Table(
        passed=outcomes[Outcome.PASSED],
        failed=outcomes[Outcome.FAILED],
        undecided=outcomes[Outcome.UNDECIDED],
        unsteady=tuple(unsteady),
        steady=steady,
        artifacts=_artifacts(documents),
        statuses=tuple(sorted({each.exit_code for each in documents})),
        seconds=_span([each.duration_ms / 1000 for each in runs]),
    )


def _ended(document: ResultDocument) -> dict[str, tuple[str, ...]]:
    """Id -> outcomes of all tests with it, sorted, as the document has them."""
    found: dict[str, tuple[str, ...]] = {}
    for case in document.tests:
        found[case.id] = (*found.get(case.id, ()), case.outcome)
    return found


def _unsteady(name: str, found: list[tuple[str, ...]], seconds: list[float] | None) -> Unsteady:
    counted = Counter(_word(each) for each in found)
    return Unsteady(
        name,
        counted["passed"],
        counted["failed"],
        counted["skipped"],
        counted["absent"],
        _span(seconds or []),
    )


def _word(outcomes: tuple[str, ...]) -> str:
    if not outcomes:
        return "absent"
    return next(each for each in ("failed", "passed", "skipped") if each in outcomes)


def _artifacts(documents: list[ResultDocument]) -> tuple[tuple[str, int], ...]:
    held = [{file.path: file.sha256 for file in each.artifacts} for each in documents]
    paths = sorted({path for each in held for path in each})
    versions = [(path, len({each.get(path) for each in held})) for path in paths]
    return tuple((path, count) for path, count in versions if count > 1)


def _span(values: Sequence[float]) -> Span | None:
    from statistics import median  # brings fractions, decimals and chance: not for every run

    return Span(min(values), median(values), max(values)) if values else None
