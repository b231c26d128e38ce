"""Rule 14: tests and dependencies against the base. Pure.

A test vanished when it passed on the base and is gone, or skipped, in the pushed tree's result
documents. What an attester says of the base cannot shrink it: the tests of all passing documents of
the base count together, and of the pushed tree only those that every counting document executed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from lfci_gate.attest.results import parse_result
from lfci_gate.config.policy import protections
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError, Refusal
from lfci_gate.gate.evidence import EvidenceBook, reason_of
from lfci_gate.gate.facts import CONFIG_PATH, RESULTS_REF, Limits, View
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Change, Part
from lfci_gate.gate.strength import Counted
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.results import read_result
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    CheckRun,
    ObjectId,
    Outcome,
    Policy,
    Protection,
    Reason,
    Requirement,
    ResultDocument,
    Rule,
    Sha256,
)
from lfci_gate.patterns import PatternSet

WHOLE = ("**",)
"""The paths of an approval that lets tests vanish: it is of the whole change."""


class Results:
    """Result documents by sha256: of this push, of the inbox, of what was folded."""

    def __init__(self, view: View, pushed: Mapping[ObjectId, Iterable[ObjectId]], limits: Limits) -> None:
        self._view = view
        self._pushed = pushed
        self._limits = limits

    def read(self, run: CheckRun) -> ResultDocument | None:
        """The document of a run; None when it is nowhere. Raises Refusal LFCI115 when malformed."""
        data = self._bytes(run.inputs_tree, run.result_sha256)
        return None if data is None else parse_result(data)

    def _bytes(self, subject: ObjectId, name: Sha256) -> bytes | None:
        limit = self._limits.result_bytes
        landed = self._view.ref(RESULTS_REF)
        if landed is not None:
            tree = read_commit(self._view.objects, landed).tree
            data = read_result(self._view.objects, tree, name, limit=limit)
            if data is not None:
                return data
        trees = [*self._pushed.get(subject, ())]
        trees += [tree for _ref, tree in self._view.inbox().get(subject, ())]
        for tree in trees:
            try:
                _line, result = read_inbox_tree(self._view.objects, tree, max_result_bytes=limit)
            except Refusal:
                continue  # a malformed inbox ref holds no document
            if result is not None and hashlib.sha256(result).hexdigest() == name:
                return result
        return None


def whole_change(change: Change, rule: Rule) -> Part:
    """The part that somebody approves who lets tests vanish: all of the change, by any of the roles
    that may approve something of it."""
    assert change.old_tree is not None
    roles = tuple(sorted({role for each in protections(rule) for role in each.roles}))
    return Part(Protection(WHOLE, roles, 1), change.old_tree, change.new_tree)


def rule_14_tests(
    view: View,
    book: EvidenceBook,
    results: Results,
    policy: Policy,
    base_tree: ObjectId,
    commit: ObjectId,
    counted: Iterable[tuple[Requirement, Counted]],
    limits: Limits,
) -> tuple[list[Reason], list[str]]:
    """A reason for each check whose tests vanished, and remarks where nothing could be compared."""
    reasons: list[Reason] = []
    remarks: list[str] = []
    for requirement, outcome in counted:
        runs = [run for run in _runs(outcome) if run.tests is not None]
        if not runs:
            continue  # not attested (told already), or a check without a report
        before = _base_runs(view, book, policy, base_tree, requirement, limits)
        if not before:
            remarks.append(f"check {requirement.check}: no result of the base, so no tests were compared")
            continue
        if {run.inputs_tree for run in before} == {run.inputs_tree for run in runs}:
            continue  # the check sees what it saw before
        passed = _ids(results, before, ("passed",), set.union)
        executed = _ids(results, runs, ("passed", "failed"), set.intersection)
        if passed is None or executed is None:
            remarks.append(f"check {requirement.check}: a result document is missing; no tests were compared")
            continue
        gone = sorted(passed - executed)
        if gone:
            reasons.append(_vanished(requirement.check, gone, commit))
    return reasons, remarks


def rule_14_dependencies(commit: ObjectId, counted: Iterable[tuple[Requirement, Counted]]) -> list[Reason]:
    """Lockfiles with entries that have no content hash, or of which nobody can tell."""
    found: dict[str, str] = {}
    for _requirement, outcome in counted:
        for run in _runs(outcome):
            for lockfile in run.lockfiles:
                if lockfile.unpinned is None:
                    found[lockfile.path] = "its entries cannot be counted by this version"
                elif lockfile.unpinned:
                    found[lockfile.path] = f"{lockfile.unpinned} entries without a content hash"
    if not found:
        return []
    facts = tuple(f"{ascii(path)[1:-1]}: {why}" for path, why in sorted(found.items()))
    message = "the policy refuses dependencies that are not known to be pinned"
    return [reason_of("LFCI214", message, commit=commit, facts=facts)]


def _runs(outcome: Counted) -> list[CheckRun]:
    runs = [evidence.statement for evidence in outcome.keys.values()]
    return [run for run in runs if isinstance(run, CheckRun)]


def _base_runs(
    view: View,
    book: EvidenceBook,
    policy: Policy,
    tree: ObjectId,
    requirement: Requirement,
    limits: Limits,
) -> list[CheckRun]:
    """Passing runs of the check on the base, as the base declared it, by keys whose role counts. How
    old they are does not matter: they landed."""
    try:
        data = read_file(view.objects, tree, CONFIG_PATH, limits.config_bytes)
        definition = None if data is None else parse_project(data).check(requirement.check)
    except LfciError:
        return []  # what landed before the gate may be anything
    if definition is None:
        return []
    subject = inputs_tree(view.objects, tree, PatternSet(definition.inputs)).oid
    found = []
    for evidence in book.about(subject).evidence:
        run = evidence.statement
        if (
            isinstance(run, CheckRun)
            and (run.check, run.definition, run.repository)
            == (requirement.check, definition.digest, policy.repository)
            and run.result is Outcome.PASSED
            and run.tests is not None
            and any(set(key.roles) & set(requirement.roles) for key in evidence.keys)
        ):
            found.append(run)
    return found


def _ids(
    results: Results,
    runs: list[CheckRun],
    outcomes: tuple[str, ...],
    combine: Callable[..., set[str]],
) -> set[str] | None:
    sets = []
    for run in runs:
        document = results.read(run)
        if document is None:
            return None
        sets.append({case.id for case in document.tests if case.outcome in outcomes})
    return combine(*sets)


def _vanished(check: str, gone: list[str], commit: ObjectId) -> Reason:
    shown = [ascii(each)[1:-1][:120] for each in gone[:3]]
    more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
    count = "1 test" if len(gone) == 1 else f"{len(gone)} tests"
    return reason_of(
        "LFCI213",
        f"{count} of check {check} passed on the base, now gone or skipped",
        check=check,
        commit=commit,
        facts=(f"tests: {', '.join(shown)}{more}",),
    )
