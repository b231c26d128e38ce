"""After a landing: the user's branch, index and files to the replayed commit, as a rebase leaves them."""

from __future__ import annotations

from lfci_gate.clone.target import BRANCHES
from lfci_gate.git.process import Git
from lfci_gate.git.refs import head_branch, read_ref
from lfci_gate.model import ObjectId


def follow(git: Git, branch: str | None, old: ObjectId, new: ObjectId) -> bool:
    """Moves the checked-out ``branch`` (None: a detached HEAD) from ``old`` to ``new``.

    False, and nothing has changed, when that would touch uncommitted changes or an unfinished merge
    or rebase, or when the user went on meanwhile.
    """
    if head_branch(git) != branch or read_ref(git, "HEAD") != old:
        return False
    # switch, not reset: it merges the change into index and files, so that what is staged stays
    # staged, and stops before anything is written when that cannot be done. An ignored file in
    # the way is the user's too.
    where = ("--detach", new) if branch is None else ("-C", branch.removeprefix(BRANCHES), new)
    told = git.with_env({"GIT_REFLOG_ACTION": "lfci land"})
    status, _, _ = told.status("switch", "--quiet", "--no-overwrite-ignore", *where)
    if status != 0:
        return False
    # As after a rebase; the reflog has it as well.
    git.status("update-ref", "-m", "lfci land", "ORIG_HEAD", old)
    return True
