"""`lfci break-glass list`: what landed without passing, and by whose word."""

from __future__ import annotations

from typing import Any

from lfci_gate.canonical import format_time
from lfci_gate.cli.context import Context
from lfci_gate.cli.policy_source import find_policy
from lfci_gate.cli.revisions import commit_named
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.errors import UsageError
from lfci_gate.gate.bypasses import Broken, landings_by_bypass
from lfci_gate.gate.facts import LANDED_REF
from lfci_gate.gate.records import trusted_keys
from lfci_gate.git.history import new_commits
from lfci_gate.git.objects import BatchReader


def list_bypasses(context: Context, text: str | None) -> int:
    """All that the forge's landing records, as last fetched, say; of a range only its commits."""
    git, output = context.git, context.output
    with BatchReader(git) as objects:
        commits = None
        if text is not None:
            first, dots, last = text.partition("..")
            if not dots or last.startswith("."):
                raise UsageError("LFCI514", "a range is A..B, with two dots")
            newer, older = (commit_named(objects, each or "HEAD") for each in (last, first))
            commits = frozenset(new_commits(git, newer, older))
        refs = evidence_refs(git)
        found = find_policy(context, objects)
        policy = None if found is None else found.policy
        broken = landings_by_bypass(objects, refs, trusted_keys(git, policy), policy, commits)
    output.json({"schema": "lfci.bypasses/1", "bypasses": [_object(each) for each in broken]})
    for each in broken:
        _print(context, each)
    if LANDED_REF not in refs:
        output.line("no landing records are here, so nothing is known: git fetch brings them (lfci install)")
    elif not broken:
        output.line("nothing landed by break-glass, as far as the landing records that were fetched say")
    return 0


def _print(context: Context, each: Broken) -> None:
    output, landing = context.output, each.landing
    output.line(f"{landing.commit} on {landing.ref}, {format_time(landing.verified_at)}", "strong")
    output.line(f"  waived     {', '.join(landing.waived)}")
    if each.bypass is None:
        output.line(
            f"  bypass     {landing.bypass}, which no key of the policy here is known to have signed", "warn"
        )
    else:
        output.line(f"  bypass     {landing.bypass}")
        output.line(f"  signed by  {', '.join(each.signed_by)}")
        output.line(f"  asked by   {each.bypass.requested_by}")
        for number, line in enumerate(each.bypass.reason.splitlines()):
            output.line(f"  {'because' if number == 0 else '':<10} {line}")
    if each.recorded_by is None:
        output.line(
            "  recorded   by a key that is not trusted here (git config --add lfci.forgeKey ...)", "warn"
        )
    else:
        output.line(f"  recorded   by {each.recorded_by}")


def _object(each: Broken) -> dict[str, Any]:
    landing, bypass = each.landing, each.bypass
    return {
        "commit": landing.commit,
        "ref": landing.ref,
        "old": landing.old,
        "at": format_time(landing.verified_at),
        "bypass": landing.bypass,
        "waived": list(landing.waived),
        "signedBy": list(each.signed_by),
        "requestedBy": None if bypass is None else bypass.requested_by,
        "reason": None if bypass is None else bypass.reason,
        "recordedBy": each.recorded_by,
    }
