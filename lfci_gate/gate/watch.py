"""What `lfci forge status` says about what the forge remembers: bypasses, and (with the landing records)
its memory of the policy."""

from __future__ import annotations

from datetime import datetime, timedelta

from lfci_gate.canonical import format_time
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.bypasses import Broken, landings_by_bypass
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.records import trusted_keys
from lfci_gate.git.process import Git

_RECENT = timedelta(days=30)
_MOST_NAMED = 5


def bypasses_said(git: Git, now: datetime) -> str:
    """Landings by break-glass in one line, the recent ones by name. Raises what reading the policy and the
    notes raises."""
    with open_forge(git) as view:
        policy = rule_02_policy(view, Limits()).policy
        found = landings_by_bypass(view.objects, view.refs, trusted_keys(git, policy), policy)
    if not found:
        return "nothing landed by it"
    recent = [each for each in found if now - each.landing.verified_at < _RECENT]
    count = "1 landing" if len(found) == 1 else f"{len(found)} landings"
    named = "; ".join(_said(each) for each in recent[-_MOST_NAMED:])
    return f"{count}, {len(recent)} of them in the last 30 days" + (f": {named}" if named else "")


def _said(each: Broken) -> str:
    landing = each.landing
    by = " and ".join(each.signed_by) or "nobody whose signature is here"
    return f"{landing.commit[:12]} on {landing.ref}, {format_time(landing.verified_at)}, by {by}"
