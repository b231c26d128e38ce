"""Rule 13: those who approve a change and those whose attestations its checks depend on are different
people, over all parts of the change together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lfci_gate.value import Value

_STEPS = 10_000
"""Tries before it is taken for impossible: a refusal that another approver mends."""


class Attested(Value):
    """One required check of one commit."""

    groups: tuple[frozenset[str], ...]
    """Identities that attest it; more than one group where each alone is enough (corroborated)."""
    threshold: int

    def holds_without(self, approvers: frozenset[str]) -> bool:
        return any(len(group - approvers) >= self.threshold for group in self.groups)


class Asked(Value):
    """One part that needs approvals."""

    approvers: frozenset[str]
    """Identities whose approval is right in itself."""
    threshold: int


class Apart:
    """The parts of one change that are approved so far. Deciding part by part would let two people who both
    attested vouch for each other: one approves this part while the other attests, and the other way round.
    """

    def __init__(self, checks: Iterable[Attested]) -> None:
        self._checks = tuple(checks)
        self._parts: tuple[Asked, ...] = ()

    def approve(self, part: Asked) -> frozenset[str] | None:
        """Who can be taken for an approver, enough for this part and those before; None when there is no
        choice of approvers without whom every check still has enough attesters."""
        found = _choice((*self._parts, part), self._checks)
        if found is not None:
            self._parts = (*self._parts, part)
        return found

    def torn(self, part: Asked) -> frozenset[str]:
        """Who attested, where not all approvers of the part can be taken for approvers."""
        everybody = Asked(part.approvers, len(part.approvers))
        if _choice((*self._parts, everybody), self._checks) is not None:
            return frozenset()
        return part.approvers & _attesters(self._checks)


def _attesters(checks: Sequence[Attested]) -> frozenset[str]:
    return frozenset(who for check in checks for group in check.groups for who in group)


def _choice(parts: Sequence[Asked], checks: Sequence[Attested]) -> frozenset[str] | None:
    attesters = _attesters(checks)
    free = frozenset(who for part in parts for who in part.approvers) - attesters
    steps = _STEPS

    def kind(who: str) -> tuple[tuple[bool, ...], ...]:
        """Who is equal in this may be exchanged."""
        attests = tuple(who in group for check in checks for group in check.groups)
        return attests, tuple(who in part.approvers for part in parts)

    def search(chosen: frozenset[str], passed_over: frozenset[str]) -> frozenset[str] | None:
        nonlocal steps
        steps -= 1
        if steps < 0 or not all(check.holds_without(chosen) for check in checks):
            return None
        short = next((part for part in parts if len(part.approvers & (free | chosen)) < part.threshold), None)
        if short is None:
            return free | chosen
        tried: set[object] = set()
        for who in _cheapest(short.approvers & attesters - chosen - passed_over, checks):
            if kind(who) not in tried:
                tried.add(kind(who))
                found = search(chosen | {who}, passed_over)
                if found is not None:
                    return found
            passed_over |= {who}
        return None

    return search(frozenset(), frozenset())


def _cheapest(some: Iterable[str], checks: Sequence[Attested]) -> list[str]:
    """Those first who attest the fewest checks."""

    def cost(who: str) -> tuple[int, str]:
        return sum(who in group for check in checks for group in check.groups), who

    return sorted(some, key=cost)
