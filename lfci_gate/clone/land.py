"""`lfci land`: fetch, replay onto the target in memory, check, push branch and evidence at once.

Until the push is accepted nothing of the user's is touched: not the branch, not the index, not a
file. Afterwards the branch is where a rebase would have left it, or, when uncommitted changes are
in the way, where it was.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from lfci_gate.clone.deliver import MARK, evidence_for, fetch_evidence, git_words
from lfci_gate.clone.evidence import MIRROR, prune
from lfci_gate.clone.preview import forge_view, preview
from lfci_gate.clone.replay import replay
from lfci_gate.clone.target import BRANCHES, Target, find_target, landed_policy
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import Undecided, UsageError
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.commit import Identity
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import read_ref
from lfci_gate.model import ObjectId, Policy, RefUpdate, Verdict, VerdictKind
from lfci_gate.value import Value

_RACES = (
    b"fetch first",
    b"non-fast-forward",
    b"stale info",
    b"failed to update ref",
    b"cannot lock ref",
    b"incorrect old value",
    b"LFCI507",
)
"""What git or the gate says when somebody else landed first."""


class Ensure(Protocol):
    """Makes sure that the checks which ``rule`` requires are attested for a tree."""

    def __call__(self, tree: ObjectId, target: Target, policy: Policy) -> None:
        """Raises Refusal LFCI307 when a check fails, Undecided when it cannot be told."""


class Landed(Value):
    """How it ended; exactly one of ``verdict`` (refused, here or by the forge) and success."""

    commit: ObjectId
    ref: str
    replayed: int
    attempts: int
    already: bool = False
    dry_run: bool = False
    verdict: Verdict | None = None
    refused_by_forge: tuple[str, ...] = ()
    """What the forge said, line by line, when it refused what the preview accepted."""
    left_behind: bool = False
    """The user's branch was not moved, because uncommitted changes were in the way."""


class Plan(Value):
    """One attempt: what goes where."""

    target: Target
    policy: Policy
    head: ObjectId
    new: ObjectId
    tree: ObjectId
    """Of ``new``."""
    replayed: int


def land(
    git: Git,
    objects: BatchReader,
    *,
    remote: str | None,
    branch: str | None,
    ensure: Ensure,
    say: Callable[[str], None],
    now: Callable[[], datetime],
    dry_run: bool = False,
    attempts: int = 12,
) -> Landed:
    """Lands HEAD on the target branch.

    Arguments: ``ensure`` runs or reuses the checks; ``say`` takes progress lines; ``attempts`` bounds
    how often somebody else may be faster. Raises Refusal LFCI508 (conflict), Undecided LFCI506 (the
    remote cannot be reached), LFCI507 (lost every race).
    """
    for attempt in range(1, attempts + 1):
        plan = _plan(git, objects, remote, branch, say, now())
        if plan.new == plan.target.tip:
            return Landed(plan.new, plan.target.ref, 0, attempt, already=True)
        _ensure_all(git, objects, plan, ensure)
        update = RefUpdate(plan.target.ref, plan.target.tip, plan.new)
        verdict = preview(forge_view(git, objects, plan.target, {}, plan.tree), (update,), now())
        if verdict.kind is not VerdictKind.ACCEPTED:
            return Landed(plan.new, plan.target.ref, plan.replayed, attempt, verdict=verdict)
        if dry_run:
            return Landed(plan.new, plan.target.ref, plan.replayed, attempt, dry_run=True)
        status, lines = _push(git, objects, plan, update)
        if status == 0:
            return _finish(git, objects, plan, attempt)
        if not _lost_race(lines):
            if any(b"LFCI" in line for line in lines):
                text = tuple(_remote_text(line) for line in lines if line.startswith(b"remote: "))
                return Landed(plan.new, plan.target.ref, plan.replayed, attempt, refused_by_forge=text)
            raise Undecided(
                "LFCI506",
                "the remote did not take the push",
                facts=tuple(_remote_text(line) for line in lines[-4:]),
            )
        say(f"somebody else landed first (attempt {attempt}); again")
        time.sleep(min(0.05 * 2**attempt, 5.0) * random.uniform(0.5, 1.5))
    raise Undecided("LFCI507", f"others landed first, {attempts} times")


def _plan(
    git: Git,
    objects: BatchReader,
    remote: str | None,
    branch: str | None,
    say: Callable[[str], None],
    now: datetime,
) -> Plan:
    target = find_target(git, remote=remote, branch=branch)
    if target.remote is None:
        raise UsageError("LFCI514", "this clone has no remote to land on", hint="git remote add origin URL")
    _fetch(git, target)
    target = find_target(git, remote=remote, branch=branch)
    head = read_ref(git, "HEAD")
    if head is None:
        raise UsageError("LFCI514", "there is no commit to land", hint="git commit")
    policy = landed_policy(objects, target, read_commit(objects, head).tree)
    if policy is None:
        raise UsageError("LFCI201", "neither the target nor HEAD has a .lfci/policy.toml", hint="lfci init")
    new, replayed = head, 0
    if target.tip is not None and not is_ancestor(git, target.tip, head):
        if is_ancestor(git, head, target.tip):
            new = target.tip
        else:
            done = replay(git, objects, head, target.tip, _committer(git, now))
            new, replayed = done.tip, done.commits
            branch_name = target.ref.removeprefix(BRANCHES)
            say(f"replayed {replayed} commits onto {branch_name} {target.tip[:12]}")
    return Plan(target, policy, head, new, read_commit(objects, new).tree, replayed)


def _fetch(git: Git, target: Target) -> None:
    """Branches of the remote that matter, and the evidence. A branch that does not exist there yet
    is no error, so the specs are globs."""
    assert target.remote is not None
    specs = {f"+{ref}*:{target.tracking(ref)}*" for ref in (target.ref, target.head)}
    status, _, err = git.status("fetch", "--quiet", "--no-tags", target.remote, *sorted(specs), *MIRROR)
    if status != 0:
        raise Undecided(
            "LFCI506",
            f"cannot fetch from {target.remote}",
            facts=git_words(err),
            hint=f"git fetch {target.remote}",
        )


def _ensure_all(git: Git, objects: BatchReader, plan: Plan, ensure: Ensure) -> None:
    rule = rule_for(plan.policy, plan.target.ref)
    commits: tuple[ObjectId, ...] = (plan.new,)
    if rule is not None and rule.scope == "each":
        view = forge_view(git, objects, plan.target, {})
        history = view.history(plan.target.tip, plan.new, Limits().new_commits)
        commits = tuple(reversed(history.first_parents)) or commits
    for commit in commits:
        ensure(read_commit(objects, commit).tree, plan.target, plan.policy)


def _push(git: Git, objects: BatchReader, plan: Plan, update: RefUpdate) -> tuple[int, list[bytes]]:
    """Branch and evidence in one atomic push: both land or neither does."""
    assert plan.target.remote is not None
    specs = [f"{plan.new}:{plan.target.ref}"]
    refs = evidence_for(git, objects, plan.target, plan.policy, (update,))
    specs += [f"{oid}:{ref}" for ref, oid in sorted(refs.items())]
    marked = git.with_env({MARK: "1"})
    # --porcelain: one line a ref on stdout, in words that do not change between versions.
    status, out, err = marked.status(
        "push", "--atomic", "--porcelain", plan.target.remote, *specs, hooks=True
    )
    return status, err.splitlines() + out.splitlines()


def _lost_race(lines: list[bytes]) -> bool:
    return any(race in line for line in lines for race in _RACES)


def _finish(git: Git, objects: BatchReader, plan: Plan, attempt: int) -> Landed:
    assert plan.target.remote is not None
    left = plan.new != plan.head and not _move_user(git, plan)
    fetch_evidence(git, plan.target.remote)
    prune(git, objects)
    return Landed(plan.new, plan.target.ref, plan.replayed, attempt, left_behind=left)


def _move_user(git: Git, plan: Plan) -> bool:
    """Branch, index and files to the replayed commit, as a rebase leaves them; false when that
    would touch uncommitted changes, or when the user went on meanwhile."""
    if read_ref(git, "HEAD") != plan.head:
        return False
    # --keep: all or nothing; it refuses when a file with uncommitted changes would be rewritten.
    return git.status("reset", "--quiet", "--keep", plan.new)[0] == 0


def _committer(git: Git, now: datetime) -> Identity:
    line = git.run("var", "GIT_COMMITTER_IDENT").rstrip(b"\n")
    name, _, rest = line.partition(b" <")
    email, _, when = rest.partition(b"> ")
    zone = when.split(b" ")[1]
    return Identity(name, email, int(now.timestamp()), zone)


def _remote_text(line: bytes) -> str:
    return line.decode("ascii", "backslashreplace").removeprefix("remote: ").rstrip()
