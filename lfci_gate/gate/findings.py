"""What is found about one ref on the way to its verdict (rule 15). Pure."""

from __future__ import annotations

from itertools import pairwise

from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.evidence import reason_of
from lfci_gate.model import ObjectId, Reason, RefUpdate, RefVerdict, VerdictKind

CHECKS = "checks"
"""Rules 6 to 12."""
POLICY = "policy"
"""The form of a proposed policy."""
APPROVALS = "approvals"
"""Rule 13."""
BASE = "base"
"""Rule 14."""


class Findings:
    """What was found about one ref so far (rule 15 reports all of it)."""

    def __init__(self) -> None:
        self.refused: list[Reason] = []
        self.undecided: list[Reason] = []
        self.evidence: set[str] = set()
        self.remarks: list[str] = []
        self.summary: list[str] = []
        self.protected = False
        self.bypass: str | None = None
        self.waived: list[Reason] = []
        self._stages: list[tuple[int, str]] = []

    def begin(self, stage: str) -> None:
        """From here on the rules of this stage are at work; rule 16 must know who refused what."""
        self._stages.append((len(self.refused), stage))

    def of_stage(self, stage: str) -> list[Reason]:
        """What the rules of one stage refused."""
        found: list[Reason] = []
        for (start, name), (end, _) in pairwise((*self._stages, (len(self.refused), ""))):
            if name == stage:
                found += self.refused[start:end]
        return found

    def catch(self, error: LfciError, commit: ObjectId | None = None) -> None:
        reason = reason_of(error.code, error.message, commit=commit, facts=error.facts, hint=error.hint)
        (self.undecided if isinstance(error, Undecided) else self.refused).append(reason)

    def verdict(self, update: RefUpdate) -> RefVerdict:
        kind = VerdictKind.ACCEPTED
        if self.refused:
            kind = VerdictKind.REFUSED
        elif self.undecided:
            kind = VerdictKind.UNDECIDED
        reasons = (*self.refused, *self.undecided)
        return RefVerdict(
            update,
            kind,
            reasons,
            tuple(sorted(self.evidence)),
            tuple(dict.fromkeys(self.remarks)),
            self.protected,
            tuple(dict.fromkeys(self.summary)),
            self.bypass,
            tuple(self.waived),
        )
