"""Who holds the roles that a rule asks for: now, within limits, and not now. Pure.

What the gate decides for one change is :mod:`lfci_gate.gate.standing`'s; here is what can be said
without a change: a role that is limited to some paths is held "within limits".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from lfci_gate.config.policy_words import key_trouble, moment
from lfci_gate.config.ref_overlap import may_overlap
from lfci_gate.model import Delegation, Policy, PolicyKey, RoleScope
from lfci_gate.value import Value

__all__ = ["Holders", "Near", "holders", "roles_behind", "scope_of", "way_to"]


class Near(Value):
    """A key, or all that an identity has, with what stands in its way."""

    name: str
    """Of the identity."""
    key: str
    why: str
    """One line, no full stop."""


class Holders(Value):
    """Who can act in one of some roles on some refs."""

    now: tuple[str, ...]
    """Identities with a key that counts now, for every change of these refs; sorted."""
    limited: tuple[Near, ...]
    """Identities that only have a limited role or a delegation; why: which."""
    not_now: tuple[Near, ...]
    """Keys whose identity would have a role, if it were not for their time, or a delegation's."""

    @property
    def most(self) -> int:
        """How many identities there are at most for any change."""
        return len({*self.now, *(each.name for each in self.limited)})


def holders(
    policy: Policy, roles: Sequence[str], refs: Sequence[str], now: datetime, paths: Sequence[str] = ()
) -> Holders:
    """Arguments: ``roles`` that are asked for, ``refs``: the patterns of the rule that asks, ``paths``: those
    of a protection, whose approvals are about nothing else; empty: a change of anything."""
    able: set[str] = set()
    limited: dict[str, Near] = {}
    late: list[Near] = []
    for key in policy.keys:
        ways = [way for role in roles if (way := way_to(policy, key, role)) is not None]
        ways = [way for way in ways if _reaches(policy, way, refs, paths)]
        if not ways:
            continue
        trouble = key_trouble(key, now)
        open_ways = [way for way in ways if not _ended(way, now)]
        if trouble:
            late.append(Near(key.identity, key.name, trouble))
        elif not open_ways:
            late.append(Near(key.identity, key.name, _ended(ways[0], now)))
        elif any(_is_plain(policy, way) for way in open_ways):
            able.add(key.identity)
        else:
            limited.setdefault(key.identity, Near(key.identity, key.name, _limits(policy, open_ways[0])))
    bounded = tuple(each for name, each in sorted(limited.items()) if name not in able)
    not_now = tuple(each for each in late if each.name not in able and each.name not in limited)
    return Holders(tuple(sorted(able)), bounded, not_now)


class Way(Value):
    """How a key comes to a role."""

    role: str
    """The role of the key that it starts from."""
    links: tuple[Delegation, ...]


def way_to(policy: Policy, key: PolicyKey, role: str) -> Way | None:
    """The shortest way from one of the key's roles to ``role``, limits and times not looked at."""
    reached = {each: Way(each, ()) for each in key.roles}
    waiting = list(reached)
    for at in waiting:
        if at == role:
            return reached[at]
        for link in policy.delegations:
            if link.to == at and link.granter not in reached:
                reached[link.granter] = Way(reached[at].role, (*reached[at].links, link))
                waiting.append(link.granter)
    return None


def roles_behind(policy: Policy, roles: Iterable[str]) -> frozenset[str]:
    """These roles and those that some delegation makes holders of them."""
    found = set(roles)
    waiting = list(found)
    for role in waiting:
        more = {link.to for link in policy.delegations if link.granter == role} - found
        found |= more
        waiting += more
    return frozenset(found)


def scope_of(policy: Policy, role: str) -> RoleScope | None:
    """The limits of a role; None when it counts everywhere."""
    found = next((each for each in policy.roles if each.role == role), None)
    return found if found is not None and (found.refs or found.paths) else None


def _roles_on(way: Way) -> tuple[str, ...]:
    return (way.role, *(link.granter for link in way.links))


def _is_plain(policy: Policy, way: Way) -> bool:
    return not way.links and scope_of(policy, way.role) is None


def _reaches(policy: Policy, way: Way, refs: Sequence[str], paths: Sequence[str]) -> bool:
    """False only when the way leads to none of the refs, or to none of the paths."""
    scopes = [scope for role in _roles_on(way) if (scope := scope_of(policy, role)) is not None]
    on = [*(scope.refs for scope in scopes), *(link.refs for link in way.links)]
    of = [*(scope.paths for scope in scopes), *(link.paths for link in way.links)]
    return all(may_overlap(bound, refs) for bound in on if bound) and (
        not paths or all(may_overlap(_named(bound), _named(paths)) for bound in of if bound)
    )


def _named(paths: Sequence[str]) -> list[str]:
    """What a set of patterns names, without what it takes away again: in doubt more."""
    return [each for each in paths if not each.startswith("!")]


def _ended(way: Way, now: datetime) -> str:
    for link in way.links:
        if now >= link.until:
            return f"the delegation of {link.granter} to {link.to} ended on {moment(link.until)}"
    return ""


def _limits(policy: Policy, way: Way) -> str:
    if way.links:
        link = way.links[-1]
        until = moment(min(each.until for each in way.links))
        return f"delegation of {link.granter} to {link.to}, until {until}"
    return f"the limited role {way.role}"
