"""Rule 14: tests and dependencies against the base, and what of the configuration became weaker. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lfci_gate.config.policy import protections
from lfci_gate.errors import LfciError
from lfci_gate.gate.dependencies import lockfile_changes, rule_14_dependencies
from lfci_gate.gate.findings import Findings
from lfci_gate.gate.protect import Change, Part
from lfci_gate.gate.quarantine import newly_quarantined
from lfci_gate.gate.results import Sight
from lfci_gate.gate.strength import Counted
from lfci_gate.gate.weaker import weaker_remarks
from lfci_gate.model import CheckRun, ObjectId, Protection, Reason, Requirement, Rule
from lfci_gate.value import replace

__all__ = ["WHOLE", "Sight", "rule_14", "whole_change"]

WHOLE = ("**",)
"""The paths of an approval that lets tests vanish: it is of the whole change."""

Approved = Callable[[Part], bool]
"""Whether a part of the change is approved."""


def rule_14(
    sight: Sight,
    change: Change,
    base: ObjectId | None,
    rule: Rule,
    counted: Iterable[tuple[Requirement, Counted]],
    approved: Approved,
    findings: Findings,
) -> None:
    """Rule 14 for one ref, and what of the configuration became weaker, which no rule refuses but everybody
    is to see. Arguments: ``base`` is the commit that the change is compared with, ``counted`` what counts
    for the new tip."""
    pairs = tuple(counted)
    source = sight.view.objects
    try:
        findings.remarks += weaker_remarks(source, change.old_tree, change.new_tree)
        findings.remarks += lockfile_changes(source, change.old_tree, change.new_tree)
        if rule.dependencies_unpinned == "refuse":
            runs = [run for _requirement, outcome in pairs for run in _runs(outcome)]
            findings.refused += rule_14_dependencies(source, change.new_tree, change.commit, runs)
        if rule.tests_removed != "allow":
            _tests(sight, change, base, rule, pairs, approved, findings)
    except LfciError as error:
        findings.catch(error, change.commit)


def _tests(
    sight: Sight,
    change: Change,
    base: ObjectId | None,
    rule: Rule,
    counted: tuple[tuple[Requirement, Counted], ...],
    approved: Approved,
    findings: Findings,
) -> None:
    if base is None:
        findings.remarks.append("first landing: no base to compare tests with")
        return
    from lfci_gate.gate.base_tests import tests_against_base  # what no policy asks for, no push pays for

    reasons: list[Reason] = []
    for requirement, outcome in counted:
        reasons += newly_quarantined(sight.view.objects, change, requirement.check)
        compared = tests_against_base(sight, base, change, requirement, _runs(outcome))
        reasons += compared.reasons
        findings.remarks += compared.remarks
    if reasons and rule.tests_removed == "approval":
        part = whole_change(change, rule)
        if approved(part):
            allowed = [f"check {reason.check}: {fact}" for reason in reasons for fact in reason.facts]
            findings.remarks += [f"approved: {fact}" for fact in allowed]
            return
        hint = f"ask a {part.protection.roles[0]} for: lfci approve {change.commit[:12]} --tests"
        reasons = [replace(reason, hint=hint) for reason in reasons]
    findings.refused += reasons


def whole_change(change: Change, rule: Rule) -> Part:
    """The part that somebody approves who lets tests vanish: all of the change, by any of the roles
    that may approve something of it."""
    assert change.old_tree is not None
    roles = tuple(sorted({role for each in protections(rule) for role in each.roles}))
    return Part(Protection(WHOLE, roles, 1), change.old_tree, change.new_tree)


def _runs(outcome: Counted) -> list[CheckRun]:
    runs = [evidence.statement for evidence in outcome.keys.values()]
    return [run for run in runs if isinstance(run, CheckRun)]
