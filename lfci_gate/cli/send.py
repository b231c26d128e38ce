"""`lfci attestation send`: evidence about somebody's commit goes to the forge, without the commit.

For runners and others who vouch for what they do not land themselves.
"""

from __future__ import annotations

from lfci_gate.cli.context import Context
from lfci_gate.cli.evidence import FORGE, Held, collect, signers
from lfci_gate.cli.revisions import commit_named
from lfci_gate.clone.deliver import about, fetch_evidence, fetch_target, push_refs
from lfci_gate.clone.evidence import evidence_refs, undelivered
from lfci_gate.clone.target import BRANCHES, Target, find_target, landed_policy
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, Policy


def send_evidence(context: Context, rev: str, remote: str | None, branch: str | None) -> int:
    """Pushes what the forge does not have about ``rev`` on its way to the target; 0 also when it has all.

    Raises UsageError LFCI514 (no remote, no such commit), LFCI201 (no policy there), LFCI216 (no rule for
    the target), Refusal LFCI101 when nobody here or there has anything about it, Undecided LFCI506.
    """
    git = context.git
    with BatchReader(git) as objects:
        commit = commit_named(objects, rev, hint="git fetch")
        target = find_target(git, remote=remote, branch=branch, ask=True)
        place = target.remote
        if place is None:
            raise UsageError(
                "LFCI514", "this clone has no remote to send to", hint="git remote add origin URL"
            )
        target = fetch_target(git, target)
        policy = landed_policy(objects, target, None)
        if policy is None:
            raise UsageError("LFCI201", f"{target.name} has no policy, so nothing can be evidence there")
        subjects = about(git, objects, target, policy, commit)
        held = [each for each in collect(git, objects)[0] if each.subject in subjects]
        refs = undelivered(objects, evidence_refs(git), subjects)
        if not held:
            raise Refusal(
                "LFCI101",
                f"nobody here or at {place} attests anything about {commit[:12]}",
                hint=f"lfci check --rev {rev}",
            )
        if refs:
            push_refs(git, place, refs)
            fetch_evidence(git, place)
    _report(context, commit, target, policy, held, refs)
    return 0


def _report(
    context: Context,
    commit: ObjectId,
    target: Target,
    policy: Policy,
    held: list[Held],
    refs: dict[str, ObjectId],
) -> None:
    names = {ref.rpartition("/")[2] for ref in refs}
    sent = [each for each in held if each.id in names]
    unknown = [each.id for each in sent if not signers(each, policy)]
    there = [each.id for each in held if FORGE in each.places and each.id not in names]
    output = context.output
    output.json(
        {
            "schema": "lfci.sent/1",
            "commit": commit,
            "ref": target.ref,
            "remote": target.remote,
            "sent": sorted(each.id for each in sent),
            "notCounted": sorted(unknown),
            "there": sorted(there),
        }
    )
    of = f"about {commit[:12]} for {target.ref.removeprefix(BRANCHES)}"
    if sent:
        what = "1 attestation" if len(sent) == 1 else f"{len(sent)} attestations"
        output.line(f"sent {what} {of} to {target.remote}", "good")
    else:
        output.line(f"nothing to send: {target.remote} has what is here {of}")
    if unknown:
        output.note(
            f"warning: no key of the policy signed {len(unknown)} of them; the forge does not count those, "
            "and drops them after a day"
        )
