"""What is found about one ref on the way to its verdict (rule 15). Pure."""

from __future__ import annotations

from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.evidence import reason_of
from lfci_gate.model import ObjectId, Reason, RefUpdate, RefVerdict, VerdictKind


class Findings:
    """What was found about one ref so far (rule 15 reports all of it)."""

    def __init__(self) -> None:
        self.refused: list[Reason] = []
        self.undecided: list[Reason] = []
        self.evidence: set[str] = set()
        self.remarks: list[str] = []
        self.summary: list[str] = []
        self.protected = False

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
        )
