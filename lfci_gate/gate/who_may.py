"""Who can attest, verify and approve a change of one file on one ref, and who nearly can. Pure.

Asked of :mod:`lfci_gate.gate.standing` and :func:`lfci_gate.gate.strength.key_problem`, as the rules do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lfci_gate.config.holders import roles_behind
from lfci_gate.config.policy import protections
from lfci_gate.gate.standing import Standing, standing
from lfci_gate.gate.strength import key_problem
from lfci_gate.model import Assurance, Policy, PolicyKey, Rule
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

__all__ = ["Ability", "Able", "Near", "approvers", "who_may"]


class Able(Value):
    """A key that counts."""

    key: PolicyKey
    role: str
    why: str
    """How the key has the role: one line, no full stop."""


class Near(Value):
    """A key that does not count although it has, or could have, one of the roles."""

    key: PolicyKey
    why: str


class Ability(Value):
    """One thing that is needed, and who can give it."""

    what: str
    """``attest``, ``verify``, ``approve`` or ``bypass``."""
    about: str
    """The check; for an approval the protected patterns, separated by spaces."""
    roles: tuple[str, ...]
    threshold: int
    """Distinct identities."""
    able: tuple[Able, ...]
    """Sorted by identity, then by key."""
    near: tuple[Near, ...]

    @property
    def identities(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.key.identity for each in self.able))


def who_may(policy: Policy, rule: Rule, ref: str, path: bytes, now: datetime) -> tuple[Ability, ...]:
    """What a change of only ``path`` on ``ref`` needs, in the order of the rules.

    Arguments: ``rule`` is the one that covers ``ref``, a full name; ``path`` is raw, from the root.
    """
    asked = _Asked(policy, ref, path, now)
    found = []
    for each in rule.require:
        found.append(asked.ability("attest", each.check, each.roles, each.threshold))
        if each.assurance in (Assurance.DERIVED, Assurance.REBUILT):
            found.append(asked.ability("verify", each.check, each.verifiers, 1))
    found += approvers(policy, rule, ref, path, now)
    if rule.break_glass is not None:
        glass = rule.break_glass
        found.append(asked.ability("bypass", " ".join(glass.waives), glass.roles, glass.threshold))
    return tuple(found)


def approvers(policy: Policy, rule: Rule, ref: str, path: bytes, now: datetime) -> tuple[Ability, ...]:
    """The approvals that a change of only ``path`` needs; none when no protection covers it."""
    asked = _Asked(policy, ref, path, now)
    return tuple(
        asked.ability("approve", " ".join(each.paths), each.roles, each.threshold)
        for each in protections(rule)
        if PatternSet(each.paths).matches(path)
    )


class _Asked:
    def __init__(self, policy: Policy, ref: str, path: bytes, now: datetime) -> None:
        self._policy = policy
        self._ref = ref
        self._path = path
        self._now = now

    def ability(self, what: str, about: str, roles: tuple[str, ...], threshold: int) -> Ability:
        able, near = [], []
        for key in sorted(self._policy.keys, key=lambda each: (each.identity, each.name)):
            found = list(self._standings(key, roles))
            held = next((each for each in found if each.held), None)
            if held is None:
                if found:
                    near.append(Near(key, found[0].why))
                continue
            problem = key_problem(key, self._now, self._now)
            if problem:
                near.append(Near(key, f"has the role {held.role}, and {problem}"))
            else:
                able.append(Able(key, held.role, held.why))
        return Ability(what, about, roles, threshold, tuple(able), tuple(near))

    def _standings(self, key: PolicyKey, roles: tuple[str, ...]) -> Iterator[Standing]:
        """What is said about each of the roles that the key could have for some change."""
        for role in roles:
            if not roles_behind(self._policy, (role,)).isdisjoint(key.roles):
                yield standing(self._policy, key, role, self._ref, lambda: (self._path,), self._now)
