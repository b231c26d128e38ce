"""Whether enough people can meet a proposed policy, where that is plain to see."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from tests.properties.model import Need, Policy, Rule
from tests.properties.parts import guards_of
from tests.properties.standing import is_revoked, is_valid


def can_be_met(policy: Policy, now: int, *, names_pusher: bool) -> bool | None:
    """True when people with plain roles and keys that are valid now can, False when there are too few even
    if every limit is overlooked; None in between."""
    if any(rule.pusher == "attester" and not (names_pusher and rule.needs) for rule in policy.rules):
        return False
    if any(_too_few(policy, rule, now) for rule in policy.rules):
        return False
    return True if all(_enough(policy, rule, now) for rule in policy.rules) else None


def _too_few(policy: Policy, rule: Rule, now: int) -> bool:
    able = [key for key in policy.keys if not is_revoked(key, now)]

    def holders(roles: Iterable[str]) -> set[str]:
        wanted = set(roles)
        while True:
            more = {each.to for each in policy.delegations if each.granter in wanted}
            if more <= wanted:
                return {key.who for key in able if wanted & set(key.roles)}
            wanted |= more

    glass = rule.glass is not None and len(holders(rule.glass.roles)) < rule.glass.threshold
    return (
        glass
        or any(len(holders(need.roles)) < need.threshold for need in rule.needs)
        or any(len(holders(guard.roles)) < guard.threshold for guard in guards_of(rule))
    )


def _enough(policy: Policy, rule: Rule, now: int) -> bool:
    able = [key for key in policy.keys if not is_revoked(key, now) and is_valid(key, now)]
    limited = {scope.role for scope in policy.scopes}

    def holders(roles: Iterable[str]) -> set[str]:
        return {key.who for key in able if (set(roles) - limited) & set(key.roles)}

    if rule.glass is not None and len(holders(rule.glass.roles)) < rule.glass.threshold:
        return False
    for guard in guards_of(rule):
        approvers = sorted(holders(guard.roles))
        if not any(
            all(_attested(holders, need, set(chosen)) for need in rule.needs)
            for chosen in combinations(approvers, guard.threshold)
        ):
            return False
    return all(_attested(holders, need, set()) for need in rule.needs)


def _attested(holders: object, need: Need, without: set[str]) -> bool:
    assert callable(holders)
    there = holders(need.roles) - without
    if need.assurance in ("derived", "rebuilt"):
        verifiers = holders(need.verifiers)
        there = {who for who in there if verifiers - {who}}
    return len(there) >= need.threshold
