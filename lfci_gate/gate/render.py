"""A verdict as JSON and as the few lines a pusher reads. Pure; plain ASCII."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lfci_gate.codes import CODES
from lfci_gate.model import Reason, RefVerdict, Verdict, VerdictKind

SCHEMA = "lfci.verdict/1"
_MAX_REASONS = 6
_MAX_FACTS = 4


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """The JSON form of docs/formats.md, "Exit of the gate"."""
    return {
        "schema": SCHEMA,
        "verdict": verdict.kind.value,
        "refs": [_ref_object(ref) for ref in verdict.refs],
    }


def verdict_lines(verdict: Verdict, *, show_refs: bool | None = None) -> Iterator[str]:
    """What the pusher reads: each reason in at most about six lines, at most six reasons, the same
    reason once however many refs or commits have it."""
    bad = [ref for ref in verdict.refs if ref.kind is not VerdictKind.ACCEPTED]
    with_ref = len(verdict.refs) > 1 if show_refs is None else show_refs
    shown: set[tuple[str, str, tuple[str, ...]]] = set()
    left = 0
    for ref in bad:
        for reason in ref.reasons:
            key = (reason.code, reason.message, reason.facts)
            if key in shown:
                continue
            if len(shown) >= _MAX_REASONS:
                left += 1
                continue
            shown.add(key)
            yield from reason_lines(reason, ref.update.ref if with_ref else None)
    if left:
        yield f"error: and {left} more {'reason' if left == 1 else 'reasons'}"


def bypass_lines(verdict: Verdict) -> Iterator[str]:
    """What the pusher of an accepted push reads where a bypass let something land, or failures were borne."""
    for ref in verdict.refs:
        for remark in ref.remarks if ref.bypass is None else ():
            if remark.startswith("QUARANTINE"):
                yield f"warning: {_ascii(remark)}"
        if ref.bypass is not None:
            yield f"warning: {_ascii(ref.update.ref)} lands by break-glass"
            yield from (f"warning: {_ascii(remark)}" for remark in ref.remarks)


def reason_lines(reason: Reason, ref: str | None = None) -> Iterator[str]:
    """One reason: the error, its facts, the next command, where to read more."""
    yield f"error[{reason.code}]: {_ascii(reason.message)}"
    place = [f"ref {_ascii(ref)}"] if ref else []
    if reason.commit is not None:
        place.append(f"commit {reason.commit[:12]}")
    if place:
        yield "  " + ", ".join(place)
    for fact in reason.facts[:_MAX_FACTS]:
        yield "  " + _ascii(fact)
    hint = reason.hint or CODES[reason.code].remedy
    yield f"hint: {_ascii(hint)}"
    yield f"more: lfci explain {reason.code}"


def _ref_object(ref: RefVerdict) -> dict[str, Any]:
    return {
        "ref": ref.update.ref,
        "old": ref.update.old,
        "new": ref.update.new,
        "verdict": ref.kind.value,
        "protected": ref.protected,
        "reasons": [_reason_object(reason) for reason in ref.reasons],
        "evidence": list(ref.evidence),
        "summary": list(ref.summary),
        "remarks": list(ref.remarks),
        "bypass": ref.bypass,
        "waived": [_reason_object(reason) for reason in ref.waived],
    }


def _reason_object(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "check": reason.check,
        "commit": reason.commit,
        "message": reason.message,
        "facts": list(reason.facts),
        "hint": reason.hint or CODES[reason.code].remedy,
    }


def _ascii(text: str) -> str:
    """Names from a push must not reach a terminal as control sequences."""
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)
