"""What `lfci forge status` says about what the forge remembers: bypasses, and (with the landing records)
its memory of the policy."""

from __future__ import annotations

from datetime import datetime, timedelta

from lfci_gate.canonical import format_time
from lfci_gate.errors import LfciError
from lfci_gate.gate.bypasses import Broken, landings_by_bypass
from lfci_gate.gate.facts import LANDED_REF
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.memory import claimed, policy_in_force, trusted, written
from lfci_gate.gate.state import ForgeState
from lfci_gate.git.process import Git
from lfci_gate.value import Value

_RECENT = timedelta(days=30)
_MOST_NAMED = 5


class Line(Value):
    """One finding of `forge status`."""

    ok: bool
    what: str
    detail: str
    fix: str = ""


def memory_lines(git: Git, now: datetime) -> list[Line]:
    """What `forge status` says about its memory and about break-glass."""
    try:
        ok, what, fix = memory_said(git)
        return [Line(ok, "memory", what, fix), Line(True, "break-glass", bypasses_said(git, now))]
    except LfciError as error:
        return [Line(False, "memory", f"{error.code}: {error.message}", error.hint)]


def bypasses_said(git: Git, now: datetime) -> str:
    """Landings by break-glass in one line, the recent ones by name. Raises what reading the notes raises."""
    with open_forge(git) as view:
        policy = policy_in_force(view)
        found = landings_by_bypass(view.objects, view.refs, trusted(git, policy), policy)
    if not found:
        return "nothing landed by it"
    recent = [each for each in found if now - each.landing.verified_at < _RECENT]
    count = "1 landing" if len(found) == 1 else f"{len(found)} landings"
    named = "; ".join(_said(each) for each in recent[-_MOST_NAMED:])
    return f"{count}, {len(recent)} of them in the last 30 days" + (f": {named}" if named else "")


def memory_said(git: Git) -> tuple[bool, str, str]:
    """Whether the forge's memory and its landing records agree; what they say; what to do. Raises as
    :func:`bypasses_said`."""
    state = ForgeState(git.git_dir)
    with open_forge(git) as view:
        floor = view.policy_floor
        version = 0 if floor is None else floor.version
        found = claimed(git, view, above=version)
        tip = view.ref(LANDED_REF)
    fold = "lfci forge fold REPO"
    lost = written(state).lost
    if lost:
        what = f"landing records are gone that were here: up to {', '.join(each[:12] for each in lost)}"
        return False, what, "lfci forge recover REPO --from CLONE (or, for good: --accept-loss)"
    if found.signed is not None:
        return False, f"knows policy version {version}, the landing records {found.signed.version}", fold
    if found.unsigned > version:
        what = f"knows policy version {version}; records that no trusted key signed say {found.unsigned}"
        return False, what, "git config --add lfci.forgeKey '<the key the forge had>', then: " + fold
    if floor is None and tip is not None:
        return False, "is gone: there are landing records, and no policy version is remembered", fold
    return True, "no policy has been in force yet" if floor is None else f"policy version {version}", ""


def _said(each: Broken) -> str:
    landing = each.landing
    by = " and ".join(each.signed_by) or "nobody whose signature is here"
    return f"{landing.commit[:12]} on {landing.ref}, {format_time(landing.verified_at)}, by {by}"
