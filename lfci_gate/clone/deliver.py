"""Evidence on its way to the forge: shortly before a push, or in the same push."""

from __future__ import annotations

import os
from datetime import datetime

from lfci_gate.clone.evidence import MIRROR, undelivered
from lfci_gate.clone.preview import forge_view, preview, subjects
from lfci_gate.clone.target import Target, landed_policy
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError, Undecided, UsageError
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.git.names import is_oid
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId, Policy, RefUpdate, Verdict, VerdictKind

MARK = "LFCI_DELIVERING"
"""Set in the environment of our own pushes, so that our pre-push hook lets them pass. It can weaken
nothing: client hooks are feedback, the forge decides."""


def parse_pre_push(data: bytes) -> tuple[RefUpdate, ...]:
    """The lines ``<local ref> <local oid> <remote ref> <remote oid>`` of a pre-push hook's input.

    Raises UsageError LFCI514 when they are not in that form.
    """
    updates = []
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        if not line:
            continue
        # A local "ref" may be any expression (`git push origin HEAD~ :x`), so count from the end.
        parts = line.rsplit(" ", 3)
        if len(parts) != 4 or not is_oid(parts[1]) or not is_oid(parts[3]):
            raise UsageError("LFCI514", "git's list of pushed refs is not in form")
        _, new, ref, old = parts
        updates.append(RefUpdate(ref, _value(old), _value(new)))
    return tuple(updates)


def prepare_push(
    git: Git,
    objects: BatchReader,
    target: Target,
    url: str,
    updates: tuple[RefUpdate, ...],
    now: datetime,
) -> Verdict | None:
    """Before a plain `git push`: the evidence that the pushed refs need goes first, in a push of
    its own. Returns the preview's verdict when it is not an acceptance; None lets the push go.

    Arguments: ``url`` as git gives it to the hook; ``updates`` every ref of the push. Where the target
    has no policy there is no gate to satisfy. Raises Undecided LFCI506 when the evidence could not
    be delivered.
    """
    tree = _pushed_tree(objects, updates)
    policy = landed_policy(objects, target, tree)
    if policy is None or not any(rule_for(policy, each.ref) for each in updates):
        return None
    landed = {update.ref: update.old for update in updates}
    verdict = preview(forge_view(git, objects, target, landed, tree), updates, now)
    if verdict.kind is not VerdictKind.ACCEPTED:
        # The forge may have evidence that this clone has not: ask once before saying no.
        fetch_evidence(git, url)
        verdict = preview(forge_view(git, objects, target, landed, tree), updates, now)
        if verdict.kind is not VerdictKind.ACCEPTED:
            return verdict
    refs = evidence_for(git, objects, target, policy, updates)
    if refs:
        push_refs(git, url, refs)
    return None


def evidence_for(
    git: Git,
    objects: BatchReader,
    target: Target,
    policy: Policy,
    updates: tuple[RefUpdate, ...],
) -> dict[str, ObjectId]:
    """Inbox refs to push for these updates, by ref."""
    view = forge_view(git, objects, target, {})
    wanted: set[ObjectId] = set()
    for update in updates:
        rule = rule_for(policy, update.ref)
        if rule is not None and update.new is not None:
            wanted |= subjects(view, rule, update)
    return undelivered(objects, dict(view.refs), wanted)


def push_refs(git: Git, url: str, refs: dict[str, ObjectId]) -> None:
    """Pushes inbox refs. Raises Undecided LFCI506 with git's last words."""
    specs = [f"{oid}:{ref}" for ref, oid in sorted(refs.items())]
    marked = git.with_env({MARK: "1"})
    status, _, err = marked.status("push", "--quiet", url, *specs, hooks=True)
    if status != 0:
        raise Undecided("LFCI506", "the evidence could not be delivered", facts=git_words(err))


def fetch_evidence(git: Git, url: str) -> None:
    """Brings the mirrored notes up to date; a forge that cannot be asked leaves them as they are."""
    status, _, _ = git.status("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", url, *MIRROR)
    if status != 0:
        return  # the preview then speaks of what was known


def git_words(err: bytes) -> tuple[str, ...]:
    """What git said that matters: its fatal and error lines, else its last ones."""
    lines = [line for line in err.decode("ascii", "backslashreplace").splitlines() if line.strip()]
    serious = [line for line in lines if line.startswith(("fatal:", "error:", "remote: error"))]
    return tuple((serious or lines)[-3:])


def delivering() -> bool:
    """Whether this process runs inside one of our own pushes."""
    return bool(os.environ.get(MARK))


def _value(oid: str) -> ObjectId | None:
    return ObjectId(oid) if oid.strip("0") else None


def _pushed_tree(objects: BatchReader, updates: tuple[RefUpdate, ...]) -> ObjectId | None:
    for update in updates:
        if update.new is not None:
            try:
                return read_commit(objects, peel(objects, update.new)).tree
            except LfciError:
                continue  # a tag of a blob, say: the gate says so
    return None
