"""Can a policy be met, and by how many? What is asked when a policy is proposed, never on the way of
other pushes. Pure.

Counted are identities that could do something at all: somewhere among the refs of a rule, for some change
of the paths in question. A requirement that nobody could ever meet there locks everybody out. What depends on
who is on holiday, or on which paths one change happens to touch, does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from lfci_gate.config.overlap import could_both_match
from lfci_gate.config.policy_text import POLICY_PATH, protections
from lfci_gate.fields import format_time
from lfci_gate.model import Assurance, Policy, PolicyKey, Protection, Requirement, Rule
from lfci_gate.patterns import PatternSet

SOON = timedelta(days=14)
_MOMENTS = 64
"""Ends of keys and delegations that are looked at within :data:`SOON`."""
_STEPS = 20_000
"""Tries to tell attesters and approvers apart, before it is taken for possible."""

_ANY = ""
"""Some path, whichever."""
_POLICY = POLICY_PATH.decode()


def problems(policy: Policy, *, now: datetime | None = None, head: str | None = None) -> tuple[str, ...]:
    """One line for each requirement, protection or break-glass that nobody could ever meet. Empty: nobody
    is locked out.

    Arguments: with ``now`` only keys and delegations count that do at that moment; without it all but
    revoked keys do. ``head`` is the branch whose rule has to let the policy itself be changed. The rules that
    this follows are 12, 13 and 16 of docs/rules.md: who attested does not approve, who attested does
    not verify, and the policy file changes by plain roles only.
    """
    people = _People(policy, now)
    found: list[str] = []
    heads_rule = None if head is None else _rule_of(policy, head)
    for number, rule in enumerate(policy.rules):
        where = f"rules[{number}] ({', '.join(rule.refs)})"
        told = dict.fromkeys(_of_rule(people, rule, is_heads=rule is heads_rule))
        found += [f"{where}: {each}" for each in told]
    return tuple(found)


def soon(policy: Policy, now: datetime, *, head: str | None = None) -> tuple[str, ...]:
    """What will lock everybody out within :data:`SOON` when nothing is done: keys and delegations end."""
    ends = {each.until for each in policy.delegations}
    for key in policy.keys:
        ends |= {moment for moment in (key.valid_until, key.revoked) if moment is not None}
    for moment in sorted(each for each in ends if now < each <= now + SOON)[:_MOMENTS]:
        found = problems(policy, now=moment, head=head)
        if found:
            return (f"from {format_time(moment)} on nobody can meet the policy: {found[0]}",)
    return ()


def _rule_of(policy: Policy, ref: str) -> Rule | None:
    raw = ref.encode("utf-8", "surrogateescape")
    return next((rule for rule in policy.rules if PatternSet(rule.refs).matches(raw)), None)


# -- who could act -----------------------------------------------------------------------------------


class _People:
    """Who could act in a role, by what the policy says at one moment."""

    def __init__(self, policy: Policy, now: datetime | None) -> None:
        self._scopes = {each.role: each for each in policy.roles if each.refs or each.paths}
        self._links = [each for each in policy.delegations if now is None or now < each.until]
        self._keys = [key for key in policy.keys if _counts(key, now)]
        self.has_limits = bool(self._scopes or self._links)

    def plain(self, roles: Collection[str]) -> frozenset[str]:
        """Identities with one of the roles, neither limited nor delegated."""
        wanted = set(roles) - set(self._scopes)
        return frozenset(key.identity for key in self._keys if wanted & set(key.roles))

    def somewhere(self, roles: Collection[str], ref: str, path: str) -> frozenset[str]:
        """Identities that could have one of the roles for some ref of the pattern ``ref`` and a change of
        some path of the pattern ``path``; the policy file only by plain roles."""
        if path == _POLICY or not self.has_limits:
            return self.plain(roles)
        wanted = set(roles)
        return frozenset(key.identity for key in self._keys if wanted & self._roles(key, ref, path))

    def need(self, threshold: int, roles: tuple[str, ...], have: Collection[str], path: str = _ANY) -> str:
        """What is needed and how many there are, in words."""
        count = "1 identity" if threshold == 1 else f"{threshold} identities"
        plain = ", neither limited nor delegated" if path == _POLICY and self.has_limits else ""
        return f"{count} with the role {' or '.join(roles)}{plain}; there are {len(have)}"

    def _roles(self, key: PolicyKey, ref: str, path: str) -> set[str]:
        found = {role for role in key.roles if self._reaches(role, ref, path)}
        gained = True
        while gained:  # ends: each round adds a role, or is the last
            gained = False
            for link in self._links:
                if (
                    link.to in found
                    and link.granter not in found
                    and _overlap(link.refs, link.paths, ref, path)
                    and self._reaches(link.granter, ref, path)
                ):
                    found.add(link.granter)
                    gained = True
        return found

    def _reaches(self, role: str, ref: str, path: str) -> bool:
        scope = self._scopes.get(role)
        return scope is None or _overlap(scope.refs, scope.paths, ref, path)


def _counts(key: PolicyKey, now: datetime | None) -> bool:
    if now is None:
        return key.revoked is None
    return (
        (key.revoked is None or now < key.revoked)
        and (key.valid_from is None or key.valid_from <= now)
        and (key.valid_until is None or now < key.valid_until)
    )


def _overlap(refs: tuple[str, ...], paths: tuple[str, ...], ref: str, path: str) -> bool:
    """Whether limits leave something of a ref pattern and a path pattern. What `!` takes away again is not
    looked at: that errs towards "it could be"."""
    return (not refs or any(could_both_match(each, ref) for each in refs)) and (
        not paths or path == _ANY or any(could_both_match(each, path) for each in paths)
    )


# -- what has to be possible ---------------------------------------------------------------------------


def _of_rule(people: _People, rule: Rule, *, is_heads: bool) -> Iterator[str]:
    refs = rule.refs if people.has_limits else rule.refs[:1]
    if rule.pusher == "attester" and not rule.require:
        yield "nobody attests anything, and pusher is attester"
    for ref in refs:
        here = f" on {ref}" if people.has_limits and len(rule.refs) > 1 else ""
        for requirement in rule.require:
            yield from _of_requirement(people, requirement, ref, here)
        for protection in protections(rule):
            yield from _of_protection(people, rule, protection, ref, here, is_heads=is_heads)
        if rule.break_glass is not None:
            glass = rule.break_glass
            have = people.somewhere(glass.roles, ref, _ANY)
            if len(have) < glass.threshold:
                yield f"break-glass{here} needs {people.need(glass.threshold, glass.roles, have)}"


def _of_requirement(people: _People, requirement: Requirement, ref: str, here: str) -> Iterator[str]:
    have = people.somewhere(requirement.roles, ref, _ANY)
    what = f"check {requirement.check}{here}"
    if len(have) < requirement.threshold:
        yield f"{what} needs {people.need(requirement.threshold, requirement.roles, have)}"
    elif len(_verifiable(people, requirement, ref, _ANY)) < requirement.threshold:
        verifiers = people.somewhere(requirement.verifiers, ref, _ANY)
        need = people.need(1, requirement.verifiers, verifiers)
        yield f"{what} needs for each attester another identity that verifies, {need}"


def _verifiable(people: _People, requirement: Requirement, ref: str, path: str) -> frozenset[str]:
    """Attesters whose runs somebody else could verify, where that is asked."""
    attesters = people.somewhere(requirement.roles, ref, path)
    if requirement.assurance not in (Assurance.DERIVED, Assurance.REBUILT):
        return attesters
    verifiers = people.somewhere(requirement.verifiers, ref, path)
    return frozenset(each for each in attesters if verifiers - {each})


def _of_protection(
    people: _People, rule: Rule, protection: Protection, ref: str, here: str, *, is_heads: bool
) -> Iterator[str]:
    for path in _parts(people, protection):
        approvers = people.somewhere(protection.roles, ref, path)
        shown = path if people.has_limits else ", ".join(protection.paths[:3])
        what = f"a change of {shown}{here}"
        if len(approvers) < protection.threshold:
            yield f"{what} needs {people.need(protection.threshold, protection.roles, approvers, path)}"
            continue
        attested_as = path if is_heads or path != _POLICY else _ANY
        sets: list[tuple[frozenset[str], Requirement]] = []
        for each in rule.require:
            have = _verifiable(people, each, ref, attested_as)
            if len(have) >= each.threshold:
                sets.append((have, each))
            elif len(_verifiable(people, each, ref, _ANY)) >= each.threshold:  # else told already
                need = people.need(each.threshold, each.roles, have, path)
                yield f"{what} needs check {each.check} by {need}"
        if not _can_be_told_apart(approvers, sets, protection.threshold):
            yield f"{what} needs {_both(approvers, sets, protection.threshold)}"


def _both(approvers: frozenset[str], sets: list[tuple[frozenset[str], Requirement]], threshold: int) -> str:
    have, tight = min(sets, key=lambda pair: len(pair[0] | approvers) - pair[1].threshold)
    together, there = tight.threshold + threshold, len(have | approvers)
    if there < together:
        return f"{together} different identities, to attest {tight.check} and to approve; there are {there}"
    return "approvers without whom every check is still attested; there are too few"


def _parts(people: _People, protection: Protection) -> list[str]:
    """What of a protection is looked at by itself: each of its patterns, where somebody may be limited to
    some of them, and the policy file."""
    policy = [_POLICY] if PatternSet(protection.paths).matches(POLICY_PATH) else []
    if not people.has_limits:
        return policy or [protection.paths[0]]
    named = [each for each in protection.paths if not each.startswith("!")]
    return list(dict.fromkeys((*named, *policy)))


def _can_be_told_apart(
    approvers: frozenset[str], sets: list[tuple[frozenset[str], Requirement]], threshold: int
) -> bool:
    """Whether so many approvers can be chosen that without them every check is still attested by enough.
    Who may attest the same checks is interchangeable, so kinds of people are counted, not people."""
    kinds: dict[tuple[int, ...], int] = {}
    for each in approvers:
        mine = tuple(index for index, (who, _) in enumerate(sets) if each in who)
        kinds[mine] = kinds.get(mine, 0) + 1
    need = threshold - kinds.pop((), 0)
    steps = _STEPS

    def chosen(left: list[tuple[tuple[int, ...], int]], need: int, spare: list[int]) -> bool:
        nonlocal steps
        steps -= 1
        if need <= 0 or steps <= 0:
            return True
        if not left:
            return False
        (mine, count), *others = left
        for take in reversed(range(min(count, need, *(spare[index] for index in mine)) + 1)):
            after = [each - take if index in mine else each for index, each in enumerate(spare)]
            if chosen(others, need - take, after):
                return True
        return False

    cheapest = sorted(kinds.items(), key=lambda kind: len(kind[0]))
    return chosen(cheapest, need, [len(who) - each.threshold for who, each in sets])
