"""Commits replayed onto another tip, in memory: working copy and index are not touched (pygit2).

The same answer as `git rebase` where that ends without conflict; conflicts are refused, for which
`git rebase` itself is the right tool.
"""

from __future__ import annotations

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.history import new_commits
from lfci_gate.git.process import Git
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId, ObjectSource
from lfci_gate.value import Value

_LIMIT = 1_000
_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")


class Replayed(Value):
    tip: ObjectId
    commits: int
    """How many were written anew."""


def replay(git: Git, source: ObjectSource, tip: ObjectId, onto: ObjectId, who: Identity) -> Replayed:
    """The commits of ``tip`` that ``onto`` does not contain, written anew on top of it.

    Arguments: ``who`` becomes the committer; authors and messages stay. A commit whose change is in
    ``onto`` already is left out. Raises Refusal LFCI508 on a conflict or a merge commit among them,
    LFCI411 beyond 1,000 commits.
    """
    commits = list(reversed(new_commits(git, tip, onto, limit=_LIMIT)))
    head = onto
    written = 0
    for oid in commits:
        commit = read_commit(source, oid)
        if len(commit.parents) != 1:
            raise Refusal(
                "LFCI508",
                f"{oid[:12]} is a merge or a root commit and cannot be replayed",
                hint="git merge the target branch, then: lfci land",
            )
        onto_tree = read_commit(source, head).tree
        base_tree = read_commit(source, commit.parents[0]).tree
        tree = _merged(git, base_tree, onto_tree, commit.tree, oid)
        if tree == onto_tree and commit.tree != base_tree:
            continue  # landed already, by another commit
        extra = tuple(each for each in commit.extra if each[0] not in _SIGNATURES)
        anew = Commit(tree, (head,), commit.author, who, commit.message, extra)
        writer = PackWriter(git)
        head = writer.add("commit", format_commit(anew))
        writer.flush()
        written += 1
    return Replayed(head, written)


def _merged(git: Git, base: ObjectId, ours: ObjectId, theirs: ObjectId, commit: ObjectId) -> ObjectId:
    if ours == base:
        return theirs
    import pygit2

    try:
        repository = pygit2.Repository(str(git.git_dir))
        index = repository.merge_trees(
            repository[base].peel(pygit2.Tree),
            repository[ours].peel(pygit2.Tree),
            repository[theirs].peel(pygit2.Tree),
        )
    except (pygit2.GitError, KeyError) as error:
        raise Undecided("LFCI501", "the trees cannot be merged in memory", facts=(str(error),)) from error
    if index.conflicts is not None:
        paths = sorted({part.path for each in index.conflicts for part in each if part is not None})
        raise Refusal(
            "LFCI508",
            f"replaying {commit[:12]} onto the target conflicts",
            facts=(f"in: {', '.join(ascii(path)[1:-1] for path in paths[:5])}",),
            hint="git rebase (resolve the conflict there), then: lfci land",
        )
    return ObjectId(str(index.write_tree(repository)))
