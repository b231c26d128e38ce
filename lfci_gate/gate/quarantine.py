"""Tests whose failure is known, and when a failed run counts because only these failed. Pure.

Such a run stays FAILED, and everybody reads it. It counts for a requirement when all of this holds:

1. the requirement says `quarantine = "allow"`;
2. the check is declared with `failures = "report"`, and its command ended with 0: so it came to its end, and
   all else that it looks at is in order. A command that ends with another status says that something failed,
   and nobody can tell whether only that: what would have come next never ran;
3. the result document is there, and some test failed in it;
4. every test that failed is in quarantine in `.lfci/config.toml` of the base, not of the change, and by the
   forge's clock the quarantine has not ended.

Whatever cannot be told is no quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from lfci_gate.config.project import parse_project
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.binding import Expected
from lfci_gate.gate.evidence import reason_of
from lfci_gate.gate.facts import CONFIG_PATH, Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    ObjectId,
    ObjectSource,
    Outcome,
    Quarantined,
    Reason,
    Requirement,
    ResultDocument,
)

if TYPE_CHECKING:
    from lfci_gate.gate.protect import Change

__all__ = ["failed_in_quarantine", "failures_of", "in_quarantine", "newly_quarantined", "told", "tolerated"]

_SHOWN = 10
_SHOWN_CHARS = 160


def in_quarantine(
    source: ObjectSource,
    base: ObjectId | None,
    requirement: Requirement,
    definition: CheckDefinition,
    now: datetime,
) -> frozenset[str]:
    """Ids of the tests of a check that the commit ``base`` has in quarantine at the moment ``now``; none
    where the requirement or the check's declaration knows no quarantine. Raises Undecided LFCI501."""
    if not requirement.quarantine or definition.failures != "report" or base is None:
        return frozenset()
    entries = _entries(source, read_commit(source, base).tree, definition.name)
    return frozenset(each.test for each in entries if now < each.until)


def tolerated(run: CheckRun, expected: Expected) -> bool:
    """Whether a failed run counts because only tests in quarantine failed. Raises Undecided LFCI501."""
    return bool(failures_of(run, expected))


def failed_in_quarantine(document: ResultDocument, quarantine: frozenset[str]) -> tuple[str, ...]:
    """Ids of what failed, sorted, when the command ended with 0 and only tests in quarantine failed; else
    nothing."""
    failed = {case.id for case in document.tests if case.outcome == "failed"}
    return tuple(sorted(failed)) if document.exit_code == 0 and failed <= quarantine else ()


def failures_of(run: CheckRun, expected: Expected) -> tuple[str, ...]:
    """Ids of the tests that failed in a run that is :func:`tolerated`; nothing for any other. Raises
    Undecided LFCI501."""
    if run.result is Outcome.PASSED or not expected.quarantine:
        return ()  # and nothing is read
    try:
        document = expected.document(run)
    except Refusal:
        return ()  # malformed: nothing is known of what failed
    return () if document is None else failed_in_quarantine(document, expected.quarantine)


def told(run: CheckRun, expected: Expected) -> str:
    """What everybody is to read of a run that is :func:`tolerated`, in one line."""
    names = _some(failures_of(run, expected))
    return f"QUARANTINE: check {run.check} FAILED, and counts: in quarantine on the base: {names}"


def newly_quarantined(source: ObjectSource, change: Change, check: str) -> tuple[Reason, ...]:
    """LFCI213 for tests of a check that a change has in quarantine, or has there for longer, and its base has
    not: to rule 14 they no longer count. Raises Undecided LFCI501."""
    assert change.old_tree is not None
    held = {each.test: each.until for each in _entries(source, change.old_tree, check)}
    fresh = [
        each.test
        for each in _entries(source, change.new_tree, check)
        if each.test not in held or each.until > held[each.test]
    ]
    if not fresh:
        return ()
    count = "1 test" if len(fresh) == 1 else f"{len(fresh)} tests"
    return (
        reason_of(
            "LFCI213",
            f"{count} of check {check} would be in quarantine, or longer than before",
            check=check,
            commit=change.commit,
            facts=(f"newly in quarantine: {_some(fresh)}",),
            hint="leave them out of `quarantine` in .lfci/config.toml: the policy lets no test vanish",
        ),
    )


def _entries(source: ObjectSource, tree: ObjectId, check: str) -> tuple[Quarantined, ...]:
    """Those of a check; none where the tree's configuration cannot be read."""
    try:
        data = read_file(source, tree, CONFIG_PATH, Limits().config_bytes)
        config = None if data is None else parse_project(data)
    except (Refusal, UsageError):
        return ()
    return () if config is None else tuple(each for each in config.quarantine if each.check == check)


def _some(names: Iterable[str]) -> str:
    found = [ascii(each)[1:-1] for each in names]
    first = [each if len(each) <= _SHOWN_CHARS else each[:_SHOWN_CHARS] + "..." for each in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(first) + more
