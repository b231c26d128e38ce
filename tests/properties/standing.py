"""Whose word counts as what: roles of a key for one change, and who is valid when. From the facts alone."""

from __future__ import annotations

from collections.abc import Collection

from tests.properties.model import POLICY, Key, Policy
from tests.properties.patterns import matches


def roles_for(policy: Policy, key: Key, ref: str, paths: Collection[bytes], now: int) -> frozenset[str]:
    """The key's roles for a change of these paths on this ref, at this moment.

    Scoped roles and delegations never reach the policy's own file.
    """
    scopes = {scope.role: scope for scope in policy.scopes}

    def reaches(refs: tuple[str, ...], where: tuple[str, ...]) -> bool:
        if POLICY in paths:
            return False
        if refs and not matches(refs, ref):
            return False
        return not where or all(matches(where, path.decode()) for path in paths)

    def here(role: str) -> bool:
        scope = scopes.get(role)
        return scope is None or reaches(scope.refs, scope.paths)

    held = {role for role in key.roles if here(role)}
    while True:
        more = {
            each.granter
            for each in policy.delegations
            if each.to in held and now < each.until and reaches(each.refs, each.paths) and here(each.granter)
        }
        if more <= held:
            return frozenset(held)
        held |= more


def is_valid(key: Key, moment: int) -> bool:
    """Within its time; whether it is revoked is asked for now, not for then."""
    return (key.valid_from is None or key.valid_from <= moment) and (
        key.valid_until is None or moment < key.valid_until
    )


def is_revoked(key: Key, now: int) -> bool:
    return key.revoked is not None and key.revoked <= now
