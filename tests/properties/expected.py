"""A foretold verdict, and how it is held against the gate's."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.properties.model import Commit, Statement

CHECKS, APPROVALS, BASE, OTHER = "checks", "approvals", "base", "other"
"""Which rules find fault: 6 to 12, 13, 14, and those whose findings nobody can waive."""


@dataclass(frozen=True)
class Blame:
    """One fault; one of the codes must be among the reasons."""

    ref: str
    codes: frozenset[str]
    stage: str


@dataclass
class Expected:
    """The verdict on a push or on one of its refs."""

    blames: list[Blame] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)
    """Codes that may be there too: which of several faults is named, or is looked at, is left open."""
    either: str = ""
    """Why both answers are right."""
    landing: dict[str, Commit] = field(default_factory=dict)
    """Protected refs that would land."""
    spent: set[Statement] = field(default_factory=set)
    """Bypasses that are used up when the push is accepted."""

    @property
    def accepted(self) -> bool:
        return not self.blames

    @property
    def codes(self) -> set[str]:
        """All codes that some blame names."""
        return {code for blame in self.blames for code in blame.codes}

    def blame(self, ref: str, *codes: str, stage: str = OTHER) -> None:
        self.blames.append(Blame(ref, frozenset(codes), stage))

    def adds(self, other: Expected) -> None:
        """What is foretold of another ref of the same push."""
        self.blames += other.blames
        self.allowed |= other.allowed
        self.either = self.either or other.either
        self.landing |= other.landing
        self.spent |= other.spent

    def disagreement(self, accepted: bool, codes: set[str], *, complete: bool = True) -> str | None:
        """What is wrong with the gate's answer; None when it is right. Not all of ``codes`` are known
        when the answer is not ``complete``."""
        if self.either:
            return None
        if accepted and not self.accepted:
            return f"FALSE ACCEPT: expected {self._text()}"
        if not accepted and self.accepted:
            return f"FALSE REFUSAL with {sorted(codes)}"
        for blame in self.blames if complete else ():
            if not blame.codes & codes:
                return f"{blame.ref}: none of {sorted(blame.codes)} among {sorted(codes)}"
        more = codes - self.allowed - self.codes
        return f"unexpected {sorted(more)}, expected {self._text()}" if more else None

    def _text(self) -> str:
        return ", ".join(f"{each.ref}: {'|'.join(sorted(each.codes))}" for each in self.blames)
