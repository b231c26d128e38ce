"""`lfci check --twice` and `--runs N`: what is said while they run, and what they have shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lfci_gate.cli.output import Output
from lfci_gate.cli.progress import QuietProgress, RunProgress
from lfci_gate.clone.flakes import Span
from lfci_gate.clone.repeat import Repeated, run_many, run_twice
from lfci_gate.engines.conditions import Conditions
from lfci_gate.engines.outcome import Progress, RunResult
from lfci_gate.model import Engine, Outcome
from lfci_gate.store import ContentStore

if TYPE_CHECKING:
    from lfci_gate.cli.checking import Options

__all__ = ["execute", "repeated_lines", "repeated_object"]

_SHOWN = 40
"""Tests in a table for people; all are in the JSON."""
_ID_CHARS = 160


def execute(
    output: Output,
    name: str,
    options: Options,
    engine: Engine,
    run: Callable[[Progress, Conditions | None], RunResult],
) -> tuple[RunResult, Repeated | None]:
    """Runs the check ``name`` as ``options`` say: the run, or one that stands for several, and these.

    Raises what ``run`` raises of the first run.
    """
    if options.repeats:
        repeated = _repeat(output, name, options, engine, run)
        return repeated.result, repeated
    progress = RunProgress(output, name, None)
    try:
        return run(progress, None), None
    finally:
        progress.close()


def _repeat(
    output: Output,
    name: str,
    options: Options,
    engine: Engine,
    run: Callable[[Progress, Conditions | None], RunResult],
) -> Repeated:

    def first_or_other(number: int, settings: Conditions) -> RunResult:
        how = "as usual" if number == 1 else f"otherwise: {', '.join(_words(settings))}"
        output.note(f"{name}: run {number} of 2, {how}")
        progress = RunProgress(output, name, None)
        try:
            return run(progress, settings)
        finally:
            progress.close()

    def one_of_many(number: int, settings: Conditions) -> RunResult:
        label = f"{name} ({number} of {options.runs})"
        result = run(QuietProgress(output, label), settings)
        output.note(f"{label}: {result.outcome.value.lower()}, {result.duration_ms / 1000:.1f} s")
        return result

    if options.twice:
        return run_twice(first_or_other, engine)
    return run_many(one_of_many, options.runs)


def _words(settings: Conditions) -> Iterator[str]:
    if settings.one_processor:
        yield "1 processor"
    if settings.scratch is not None:
        yield "files in memory"
    if settings.host != "localhost":
        yield f"host name {settings.host}"
    if settings.processes:
        yield "other process ids"


# -- for people ------------------------------------------------------------------------------------


def repeated_lines(repeated: Repeated, common_dir: Path) -> Iterator[tuple[str, str]]:
    """Line and style of each line that follows that of the check."""
    if repeated.settings is not None:
        for line in repeated.differences:
            yield f"  differs: {line}", "warn"
        if len(repeated.runs) == 2:
            yield f"  the second run had: {', '.join(_words(repeated.settings))}", ""
        for line in repeated.unvaried:
            yield f"  not varied: {line}", ""
    elif repeated.wanted > 1:
        yield from _table_lines(repeated)
    if repeated.result is not repeated.runs[0]:
        yield from _logs(repeated, common_dir)


def _logs(repeated: Repeated, common_dir: Path) -> Iterator[tuple[str, str]]:
    """Where to read on: the first run of each outcome."""
    seen: set[Outcome] = set()
    for number, each in enumerate(repeated.runs, 1):
        if each.outcome not in seen and each.log_stored is not None and each.log_size:
            seen.add(each.outcome)
            path = ContentStore(common_dir / "lfci/cas").path(each.log_stored)
            yield f"  log of run {number} ({each.outcome.value.lower()}): {path}", ""


def _table_lines(repeated: Repeated) -> Iterator[tuple[str, str]]:
    found = repeated.table
    done = f"{len(repeated.runs)} of {repeated.wanted} runs"
    yield f"  {done}: {found.passed} passed, {found.failed} failed, {found.undecided} undecided", ""
    if found.unsteady:
        yield "  passed failed skipped absent  seconds (min/median/max)  test", "strong"
    for each in found.unsteady[:_SHOWN]:
        numbers = f"{each.passed:8} {each.failed:6} {each.skipped:7} {each.absent:6}"
        yield f"{numbers}  {_span(each.seconds):24}  {_plain(each.id)}", "warn"
    if len(found.unsteady) > _SHOWN:
        yield f"  and {len(found.unsteady) - _SHOWN} more tests (--format json has all)", ""
    for path, versions in found.artifacts:
        yield f"  artifact {_plain(path)}: {versions} versions", "warn"
    if found.steady:
        tests = "1 test" if found.steady == 1 else f"{found.steady} tests"
        yield f"  {tests} ended alike in every run that came to a result", ""
    if len(found.statuses) > 1:
        yield f"  exit statuses: {', '.join(map(str, found.statuses))}", ""
    yield f"  seconds for a run (min/median/max): {_span(found.seconds)}", ""


def _span(span: Span | None) -> str:
    return "-" if span is None else f"{span.least:.3g}/{span.median:.3g}/{span.most:.3g}"


def _plain(text: str) -> str:
    escaped = ascii(text)[1:-1]
    return escaped if len(escaped) <= _ID_CHARS else escaped[:_ID_CHARS] + "..."


# -- for programs ----------------------------------------------------------------------------------


def repeated_object(repeated: Repeated) -> dict[str, Any]:
    """The value of ``repeated`` in the JSON of a check."""
    found = repeated.table
    settings = repeated.settings
    return {
        "wanted": repeated.wanted,
        "runs": [
            {
                "result": each.outcome.value,
                "code": each.code,
                "exitCode": each.exit_code,
                "durationMs": each.duration_ms,
                "log": each.log_stored,
            }
            for each in repeated.runs
        ],
        "stopped": None if repeated.stopped is None else repeated.stopped.code,
        "settings": None if settings is None else list(_words(settings)),
        "unvaried": list(repeated.unvaried),
        "differences": list(repeated.differences),
        "passed": found.passed,
        "failed": found.failed,
        "undecided": found.undecided,
        "steadyTests": found.steady,
        "unsteadyTests": [
            {
                "id": each.id,
                "passed": each.passed,
                "failed": each.failed,
                "skipped": each.skipped,
                "absent": each.absent,
                "seconds": _span_object(each.seconds),
            }
            for each in found.unsteady
        ],
        "unsteadyArtifacts": [{"path": path, "versions": count} for path, count in found.artifacts],
        "seconds": _span_object(found.seconds),
    }


def _span_object(span: Span | None) -> dict[str, float] | None:
    return None if span is None else {"min": span.least, "median": span.median, "max": span.most}
