"""What a verifier found out about an attested run. Pure.

A finding never says more than was seen: what could not be told, for whatever reason, is neither a
reproduction nor the lack of one, and is never signed.
"""

from __future__ import annotations

import enum

from lfci_gate.clone.verify import Claim
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.model import Sha256
from lfci_gate.nix.expression import form_of
from lfci_gate.nix.process import NixVersion
from lfci_gate.nix.runscript import FORM
from lfci_gate.value import Value

__all__ = ["Answer", "Finding", "no_derivation", "other_derivation"]

DERIVED = "derived"
REBUILT = "rebuilt"


class Answer(enum.Enum):
    REPRODUCED = "reproduced"
    NOT = "not reproduced"
    MISSING = "inputs missing"
    UNDECIDED = "undecided"

    @property
    def exit_status(self) -> int:
        return {Answer.REPRODUCED: 0, Answer.NOT: 1}.get(self, 3)


class Finding(Value):
    claim: Claim
    method: str
    """What the answer rests on: ``derived`` or ``rebuilt``."""
    answer: Answer
    text: str
    """One line for people."""
    nix: NixVersion | None
    """None when it was not asked."""
    code: str | None = None
    facts: tuple[str, ...] = ()
    """What differs, or what is missing."""
    found: str | None = None
    """The derivation that this machine evaluated."""
    result: Sha256 | None = None
    """Digest of the result document of the rebuild."""
    known: bool = False
    """Remembered from an earlier call."""

    @property
    def can_be_signed(self) -> bool:
        decided = self.answer in (Answer.REPRODUCED, Answer.NOT) and self.nix is not None
        return decided and (self.method == REBUILT) == (self.result is not None)


_PLAIN: frozenset[str] = frozenset({"LFCI316", "LFCI317", "LFCI318", "LFCI324"})
"""What is wrong with a flake whoever looks: no run of this tree can have had a derivation."""

_NOT_THERE = ("LFCI306",)
_FETCHING = (
    *("unable to download", "unable to fetch", "could not resolve host", "failed to fetch"),
    *("does not exist", "no such file", "cannot fetch", "error: getting status of"),
)


def other_derivation(claim: Claim, found: str, nix: NixVersion) -> Finding:
    """The tree gives another derivation than the attested one: here, at least."""
    facts = (f"here: {found}", f"attested: {claim.run.drv_path}")
    doubt = _doubt(claim, nix)
    if doubt:
        return Finding(
            claim, DERIVED, Answer.UNDECIDED, f"another derivation, and {doubt}", nix, "LFCI321", facts, found
        )
    text = "this tree gives another derivation"
    return Finding(claim, DERIVED, Answer.NOT, text, nix, "LFCI321", facts, found)


def no_derivation(claim: Claim, error: LfciError, nix: NixVersion | None) -> Finding:
    """The tree could not be derived, or the derivation not be built."""
    text = f"{error.message} ({error.code})"
    if error.code in _PLAIN and nix is not None and not _doubt(claim, nix):
        return Finding(claim, DERIVED, Answer.NOT, text, nix, error.code, error.facts)
    said = " ".join(error.facts).lower()
    missing = error.code in _NOT_THERE or (
        error.code in ("LFCI303", "LFCI304") and any(each in said for each in _FETCHING)
    )
    answer = Answer.MISSING if missing else Answer.UNDECIDED
    method = REBUILT if isinstance(error, Undecided) else DERIVED
    return Finding(claim, method, answer, text, nix, error.code, error.facts)


def _doubt(claim: Claim, nix: NixVersion) -> str:
    """Why a difference in the derivation need not be a lie; empty when it is one."""
    theirs = form_of(claim.run.drv_path)
    if claim.definition.run is not None and theirs is not None and theirs != FORM:
        return f"it was made by another version of lfci (form {theirs}, here {FORM})"
    if (claim.run.nix_name, claim.run.nix_version) != (nix.name, nix.version):
        told = ascii(f"{claim.run.nix_name} {claim.run.nix_version}")[1:-1]
        return f"it was evaluated by {told}, here by {nix.name} {nix.version}"
    return ""
