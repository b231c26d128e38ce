"""Commits replayed onto another tip, in memory: working copy and index are not touched (pygit2).

What `git rebase` would make where that ends without conflict, but for two things that libgit2 does not
do: files do not follow a directory that was renamed on the other side, and merge drivers of the
configuration are not run. The checks run on what is made here, so nothing else can land. Conflicts are
refused: for them `git rebase` itself is the right tool.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lfci_gate.clone.remote import git_words
from lfci_gate.clone.shallow import reaches_the_end
from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.history import new_commits
from lfci_gate.git.process import Git
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId, ObjectSource
from lfci_gate.value import Value

_LIMIT = 1_000
_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")

_Merge = Callable[[ObjectId, ObjectId, ObjectId, ObjectId], ObjectId]


class Replayed(Value):
    tip: ObjectId
    commits: int
    """How many were written anew."""
    dropped: int
    """How many were left out, because their change is there already."""


def replay(
    git: Git, source: ObjectSource, tip: ObjectId, onto: ObjectId, who: Identity, name: str
) -> Replayed:
    """The commits of ``tip`` that ``onto`` does not contain, written anew on top of it.

    Arguments: ``who`` becomes the committer; authors and messages stay. ``name`` is what the user calls
    ``onto``, e.g. ``origin/main``. A commit whose change is in ``onto`` already is left out. Raises
    Refusal LFCI508 on a conflict or a merge commit among them, LFCI411 beyond 1,000 commits; Undecided
    LFCI408 where a shallow clone ends, LFCI508 where the trees cannot be merged in memory.
    """
    commits = list(reversed(new_commits(git, tip, onto, limit=_LIMIT)))
    if reaches_the_end(git, commits):
        raise Undecided("LFCI408", f"this clone is shallow: where the change left {name} is not in it")
    merge = _merger(git, name)
    writer = PackWriter(git)
    head, head_tree = onto, read_commit(source, onto).tree
    written = 0
    for oid in commits:
        commit = read_commit(source, oid)
        if len(commit.parents) != 1:
            kind = "merge" if commit.parents else "root"
            raise Refusal(
                "LFCI508",
                f"{oid[:12]} is a {kind} commit and cannot be replayed",
                hint=f"git merge {name}, then: lfci land",
            )
        base_tree = read_commit(source, commit.parents[0]).tree
        tree = merge(base_tree, head_tree, commit.tree, oid)
        if tree == head_tree and commit.tree != base_tree:
            continue  # landed already, by another commit
        extra = tuple(each for each in commit.extra if each[0] not in _SIGNATURES)
        anew = Commit(tree, (head,), commit.author, who, commit.message, extra)
        head, head_tree = writer.add("commit", format_commit(anew)), tree
        written += 1
    writer.flush()
    return Replayed(head, written, len(commits) - written)


def committer(git: Git, now: datetime) -> Identity:
    """Who replays, at ``now``. Raises UsageError LFCI514 when git does not know."""
    status, out, err = git.status("var", "GIT_COMMITTER_IDENT")
    if status != 0:
        raise UsageError(
            "LFCI514",
            "git does not know who you are, and replayed commits name their committer",
            facts=git_words(err)[-1:],
            hint="git config user.name NAME && git config user.email ADDRESS",
        )
    name, _, rest = out.rstrip(b"\n").partition(b" <")
    email, _, when = rest.partition(b"> ")
    return Identity(name, email, int(now.timestamp()), when.split(b" ")[1])


def _merger(git: Git, name: str) -> _Merge:
    """Three trees to one: (base, ours, theirs, the commit for messages)."""
    opened: list[Any] = []

    def merge(base: ObjectId, ours: ObjectId, theirs: ObjectId, commit: ObjectId) -> ObjectId:
        if ours == base:
            return theirs
        if theirs in (base, ours):
            return ours
        import pygit2

        try:
            if not opened:
                opened.append(pygit2.Repository(str(git.git_dir)))
            repository = opened[0]
            index = repository.merge_trees(repository[base], repository[ours], repository[theirs])
            if index.conflicts is None:
                return ObjectId(str(index.write_tree(repository)))
            paths = {part.path for each in index.conflicts for part in each if part is not None}
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise Undecided(
                "LFCI508",
                f"{commit[:12]} cannot be replayed in memory here",
                facts=(ascii(str(error))[1:-1],),
                hint=f"git rebase {name}, then: lfci land",
            ) from error
        shown = ", ".join(ascii(path)[1:-1] for path in sorted(paths)[:5])
        more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
        raise Refusal(
            "LFCI508",
            f"replaying {commit[:12]} onto {name} conflicts",
            facts=(f"in: {shown}{more}", "nothing of yours was changed"),
            hint=f"git rebase {name} (resolve the conflict there), then: lfci land",
        )

    return merge
