"""Evidence on its way to the forge: shortly before a push, or in the same push."""

from __future__ import annotations

from datetime import datetime

from lfci_gate.clone.evidence import MIRROR, undelivered
from lfci_gate.clone.patience import Patience
from lfci_gate.clone.preview import preview, subjects
from lfci_gate.clone.remote import fetch, git_words
from lfci_gate.clone.seen import watch
from lfci_gate.clone.target import Target, landed_policy
from lfci_gate.clone.view import forge_view
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.git.names import is_oid
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId, Policy, RefUpdate, Verdict, VerdictKind
from lfci_gate.value import replace

MARK = "LFCI_DELIVERING"
"""Set in the environment of our own pushes, so that our pre-push hook lets them pass. It can weaken
nothing: client hooks are feedback, the forge decides."""

_DELIVERIES = 3
_PATIENCE_S = 2.0
"""How long a push that would be refused waits for the evidence of what landed just before it."""


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
    *,
    known: bool = False,
) -> Verdict | None:
    """Before a plain `git push`: the evidence that the pushed refs need goes first, in a push of
    its own. Returns the preview's verdict when it is not an acceptance; None lets the push go.

    Arguments: ``url`` as git gives it to the hook; ``updates`` every ref of the push; ``known`` says that
    it goes to the target's remote, whose past this clone may remember (Refusal LFCI220). Where the target
    has no policy there is no gate to satisfy. Raises Undecided LFCI506 when the evidence could not
    be delivered, Refusal LFCI208 when a protected ref has moved on the remote.
    """
    tree = _pushed_tree(objects, updates)
    landed = {update.ref: update.old for update in updates}
    target = _as_advertised(objects, target, landed)
    policy = landed_policy(objects, target, tree)
    protected = [each for each in updates if policy is not None and rule_for(policy, each.ref)]
    if policy is None or not protected:
        return None
    _refuse_unknown_tips(objects, protected)
    if known:
        gone = frozenset(each.ref for each in updates if each.old is None)
        watch(git, objects, target, fresh=False, gone=gone)
    verdict = preview(forge_view(git, objects, target, landed, tree), updates, now)
    if verdict.kind is not VerdictKind.ACCEPTED:
        # The forge may have evidence that this clone has not: ask before saying no.
        fetch_evidence(git, url)
        verdict = preview(forge_view(git, objects, target, landed, tree), updates, now)
        patience = Patience(git, objects, _PATIENCE_S)
        while verdict.kind is not VerdictKind.ACCEPTED and patience.try_again(url, target.tip):
            verdict = preview(forge_view(git, objects, target, landed, tree), updates, now)
        if verdict.kind is not VerdictKind.ACCEPTED:
            return verdict
    refs = evidence_for(git, objects, target, policy, updates)
    if refs:
        push_refs(git, url, refs)
    return None


def _as_advertised(objects: BatchReader, target: Target, landed: dict[str, ObjectId | None]) -> Target:
    """The target's tips as the remote has just named them, where this clone has these commits."""

    def best(ref: str, fetched: ObjectId | None) -> ObjectId | None:
        named = landed.get(ref)
        return named if named is not None and objects.exists(named) else fetched

    return replace(target, tip=best(target.ref, target.tip), head_tip=best(target.head, target.head_tip))


def _refuse_unknown_tips(objects: BatchReader, updates: list[RefUpdate]) -> None:
    """git calls the hook before it says "fetch first", and nothing can be judged on a commit that is
    not here."""
    for update in updates:
        if update.old is not None and not objects.exists(update.old):
            raise Refusal(
                "LFCI208",
                f"{update.ref} has commits that this clone has not: somebody else landed meanwhile",
                facts=(f"there: {update.old[:12]}", "nothing was sent"),
                hint="lfci land (it replays your commits), or: git fetch && git rebase",
            )


def about(git: Git, objects: BatchReader, target: Target, policy: Policy, commit: ObjectId) -> set[ObjectId]:
    """Trees that evidence for landing ``commit`` on the target can be about. Raises UsageError LFCI216 when
    no rule covers the target."""
    rule = rule_for(policy, target.ref)
    if rule is None:
        raise UsageError("LFCI216", f"the policy has no rule for {target.ref}: nothing is asked there")
    view = forge_view(git, objects, target, {})
    return subjects(view, rule, RefUpdate(target.ref, target.tip, commit))


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
    for _ in range(_DELIVERIES):
        # A ref that somebody else has brought meanwhile is refused (create-only) and takes the others
        # with it; the next time git sees that it is there and leaves it out.
        status, _, err = marked.status("push", "--quiet", url, *specs, hooks=True)
        if status == 0:
            return
        if b"error[LFCI210]" not in err:
            break
    raise Undecided("LFCI506", "the evidence could not be delivered", facts=git_words(err))


def fetch_target(git: Git, target: Target) -> Target:
    """The branches of the remote that matter, and the evidence, as they are now. A branch that does not
    exist there yet is no error, so the specs are globs. Raises Undecided LFCI506."""
    assert target.remote is not None
    specs = {f"+{ref}*:{target.tracking(ref)}*" for ref in (target.ref, target.head)}
    err = fetch(git, target.remote, {*specs, *MIRROR})
    if err is not None:
        raise Undecided(
            "LFCI506",
            f"cannot fetch from {target.remote}",
            facts=git_words(err),
            hint=f"git fetch {target.remote}",
        )
    return target.again(git)


def fetch_evidence(git: Git, place: str) -> None:
    """Brings the mirrored notes up to date from a remote or URL; a forge that cannot be asked leaves
    them as they are, and what follows speaks of what was known."""
    fetch(git, place, MIRROR)


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
