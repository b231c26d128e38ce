"""What differs between an attested result and a rebuilt one, down to the test or the file."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from lfci_gate.model import CheckRun, ResultDocument, Sha256
from lfci_gate.nix.process import last_lines

__all__ = ["between", "diffoscope", "documents_between", "tests_between"]

_SHOWN: Final = 20
_DIFFOSCOPE_S: Final = 60
_DIFFOSCOPE_LINES: Final = 30
_DIFFOSCOPE_BYTES: Final = 16 << 20
"""Of a file; larger ones are told by their digests only."""


def between(
    run: CheckRun,
    attested: ResultDocument | None,
    here: ResultDocument,
    explain: Callable[[Sha256, Sha256], tuple[str, ...]],
) -> tuple[str, ...]:
    """Lines that name each difference; never empty.

    Arguments:
        attested: the result document that ``run`` names; None when this clone does not have it.
        explain: more lines about two files by their sha256.
    """
    found = []
    if run.exit_code != here.exit_code:
        found.append(f"exit status: attested {run.exit_code}, here {here.exit_code}")
    if attested is None:
        found.append("the attested list of tests is not in this clone, so only digests can be compared")
        if run.tests is not None:
            counted = Counter(case.outcome for case in here.tests)
            found.append(
                f"tests: attested {run.tests.passed} passed, {run.tests.failed} failed, {run.tests.skipped}"
                f" skipped; here {counted['passed']}, {counted['failed']}, {counted['skipped']}"
            )
    else:
        found += tests_between(attested, here, "attested", "here")
    there = {file.path: file.sha256 for file in run.artifacts}
    ours = {file.path: file.sha256 for file in here.artifacts}
    for path in sorted(there.keys() | ours.keys()):
        if there.get(path) != ours.get(path):
            attested_is, here_is = (each.get(path, "nothing")[:12] for each in (there, ours))
            found.append(f"artifact {ascii(path)}: attested {attested_is}, here {here_is}")
            if path in there and path in ours:
                found += explain(there[path], ours[path])
    if not found:
        found.append("the digest that is attested is of no result like this one")
    return tuple(found)


def documents_between(one: ResultDocument, two: ResultDocument, first: str, second: str) -> list[str]:
    """A line for each difference of two results; none when they are equal.

    Arguments:
        first, second: what the two are called in the lines.
    """
    found = []
    if one.exit_code != two.exit_code:
        found.append(f"exit status: {first} {one.exit_code}, {second} {two.exit_code}")
    found += tests_between(one, two, first, second)
    sides = [{file.path: file.sha256 for file in each.artifacts} for each in (one, two)]
    for path in sorted(sides[0].keys() | sides[1].keys()):
        left, right = (each.get(path, "nothing")[:12] for each in sides)
        if sides[0].get(path) != sides[1].get(path):
            found.append(f"artifact {ascii(path)}: {first} {left}, {second} {right}")
    return found


def tests_between(one: ResultDocument, two: ResultDocument, first: str, second: str) -> list[str]:
    """A line for each test that ended differently, at most so many."""
    outcomes: list[dict[str, list[str]]] = [{}, {}]
    for document, held in zip((one, two), outcomes, strict=True):
        for case in document.tests:
            held.setdefault(case.id, []).append(case.outcome)
    left, right = outcomes
    differing = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
    lines = [
        f"test {ascii(name)[1:-1][:200]}: {first} {_told(left.get(name))}, {second} {_told(right.get(name))}"
        for name in differing[:_SHOWN]
    ]
    if len(differing) > _SHOWN:
        lines.append(f"and {len(differing) - _SHOWN} more tests")
    return lines


def _told(outcomes: Iterable[str] | None) -> str:
    return "not there" if outcomes is None else " and ".join(sorted(outcomes))


def diffoscope(one: Path, two: Path) -> tuple[str, ...]:
    """What diffoscope says about two files, bounded; nothing where it is not installed or cannot tell.

    The files come from runs of code that is not trusted, and diffoscope starts other programs on
    them: it gets no environment but PATH and is given little time.
    """
    program = shutil.which("diffoscope")
    files = (one, two)
    if program is None or not all(_is_small(file) for file in files):
        return ()
    argv = [program, "--no-progress", "--text-color", "never", "--max-report-size", "65536"]
    try:
        done = subprocess.run(
            [*argv, "--text", "-", "--", str(one), str(two)],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DIFFOSCOPE_S,
            check=False,
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    # Its first lines name the files; the hunks follow.
    lines = done.stdout.splitlines()[2 : 2 + _DIFFOSCOPE_LINES]
    return tuple(f"  {line}" for raw in lines for line in last_lines(raw))


def _is_small(file: Path) -> bool:
    try:
        return file.stat().st_size <= _DIFFOSCOPE_BYTES
    except OSError:
        return False
