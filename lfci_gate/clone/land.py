"""`lfci land`: fetch, replay onto the target in memory, check, push branch and evidence at once.

Until the push is accepted nothing of the user's is touched: not the branch, not the index, not a
file. Afterwards the branch is where a rebase would have left it, or, when uncommitted changes are
in the way, where it was.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from lfci_gate.clone.deliver import evidence_for, fetch_evidence, fetch_target
from lfci_gate.clone.evidence import prune
from lfci_gate.clone.follow import follow
from lfci_gate.clone.patience import Patience, landed_with
from lfci_gate.clone.preview import base_of, preview
from lfci_gate.clone.replay import Replayed, committer, replay
from lfci_gate.clone.seen import watch
from lfci_gate.clone.sending import Sent, send
from lfci_gate.clone.target import Target, find_target, landed_policy
from lfci_gate.clone.view import forge_view
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError, Undecided, UsageError
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import head_branch, read_ref
from lfci_gate.model import CheckDefinition, ObjectId, Policy, RefUpdate, Verdict, VerdictKind
from lfci_gate.value import Value, replace

_PATIENCE_S = 15.0
"""How long a landing waits altogether for the folds of those before it."""

_CROSSINGS = 2
"""How often in a row somebody else may have delivered the same evidence just before."""

Wait = Callable[[CheckDefinition, ObjectId], bool]
"""(check, its inputs tree) -> whether the evidence that was missing may have come meanwhile."""


class Ensure(Protocol):
    """Makes sure that the checks which the target requires are attested for a commit."""

    def __call__(self, commit: ObjectId, target: Target, policy: Policy, wait: Wait) -> None:
        """Raises Refusal LFCI307 when a check fails, Undecided when it cannot be told.

        Arguments: ``wait`` is asked before a check is run.
        """


class Landed(Value):
    """How it ended: landed, unless one of ``already``, ``dry_run`` or ``refused`` says otherwise."""

    commit: ObjectId
    target: Target
    replayed: int
    attempts: int
    already: bool = False
    dry_run: bool = False
    verdict: Verdict | None = None
    """Not accepted: what the rules said here, before anything was sent."""
    refused_by_forge: tuple[str, ...] = ()
    """What the forge said, line by line, when it refused what the preview accepted."""
    accepted: Verdict | None = None
    """Accepted: what the rules said here before it was sent; it may rest on a bypass."""
    left_behind: bool = False
    """The user's branch is not at ``commit``: uncommitted changes were in the way, or nothing
    of it was left to land."""

    @property
    def refused(self) -> bool:
        return self.verdict is not None or bool(self.refused_by_forge)


class Plan(Value):
    """One attempt: what goes where."""

    target: Target
    policy: Policy
    new: ObjectId
    tree: ObjectId
    """Of ``new``."""
    replayed: int


class Lander:
    """One change on its way: what HEAD was when the user asked, whatever happens to it meanwhile."""

    def __init__(
        self,
        git: Git,
        objects: BatchReader,
        *,
        ensure: Ensure,
        say: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        """Arguments: ``ensure`` runs or reuses the checks; ``say`` takes progress lines.

        Raises UsageError LFCI514 before the first commit.
        """
        self._git = git
        self._objects = objects
        self._ensure = ensure
        self._say = say
        self._now = now
        self._patience = Patience(git, objects, _PATIENCE_S)
        self._branch = head_branch(git)
        head = read_ref(git, "HEAD")
        if head is None:
            raise UsageError("LFCI514", "there is no commit to land", hint="git commit")
        self._head = head

    def land(
        self, *, remote: str | None, branch: str | None, dry_run: bool = False, attempts: int = 12
    ) -> Landed:
        """Lands the change on the target branch.

        Arguments: ``attempts`` bounds how often somebody else may be faster. Raises Refusal LFCI508
        (conflict), LFCI220 (the forge has gone back), Undecided LFCI506 (the remote cannot be reached),
        LFCI507 (lost every race).
        """
        target = find_target(self._git, remote=remote, branch=branch, ask=True)
        if target.remote is None:
            raise UsageError(
                "LFCI514", "this clone has no remote to land on", hint="git remote add origin URL"
            )
        first = target = fetch_target(self._git, target)
        crossed = 0
        for attempt in range(1, attempts + 1):
            if attempt > 1:
                target = fetch_target(self._git, target)
            watch(self._git, self._objects, target, fresh=True)
            plan = self._plan(target)
            landed = Landed(plan.new, target, plan.replayed, attempt)
            if plan.new == target.tip:
                return replace(landed, already=True, left_behind=plan.new != self._head)
            update = RefUpdate(target.ref, target.tip, plan.new)
            self._ensure_all(plan, update)
            verdict = preview(
                forge_view(self._git, self._objects, target, {}, plan.tree), (update,), self._now()
            )
            if verdict.kind is not VerdictKind.ACCEPTED:
                return replace(landed, verdict=verdict)
            landed = replace(landed, accepted=verdict)
            if dry_run:
                return replace(landed, dry_run=True)
            sent = self._send(plan, update)
            crossed = crossed + 1 if sent.crossed else 0
            if sent.refused or crossed > _CROSSINGS:
                return replace(landed, refused_by_forge=sent.forge_words)
            if sent.accepted or self._landed_all_the_same(plan, sent):
                return replace(landed, left_behind=not self._finish(plan))
            if attempt < attempts:
                self._say(f"somebody else was faster (attempt {attempt}); again")
                time.sleep(min(0.05 * 2**attempt, 5.0) * random.uniform(0.5, 1.5))
        if plan.target.tip == first.tip:
            raise Undecided("LFCI506", "the remote did not take the push", facts=sent.facts)
        raise Undecided("LFCI507", f"others landed first, {attempts} times", facts=("nothing was changed",))

    # -- before the push --------------------------------------------------------------------

    def _plan(self, target: Target) -> Plan:
        policy = landed_policy(self._objects, target, read_commit(self._objects, self._head).tree)
        if policy is None:
            raise UsageError(
                "LFCI201", "neither the target nor HEAD has a .lfci/policy.toml", hint="lfci init"
            )
        new, replayed = self._head, 0
        if target.tip is not None and not is_ancestor(self._git, target.tip, self._head):
            if is_ancestor(self._git, self._head, target.tip):
                new = target.tip
            else:
                done = self._replay(target, target.tip)
                new, replayed = done.tip, done.commits
        return Plan(target, policy, new, read_commit(self._objects, new).tree, replayed)

    def _replay(self, target: Target, tip: ObjectId) -> Replayed:
        who = committer(self._git, self._now())
        done = replay(self._git, self._objects, self._head, tip, who, target.name)
        if done.commits:
            self._say(f"replayed {_commits(done.commits)} onto {target.name} {tip[:12]}")
        if done.dropped:
            self._say(f"left out {_commits(done.dropped)} whose change {target.name} has already")
        return done

    def _ensure_all(self, plan: Plan, update: RefUpdate) -> None:
        target = plan.target
        assert target.remote is not None
        remote = target.remote

        def wait(definition: CheckDefinition, inputs: ObjectId) -> bool:
            if not landed_with(self._objects, target, definition, inputs):
                return False
            return self._patience.try_again(remote, target.tip)

        rule = rule_for(plan.policy, target.ref)
        commits: tuple[ObjectId, ...] = (plan.new,)
        if rule is not None and rule.scope == "each":
            view = forge_view(self._git, self._objects, plan.target, {})
            history = view.history(base_of(view, update), plan.new, Limits().new_commits)
            commits = tuple(reversed(history.first_parents)) or commits
        for commit in commits:
            self._ensure(commit, plan.target, plan.policy, wait)

    # -- the push and after -----------------------------------------------------------------

    def _send(self, plan: Plan, update: RefUpdate) -> Sent:
        assert plan.target.remote is not None
        evidence = evidence_for(self._git, self._objects, plan.target, plan.policy, (update,))
        return send(self._git, plan.target.remote, plan.new, plan.target.ref, evidence)

    def _landed_all_the_same(self, plan: Plan, sent: Sent) -> bool:
        """What became of a push that failed and was not refused: false when somebody else was faster.

        A connection may break after the forge has moved the ref. Raises Undecided LFCI506 when
        nothing has moved and nobody else was at work: trying again would not help.
        """
        try:
            tip = fetch_target(self._git, plan.target).tip
        except Undecided:
            tip = plan.target.tip
        if tip != plan.target.tip:
            return tip is not None and is_ancestor(self._git, plan.new, tip)
        if sent.busy:
            return False
        raise Undecided("LFCI506", "the remote did not take the push", facts=sent.facts)

    def _finish(self, plan: Plan) -> bool:
        """Whether the user's branch is at the landed commit. It has landed: nothing here may fail."""
        assert plan.target.remote is not None
        followed = plan.new == self._head
        with suppress(LfciError):
            followed = followed or follow(self._git, self._branch, self._head, plan.new)
        fetch_evidence(self._git, plan.target.remote)
        with suppress(LfciError):
            watch(self._git, self._objects, plan.target.again(self._git), fresh=True, again=False)
        with suppress(LfciError):  # another lfci of this clone is at it; the next one tidies up
            prune(self._git, self._objects)
        return followed


def _commits(count: int) -> str:
    return "1 commit" if count == 1 else f"{count} commits"
