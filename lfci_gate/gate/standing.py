"""Which roles a key has for one change: roles that are limited to refs or paths, and delegations. Pure.

Imported only for policies that have either, and by what explains them: everywhere else the roles of a
key are the ones that the policy lists.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from lfci_gate.canonical import format_time
from lfci_gate.gate.binding import Roles
from lfci_gate.gate.facts import POLICY_PATH
from lfci_gate.git.tree import diff, shown
from lfci_gate.model import Delegation, ObjectId, ObjectSource, Policy, PolicyKey
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

Paths = Callable[[], Collection[bytes]]
"""The raw paths that a change changes; asked only when the answer depends on them."""


class Standing(Value):
    """Whether a key has a role for a change, and why, in one line without a full stop."""

    role: str
    held: bool
    why: str


def roles_for(policy: Policy, key: PolicyKey, ref: str, changed: Paths, now: datetime) -> frozenset[str]:
    """The roles that ``key`` has for a change of ``ref`` (a full name).

    A limited role counts when it covers the ref and every changed path. A holder of a delegation's ``to``
    gains its ``granter``, when the delegation and both roles cover the change and ``now`` is before its
    end; so on along the chain. A change of the policy file counts by plain roles only. Whether the
    key itself is valid is not asked here (:func:`lfci_gate.gate.strength.key_problem`). Raises what
    ``changed`` raises.
    """
    plain = _plain(policy, key)
    anywhere = _closed(policy, key, _Change(ref, (), now))
    if anywhere == plain:
        return plain  # no path could give it more
    paths = changed()
    if POLICY_PATH in paths:
        return plain
    return _closed(policy, key, _Change(ref, paths, now))


def standing(policy: Policy, key: PolicyKey, role: str, ref: str, changed: Paths, now: datetime) -> Standing:
    """Whether the key has the role, and why; arguments as for :func:`roles_for`, which it never
    contradicts."""
    held = role in roles_for(policy, key, ref, changed, now)
    if role in _plain(policy, key):
        return Standing(role, held, "it is a role of the key")
    way = _chain(policy, set(key.roles), role, lambda link: True)
    if way is None:
        return Standing(role, held, f"the key has only {', '.join(key.roles)}")
    change = _Change(ref, changed(), now)
    if held:
        start = {each for each in key.roles if not change.problem_of_role(policy, each)}
        way = _chain(policy, start, role, lambda link: not change.problem(policy, link))
        assert way is not None
        by = ", ".join(f"{link.granter} to {link.to} until {format_time(link.until)}" for link in way)
        return Standing(role, held, f"by delegation: {by}" if way else "its limits cover the change")
    if POLICY_PATH in change.paths:
        return Standing(role, held, "a change of the policy file counts by no limited or delegated role")
    first = way[0].to if way else role
    problems = [change.problem_of_role(policy, first), *(change.problem(policy, link) for link in way)]
    return Standing(role, held, next(each for each in problems if each))


class RolesForChange(Roles):
    """The roles that the keys of a policy have for one change, each found out once."""

    def __init__(self, policy: Policy, ref: str, changed: Paths, now: datetime) -> None:
        self._policy = policy
        self._ref = ref
        self._now = now
        self._changed = functools.cache(changed)
        self._known: dict[str, frozenset[str]] = {}

    def of(self, key: PolicyKey) -> frozenset[str]:
        if key.name not in self._known:
            self._known[key.name] = roles_for(self._policy, key, self._ref, self._changed, self._now)
        return self._known[key.name]

    def lacks(self, key: PolicyKey, wanted: tuple[str, ...]) -> str:
        if self.of(key) & set(wanted):
            return ""
        nearest = next((role for role in wanted if role in key.roles), wanted[0])
        why = standing(self._policy, key, nearest, self._ref, self._changed, self._now).why
        return f"key {key.name} is no {' or '.join(wanted)} here: {why}"


def of_trees(
    policy: Policy, ref: str, source: ObjectSource, old: ObjectId | None, new: ObjectId, now: datetime
) -> RolesForChange:
    """The roles for the change from tree ``old`` (None: from nothing) to tree ``new``."""
    return RolesForChange(policy, ref, lambda: tuple(path for path, _, _ in diff(source, old, new)), now)


class _Change:
    """What limits are held against."""

    def __init__(self, ref: str, paths: Collection[bytes], now: datetime) -> None:
        self.ref = ref
        self.paths = paths
        self.now = now

    def problem(self, policy: Policy, link: Delegation) -> str:
        """Why a delegation gives nothing for this change; empty when it gives its role."""
        what = f"the delegation of {link.granter} to {link.to}"
        if self.now >= link.until:
            return f"{what} ended at {format_time(link.until)}"
        return self._outside(what, link.refs, link.paths) or self.problem_of_role(policy, link.granter)

    def problem_of_role(self, policy: Policy, role: str) -> str:
        """Why a role does not count for this change, whoever has it; empty when it does."""
        for scope in policy.roles:
            if scope.role == role:
                return self._outside(f"the role {role}", scope.refs, scope.paths)
        return ""

    def _outside(self, what: str, refs: tuple[str, ...], paths: tuple[str, ...]) -> str:
        if refs and not PatternSet(refs).matches(self.ref.encode("utf-8", "surrogateescape")):
            return f"{what} counts only for {', '.join(refs)}"
        if paths:
            patterns = PatternSet(paths)
            other = next((path for path in self.paths if not patterns.matches(path)), None)
            if other is not None:
                return f"{what} counts only for changes of {', '.join(paths)}, and {shown(other)} changed"
        return ""


def _plain(policy: Policy, key: PolicyKey) -> frozenset[str]:
    limited = {scope.role for scope in policy.roles if scope.refs or scope.paths}
    return frozenset(key.roles) - limited


def _closed(policy: Policy, key: PolicyKey, change: _Change) -> frozenset[str]:
    found = {role for role in key.roles if not change.problem_of_role(policy, role)}
    left = [link for link in policy.delegations if not change.problem(policy, link)]
    gained = True
    while gained:  # ends: each round adds a role, or is the last
        gained = False
        for link in left:
            if link.to in found and link.granter not in found:
                found.add(link.granter)
                gained = True
    return frozenset(found)


def _chain(
    policy: Policy, start: Iterable[str], role: str, usable: Callable[[Delegation], bool]
) -> tuple[Delegation, ...] | None:
    """The shortest chain of delegations that leads from one of the roles ``start`` to ``role``; empty
    when it is one of them, None when there is none."""
    reached: dict[str, tuple[Delegation, ...]] = dict.fromkeys(start, ())
    waiting = list(reached)
    for at in waiting:
        if at == role:
            return reached[at]
        for link in policy.delegations:
            if link.to == at and link.granter not in reached and usable(link):
                reached[link.granter] = (*reached[at], link)
                waiting.append(link.granter)
    return None
