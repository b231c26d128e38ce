"""What `lfci verify` prints: one commit after the other, what was derived and rebuilt, a summary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lfci_gate.canonical import format_time
from lfci_gate.cli.output import Output
from lfci_gate.cli.verdicts import print_verdict
from lfci_gate.clone.verify import Verified
from lfci_gate.errors import LfciError
from lfci_gate.gate.render import verdict_object
from lfci_gate.model import Verdict, VerdictKind
from lfci_gate.value import Value

if TYPE_CHECKING:
    from lfci_gate.clone.finding import Finding
    from lfci_gate.clone.vouch import Vouched

__all__ = ["Looked", "report"]

_EXIT = {VerdictKind.ACCEPTED: 0, VerdictKind.REFUSED: 1, VerdictKind.UNDECIDED: 3}
_STYLES = {0: "good", 1: "bad", 3: "warn"}
_REPRODUCED = "reproduced"

BYPASSED = "landed by BREAK-GLASS, NOT PASSED"


class Looked(Value):
    """One commit, and all that was found out about it."""

    verified: Verified
    derived: tuple[Finding, ...] = ()
    rebuilt: tuple[Finding, ...] = ()
    signed: tuple[Vouched, ...] = ()
    delivered: bool = False

    @property
    def assurance(self) -> str | None:
        """The level that was reached here, never more: see docs/threat-model.md."""
        verdict = self.verified.verdict
        if verdict.kind is not VerdictKind.ACCEPTED or not verdict.evidence or self.is_bypassed:
            return None
        for level, findings in (("rebuilt", self.rebuilt), ("derived", self.derived)):
            if findings and all(each.answer.value == _REPRODUCED for each in findings):
                return level
        return "claimed"

    @property
    def is_bypassed(self) -> bool:
        """It landed by break-glass, as it might; what the rules refuse is refused."""
        return self.verified.verdict.kind is VerdictKind.ACCEPTED and self.verified.bypass is not None

    @property
    def told(self) -> str:
        """How it ended, in a word: `accepted` is never said of a commit that was let through."""
        return "bypassed" if self.is_bypassed else self.verified.verdict.kind.value


def report(
    output: Output, looked: list[Looked], *, ranged: bool, accept_bypassed: bool, back: LfciError | None
) -> int:
    """Prints everything; returns the exit status. Arguments: ``back`` is how the forge has gone back behind
    what this clone has seen there."""
    statuses = {_EXIT[each.verified.verdict.kind] for each in looked}
    statuses |= {finding.answer.exit_status for each in looked for finding in (*each.derived, *each.rebuilt)}
    # A no is a no, whatever else could not be told.
    told = next((each for each in (1, 3) if each in statuses), 0)
    bypassed = [each for each in looked if each.is_bypassed]
    fine = "went-back" if back is not None else "bypassed" if bypassed else "accepted"
    output.json(
        {
            "schema": "lfci.verify/1",
            "result": {0: fine, 1: "refused"}.get(told, "undecided"),
            "commits": [_object(each) for each in looked],
            "wentBack": [] if back is None else list(back.facts),
        }
    )
    for each in looked:
        _print(output, each)
    if not looked:
        output.line("no commits to verify")
    if ranged and looked:
        _summarise(output, looked)
    if bypassed:
        count = "1 commit" if len(bypassed) == 1 else f"{len(bypassed)} commits"
        output.line(f"{count} of {len(looked)} {BYPASSED} (lfci break-glass list)", "bad")
    if back is not None:
        output.error(back)
    return 1 if back is not None or (bypassed and not accept_bypassed) else told


def _object(looked: Looked) -> dict[str, Any]:
    verified = looked.verified
    verdict = verdict_object(Verdict(verified.verdict.kind, (verified.verdict,)))["refs"][0]
    return {
        "commit": verified.commit,
        "from": verified.base,
        "assurance": looked.assurance,
        "bypass": verified.bypass,
        "at": format_time(verified.at),
        "verdict": verdict | {"verdict": looked.told},
        "remarks": list(verified.remarks),
        "derivations": [
            {
                "check": each.claim.run.check,
                "attested": each.claim.run.drv_path,
                "found": each.found,
                "same": each.answer.value == _REPRODUCED,
                "attestation": each.claim.id,
                "keys": list(each.claim.keys),
            }
            for each in looked.derived
        ],
        "rebuilds": [_rebuild_object(each) for each in looked.rebuilt],
        "signed": [each.id for each in looked.signed],
        "delivered": looked.delivered,
    }


def _rebuild_object(finding: Finding) -> dict[str, Any]:
    run = finding.claim.run
    return {
        "check": run.check,
        "attestation": finding.claim.id,
        "keys": list(finding.claim.keys),
        "answer": finding.answer.value,
        "method": finding.method,
        "code": finding.code,
        "message": finding.text,
        "facts": list(finding.facts),
        "attested": {"derivation": run.drv_path, "result": run.result_sha256},
        "found": {"derivation": finding.found, "result": finding.result},
        "known": finding.known,
    }


def _print(output: Output, looked: Looked) -> None:
    verified = looked.verified
    kind = verified.verdict.kind
    style = "good" if looked.told == VerdictKind.ACCEPTED.value else "bad"
    told = BYPASSED if looked.is_bypassed else kind.value
    text = f"{verified.commit[:12]} on {verified.verdict.update.ref}: {told}"
    if kind is VerdictKind.ACCEPTED and not verified.verdict.protected:
        text += " (no rule covers this ref)"
    elif looked.assurance is not None:
        text += f", assurance: {looked.assurance}"
    output.line(text, style)
    for line in (*verified.verdict.summary, *verified.verdict.remarks, *verified.remarks):
        output.line(f"  {line}")
    for finding in (*looked.derived, *looked.rebuilt):
        _print_finding(output, finding)
    where = "delivered to the forge" if looked.delivered else "kept in this clone"
    for signed in looked.signed:
        output.line(f"  signed: {signed.finding.answer.value}, attestation {signed.id[:12]}, {where}")
    if kind is not VerdictKind.ACCEPTED:
        print_verdict(output, Verdict(kind, (verified.verdict,)))


def _print_finding(output: Output, finding: Finding) -> None:
    claim = finding.claim
    what = {"derived": "derived again", "rebuilt": "rebuilt"}[finding.method]
    code = f" ({finding.code})" if finding.code and finding.code not in finding.text else ""
    known = ", found out before" if finding.known else ""
    output.line(
        f"  check {claim.run.check}, attested by {' and '.join(claim.keys)} ({claim.id[:12]}), {what}: "
        f"{finding.answer.value.upper() if finding.answer.exit_status else finding.answer.value}: "
        f"{finding.text}{code}{known}",
        _STYLES[finding.answer.exit_status],
    )
    if finding.answer.exit_status:
        for fact in finding.facts:
            output.line(f"    {fact}")


def _summarise(output: Output, looked: list[Looked]) -> None:
    kinds = Counter(each.told for each in looked)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    output.line(f"landings: {told}")
    answers = Counter(finding.answer.value for each in looked for finding in each.rebuilt)
    if answers:
        known = sum(finding.known for each in looked for finding in each.rebuilt)
        told = ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items()))
        output.line(f"attested runs: {told}" + (f" ({known} found out before)" if known else ""))
    blamed = Counter(
        key
        for each in looked
        for finding in each.rebuilt
        if finding.answer.exit_status == 1
        for key in finding.claim.keys
    )
    for key, count in sorted(blamed.items()):
        output.line(f"not reproduced, signed by {key}: {count}", "bad")
