"""What a bypass has to waive, and landing by it (rule 16)."""

from __future__ import annotations

from datetime import datetime

from lfci_gate.clone.break_glass import Offered, allowed_by
from lfci_gate.clone.deliver import evidence_for, fetch_evidence
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.clone.preview import preview
from lfci_gate.clone.sending import send
from lfci_gate.clone.target import Target
from lfci_gate.clone.view import forge_view
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.gate.bypass import WAIVABLE
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId, Policy, RefUpdate, Verdict, VerdictKind
from lfci_gate.value import Value

_OF_BYPASSES = frozenset({"LFCI218", "LFCI219"})
"""What is said of an earlier bypass for the same commit; a new one is asked for."""


def needed(
    git: Git, objects: BatchReader, target: Target, policy: Policy, commit: ObjectId, now: datetime
) -> tuple[str, ...]:
    """What has to be waived for ``commit`` to land on the target, as far as can be told here.

    Raises Refusal LFCI218 when something is in the way that nobody can waive, UsageError LFCI218 when
    nothing is, Undecided when it cannot be told.
    """
    allowed_by(policy, target.ref)
    rule = rule_for(policy, target.ref)
    assert rule is not None
    view = forge_view(git, objects, target, {}, read_commit(objects, commit).tree)
    verdict = preview(view, (RefUpdate(target.ref, target.tip, commit),), now)
    reasons = [reason for reason in verdict.refs[0].reasons if reason.code not in _OF_BYPASSES]
    codes = {reason.code for reason in reasons}
    if verdict.kind is VerdictKind.ACCEPTED:
        raise UsageError("LFCI218", "no bypass is needed: the rules accept it as it is", hint="lfci land")
    words = {word for word, (_, known) in WAIVABLE.items() if codes & known}
    others = sorted(codes - {code for _, known in WAIVABLE.values() for code in known})
    if others:
        raise Refusal(
            "LFCI218",
            f"no bypass can waive {', '.join(others)}",
            facts=tuple(f"{reason.code}: {reason.message}" for reason in reasons),
            hint="put the change in order, or name what to waive: --waive",
        )
    if "checks" in words:
        # Without a run there is nothing to compare its tests with.
        words |= {"tests"} if rule.tests_removed != "allow" else set()
    return tuple(sorted(words))


class Landed(Value):
    """How it ended."""

    verdict: Verdict
    """What the rules said here; when it is no acceptance nothing was sent."""
    refused_by_forge: tuple[str, ...] = ()


def land(
    git: Git, objects: BatchReader, target: Target, policy: Policy, offered: Offered, now: datetime
) -> Landed:
    """Pushes the commit of a bypass together with the bypass and all other evidence about it, at once. No
    check is run and nothing is replayed: the bypass is for this commit on this tip.

    Raises Undecided LFCI506 when the remote did not take the push and gave no verdict.
    """
    bypass = offered.bypass
    store_evidence(git, offered.line, None)
    update = RefUpdate(bypass.ref, bypass.old, bypass.commit)
    view = forge_view(git, objects, target, {}, read_commit(objects, bypass.commit).tree)
    verdict = preview(view, (update,), now)
    if verdict.kind is not VerdictKind.ACCEPTED:
        return Landed(verdict)
    assert target.remote is not None
    evidence = evidence_for(git, objects, target, policy, (update,))
    sent = send(git, target.remote, bypass.commit, bypass.ref, evidence)
    if not sent.accepted and not sent.forge_words:
        raise Undecided("LFCI506", "the remote did not take the push", facts=sent.facts)
    if sent.accepted:
        fetch_evidence(git, target.remote)
    return Landed(verdict, () if sent.accepted else sent.forge_words)
