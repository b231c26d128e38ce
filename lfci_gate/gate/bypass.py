"""Rule 16: break-glass. Pure.

Some people that the policy names may, together, let one exact ref update land without all that its
rule asks for. It comes after all other rules, and it is an exception to what they found, never another
way through them: nothing that keeps the repository or the policy sound can be waived, and what could
not be decided stays undecided (docs/decisions/0007-break-glass.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from lfci_gate.canonical import format_time
from lfci_gate.errors import LfciError
from lfci_gate.gate.binding import Roles
from lfci_gate.gate.evidence import Evidence, EvidenceBook, reason_of
from lfci_gate.gate.facts import POLICY_PATH, Limits, View
from lfci_gate.gate.findings import APPROVALS, BASE, CHECKS, Findings
from lfci_gate.gate.protect import Change
from lfci_gate.gate.strength import key_problem
from lfci_gate.git.tree import lookup
from lfci_gate.model import BreakGlass, Bypass, ObjectId, ObjectSource, Policy, Reason, Rule
from lfci_gate.value import Value

WAIVABLE: dict[str, tuple[str, frozenset[str]]] = {
    "checks": (
        CHECKS,
        frozenset(
            {f"LFCI{number}" for number in range(101, 120)} | {"LFCI404", "LFCI405", "LFCI406", "LFCI414"}
        ),
    ),
    "approvals": (APPROVALS, frozenset({"LFCI206", "LFCI215"})),
    "tests": (BASE, frozenset({"LFCI213", "LFCI221"})),
    "dependencies": (BASE, frozenset({"LFCI214"})),
}
"""What each word of `waives` stands for: what these rules refused, with these codes. Nothing else is ever
waived, whatever its code."""

_FEWEST = 2
"""Whatever a policy says, nobody breaks the glass alone."""
_MOST_CHARS = 500
"""Of a reason, where people read it in one line; the statement has all of it."""


class Offer(Value):
    """The ref update that a bypass must be for, and the policy that must know it."""

    change: Change
    old: ObjectId | None
    """The commit that the ref leaves; None for a ref that does not exist yet."""
    source: ObjectSource
    policy: Policy
    rule: Rule
    now: datetime
    limits: Limits
    roles: Roles
    """Those that keys have for this change."""


class _Counting(Value):
    """A bypass that counts."""

    evidence: Evidence
    bypass: Bypass
    by: tuple[str, ...]
    """The identities that signed it, sorted."""


def rule_16_bypass(offer: Offer, book: EvidenceBook, view: View, findings: Findings) -> None:
    """Takes from ``findings`` what a bypass waives, and writes down loudly that it did.

    It waives all that was refused or nothing. One that does not count or does not cover everything is
    LFCI218, one that was used before LFCI219. Where nothing has to be waived it stays unused.
    """
    if findings.undecided:
        return
    if not findings.refused:
        _mention(offer, book, findings)
        return
    try:
        found = book.about(offer.change.commit)
        bypasses = [(each, each.statement) for each in found.evidence if isinstance(each.statement, Bypass)]
        if not bypasses and not found.rejected:
            return
        misses = [f"one cannot be used: {reason.message}" for reason in found.rejected]
        counting, spent = _sorted(offer, bypasses, view, misses)
        for each in counting:
            waived = _waived(offer, each.bypass, findings)
            left = _not_covered(offer, each.bypass, findings, waived)
            if not left:
                _apply(each, waived, findings)
                return
            misses.append(f"{_name(each.evidence)} does not waive {', '.join(left)}")
        findings.refused.append(_refusal(offer, misses, spent))
    except LfciError as error:
        findings.catch(error, offer.change.commit)


def _mention(offer: Offer, book: EvidenceBook, findings: Findings) -> None:
    """A bypass that is not needed is not used up; whoever offered it should know."""
    try:
        offered = book.about(offer.change.commit).evidence
    except LfciError:
        return  # nothing has to be waived, so nothing depends on it
    if any(isinstance(each.statement, Bypass) for each in offered):
        findings.remarks.append("a bypass was offered and not needed: nothing was waived, it is not used up")


# -- does it count -------------------------------------------------------------------------------


def _sorted(
    offer: Offer, bypasses: Iterable[tuple[Evidence, Bypass]], view: View, misses: list[str]
) -> tuple[list[_Counting], list[str]]:
    """Those that count, and the names of those that would if they had not been used before."""
    counting: list[_Counting] = []
    spent: list[str] = []
    allowed = offer.rule.break_glass
    for evidence, bypass in bypasses:
        if allowed is None:
            misses.append(
                f"{_name(evidence)} is not known to the policy: {offer.change.ref} has no break-glass"
            )
            continue
        problem = _problem(offer, allowed, bypass)
        by, unfit = _signers(offer, allowed, evidence, bypass)
        if problem or len(by) < max(_FEWEST, allowed.threshold):
            misses.append(f"{_name(evidence)} {problem or _too_few(allowed, by, unfit)}")
        elif view.spent(evidence.id, offer.change.commit):
            spent.append(_name(evidence))
        else:
            counting.append(_Counting(evidence, bypass, by))
    return counting, spent


def _problem(offer: Offer, allowed: BreakGlass, bypass: Bypass) -> str:
    """Why it does not count, whoever signed it; empty when it does."""
    if bypass.repository != offer.policy.repository:
        return "is for another repository"
    if bypass.ref != offer.change.ref:
        return f"is for another ref, {bypass.ref}"
    if bypass.commit != offer.change.commit:
        return f"is for another commit, {bypass.commit[:12]}"
    if bypass.old != offer.old:
        return f"is for another old tip, {bypass.old[:12] if bypass.old else 'none'}"
    too_much = sorted(set(bypass.waives) - set(allowed.waives))
    if too_much:
        return f"waives {', '.join(too_much)}, which the policy does not let it"
    if bypass.issued_at - offer.now > timedelta(seconds=offer.limits.clock_skew_s):
        return "is from the future"
    if offer.now >= bypass.not_after:
        return f"has expired at {format_time(bypass.not_after)}"
    if bypass.not_after - bypass.issued_at > timedelta(seconds=allowed.longest_s):
        return f"lives longer than {allowed.longest_s} s"
    return ""


def _signers(
    offer: Offer, allowed: BreakGlass, evidence: Evidence, bypass: Bypass
) -> tuple[tuple[str, ...], list[str]]:
    """The identities whose signatures count, and why the others' do not."""
    by: set[str] = set()
    unfit: list[str] = []
    for key in evidence.keys:
        invalid = key_problem(key, bypass.issued_at, offer.now)
        problem = offer.roles.lacks(key, allowed.roles) or (invalid and f"key {key.name} {invalid}")
        if problem:
            unfit.append(problem)
        else:
            by.add(key.identity)
    return tuple(sorted(by)), unfit


def _too_few(allowed: BreakGlass, by: tuple[str, ...], unfit: list[str]) -> str:
    needed = max(_FEWEST, allowed.threshold)
    signed = f"signed by {', '.join(by) or 'nobody who counts'}"
    return "; ".join((f"needs {needed} different people, is {signed}", *unfit))


# -- what it waives --------------------------------------------------------------------------------


def _waived(offer: Offer, bypass: Bypass, findings: Findings) -> tuple[Reason, ...]:
    """What was refused and is the bypass's to waive."""
    waived: list[Reason] = []
    for word in bypass.waives:
        if word == "approvals" and _touches_policy(offer):
            continue  # who may land what is decided by approval, always
        stage, codes = WAIVABLE[word]
        waived += [reason for reason in findings.of_stage(stage) if reason.code in codes]
    return tuple(waived)


def _not_covered(
    offer: Offer, bypass: Bypass, findings: Findings, waived: tuple[Reason, ...]
) -> tuple[str, ...]:
    """What would have to be waived too. Without the run of a check there is nothing to compare its tests
    with, so who waives the one must be let to waive the other, where the rule compares tests."""
    left = {reason.code for reason in findings.refused if not any(reason is each for each in waived)}
    checks = findings.of_stage(CHECKS)
    unseen = offer.rule.tests_removed != "allow" and "tests" not in bypass.waives
    if unseen and any(reason is each for reason in waived for each in checks):
        left.add("tests")
    return tuple(sorted(left))


def _touches_policy(offer: Offer) -> bool:
    change = offer.change
    old = None if change.old_tree is None else lookup(offer.source, change.old_tree, POLICY_PATH)
    return old != lookup(offer.source, change.new_tree, POLICY_PATH)


# -- what is said ------------------------------------------------------------------------------------


def _apply(used: _Counting, waived: tuple[Reason, ...], findings: Findings) -> None:
    findings.refused = []
    findings.bypass = used.evidence.id
    findings.waived = list(waived)
    bypass = used.bypass
    lines = [
        f"did NOT pass, landed by bypass {used.evidence.id}",
        f"signed by {', '.join(used.by)}, good until {format_time(bypass.not_after)}",
        f"asked for by {_quoted(bypass.requested_by)}: {_quoted(bypass.reason)}",
    ]
    lines += dict.fromkeys(f"waived {reason.code}, {reason.message}" for reason in waived)
    findings.remarks += [f"BREAK-GLASS: {line}" for line in lines]


def _refusal(offer: Offer, misses: list[str], spent: list[str]) -> Reason:
    if spent:
        facts = (*(f"{name} was used" for name in spent), *misses)
        return reason_of("LFCI219", "the bypass was used already", commit=offer.change.commit, facts=facts)
    return reason_of("LFCI218", "the bypass does not count", commit=offer.change.commit, facts=tuple(misses))


def _name(evidence: Evidence) -> str:
    return f"bypass {evidence.id[:12]}"


def _quoted(text: str) -> str:
    """One line of plain ASCII between quotes, so that it can be taken for nothing else."""
    line = ascii(" ".join(text.split()))[1:-1]
    return f'"{line if len(line) <= _MOST_CHARS else line[:_MOST_CHARS] + "..."}"'
