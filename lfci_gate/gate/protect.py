"""Rule 13: protected paths change only with approvals of exactly this change. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from lfci_gate.config.policy import protections
from lfci_gate.gate.apart import Apart, Asked, Attested
from lfci_gate.gate.evidence import EvidenceBook, reason_of
from lfci_gate.gate.facts import CONFIG_PATH, Limits
from lfci_gate.gate.strength import Counted, Roles, key_problem
from lfci_gate.gate.weaker import weaker_facts
from lfci_gate.git.inputs import FilteredTree, inputs_tree
from lfci_gate.git.names import empty_tree
from lfci_gate.git.tree import GITLINK, SYMLINK, diff
from lfci_gate.git.tree import shown as shown_path
from lfci_gate.model import (
    Approval,
    ObjectId,
    ObjectSource,
    Policy,
    PolicyKey,
    Protection,
    Reason,
    Requirement,
    Rule,
)
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value


class Change(Value):
    """What the push does to the protected ref as a whole: old tip to new tip."""

    ref: str
    commit: ObjectId
    old_tree: ObjectId | None
    """None only for the first landing of an empty forge."""
    new_tree: ObjectId


class Part(Value):
    """One protection's part of a change; its two trees are what an approval names."""

    protection: Protection
    from_tree: ObjectId
    to_tree: ObjectId


def changed_parts(source: ObjectSource, change: Change, rule: Rule) -> tuple[Part, ...]:
    """The protections whose part differs between old and new tip."""
    parts = []
    for protection in protections(rule):
        old = protected_part(source, change.old_tree, protection.paths).oid
        new = protected_part(source, change.new_tree, protection.paths).oid
        if old != new:
            parts.append(Part(protection, old, new))
    return tuple(parts)


def rule_13_approvals(
    part: Part,
    change: Change,
    source: ObjectSource,
    book: EvidenceBook,
    policy: Policy,
    rule: Rule,
    apart: Apart,
    now: datetime,
    limits: Limits,
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """Reasons (empty when approved) and the ids of the approvals that count.

    Arguments: ``apart`` knows who attested the change, and the parts of it that are approved already.
    """
    approvers: dict[str, str] = {}
    misses: list[str] = []
    roles = roles_of_part(part, change, source, policy, now)
    for evidence in book.about(part.to_tree).evidence:
        approval = evidence.statement
        if not isinstance(approval, Approval) or approval.to_tree != part.to_tree:
            continue
        for key in evidence.keys:
            problem = _not_counting(approval, key, roles, part, change, policy, rule, now, limits)
            if problem:
                misses.append(f"{key.name}: {problem}")
            else:
                approvers.setdefault(key.identity, evidence.id)
    asked = Asked(frozenset(approvers), part.protection.threshold)
    chosen = apart.approve(asked)
    if chosen is not None:
        return (), tuple(found for who, found in approvers.items() if who in chosen)
    torn = apart.torn(asked)
    misses += [f"{who}: attested the change, so it does not also approve it" for who in sorted(torn)]
    return (_refusal(part, change, source, len(approvers) - len(torn), misses),), ()


def attested(counted: Iterable[tuple[Requirement, Counted]]) -> Apart:
    """Who attested a change. A check that too few attest is refused for that; rule 13 asks for no more."""
    checks = []
    for requirement, outcome in counted:
        groups = outcome.groups or (outcome.identities,)
        checks.append(Attested(groups, min(requirement.threshold, max(map(len, groups)))))
    return Apart(checks)


def _not_counting(
    approval: Approval,
    key: PolicyKey,
    roles: Roles,
    part: Part,
    change: Change,
    policy: Policy,
    rule: Rule,
    now: datetime,
    limits: Limits,
) -> str:
    """Why this key's approval does not count; empty when it does."""
    if approval.repository != policy.repository:
        return "approved in another repository"
    if approval.ref != change.ref:
        return "approved for another ref"
    if approval.paths != part.protection.paths:
        return "approved other paths than the policy protects"
    if approval.from_tree != part.from_tree:
        return "approved a change from another base"
    lacks = roles.lacks(key, part.protection.roles)
    if lacks:
        return f"has no role that may approve ({lacks})"
    problem = key_problem(key, approval.issued_at, now)
    if problem:
        return problem
    if approval.issued_at - now > timedelta(seconds=limits.clock_skew_s):
        return "the approval is from the future"
    if rule.max_age_s is not None and now - approval.issued_at > timedelta(seconds=rule.max_age_s):
        return "the approval has expired"
    return ""


def roles_of_part(part: Part, change: Change, source: ObjectSource, policy: Policy, now: datetime) -> Roles:
    """The roles that keys have for this part of a change."""
    if not policy.roles and not policy.delegations:
        return Roles()
    from lfci_gate.gate.standing import RolesForChange  # what few policies have, few pushes pay for

    return RolesForChange(policy, change.ref, lambda: changed_paths(source, change, part.protection), now)


def _refusal(part: Part, change: Change, source: ObjectSource, counting: int, misses: list[str]) -> Reason:
    protection = part.protection
    paths = changed_paths(source, change, protection)
    shown = ", ".join(shown_path(path) for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    wanted = f"needs {protection.threshold} of role {' or '.join(protection.roles)}, has {counting}"
    weaker = weaker_facts(source, change.old_tree, change.new_tree) if CONFIG_PATH in paths else ()
    return reason_of(
        "LFCI215" if misses else "LFCI206",
        "approvals of the protected paths do not count"
        if misses
        else "protected paths changed without approval",
        commit=change.commit,
        facts=(f"changed: {shown}{more}", wanted, *weaker, *misses[:3]),
        hint=f"ask a {protection.roles[0]} for: lfci approve {change.commit[:12]}",
    )


def protected_part(source: ObjectSource, tree: ObjectId | None, paths: tuple[str, ...]) -> FilteredTree:
    """What is left of a tree when only a protection's paths are kept.

    A symlink or submodule that takes the place of a protected directory belongs to it: what
    programs find below `.cargo/` is then wherever the link leads.
    """
    if tree is None:
        return FilteredTree(empty_tree(source.hash_name), ())
    return inputs_tree(source, tree, PatternSet(paths), always=(), links=_links(paths))


def _links(paths: tuple[str, ...]) -> PatternSet:
    """Patterns that name a place: `**/*.lock` could lead through every link of the tree."""
    return PatternSet([path for path in paths if not path.startswith(("**", "!"))])


def changed_paths(source: ObjectSource, change: Change, protection: Protection) -> tuple[bytes, ...]:
    """Changed paths that the protection covers, in tree order."""
    patterns = PatternSet(protection.paths)
    links = _links(protection.paths)
    found = []
    for path, old, new in diff(source, change.old_tree, change.new_tree):
        is_link = any(entry is not None and entry.mode in (SYMLINK, GITLINK) for entry in (old, new))
        if patterns.matches(path) or (is_link and links.may_match_below(path)):
            found.append(path)
    return tuple(found)
