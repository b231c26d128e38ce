"""Questions about history, asked of git, with a cap on every answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.names import is_oid
from lfci_gate.git.process import Git, failure
from lfci_gate.model import ObjectId

__all__ = [
    "MAX_COMMITS",
    "first_parent_commits",
    "history_ahead",
    "is_ancestor",
    "is_shallow",
    "merge_base",
    "new_commits",
]

_SHALLOW: Final = ("rev-parse", "--is-shallow-repository")

MAX_COMMITS: Final = 100_000
"""Most commits that one answer lists."""


def new_commits(
    git: Git,
    new: ObjectId,
    old: ObjectId | None,
    exclude: Iterable[ObjectId] = (),
    *,
    limit: int = MAX_COMMITS,
) -> tuple[ObjectId, ...]:
    """Commits reachable from ``new`` and from neither ``old`` nor ``exclude``, parents last.

    Raises Refusal LFCI411 for more than ``limit``, Undecided LFCI501 when history cannot be read.
    """
    return _rev_list(git, new, old, exclude, limit, ())


def first_parent_commits(
    git: Git,
    new: ObjectId,
    old: ObjectId | None,
    exclude: Iterable[ObjectId] = (),
    *,
    limit: int = MAX_COMMITS,
) -> tuple[ObjectId, ...]:
    """As :func:`new_commits`, only on the line of first parents that starts at ``new``."""
    return _rev_list(git, new, old, exclude, limit, ("--first-parent",))


def is_ancestor(git: Git, older: ObjectId, newer: ObjectId) -> bool:
    """Whether ``newer`` contains ``older`` (a commit contains itself). Raises Undecided LFCI501."""
    status, _, err = git.status("merge-base", "--is-ancestor", _name(older), _name(newer))
    if status not in (0, 1):
        raise _unreadable("merge-base", status, err)
    return status == 0


def merge_base(git: Git, one: ObjectId, other: ObjectId) -> ObjectId | None:
    """A best common ancestor, None when there is none. Raises Undecided LFCI501."""
    status, out, err = git.status("merge-base", _name(one), _name(other))
    if status not in (0, 1):
        raise _unreadable("merge-base", status, err)
    return ObjectId(out.decode("ascii").strip()) if status == 0 else None


def is_shallow(git: Git) -> bool:
    """Whether history ends early here. In a receive hook also: whether this push brings such an end."""
    return git.run(*_SHALLOW).strip() != b"false"


def history_ahead(git: Git, new: ObjectId, old: ObjectId, *, limit: int) -> None:
    """Asks ahead (:meth:`Git.ahead`) what :func:`is_shallow` and :func:`new_commits` will ask."""
    git.ahead(*_SHALLOW)
    args, revisions = _question(new, old, (), limit, ())
    git.ahead(*args, input=revisions)


def _rev_list(
    git: Git,
    new: ObjectId,
    old: ObjectId | None,
    exclude: Iterable[ObjectId],
    limit: int,
    options: tuple[str, ...],
) -> tuple[ObjectId, ...]:
    args, revisions = _question(new, old, exclude, limit, options)
    status, out, err = git.status(*args, input=revisions)
    if status != 0:
        raise _unreadable("rev-list", status, err)
    commits = tuple(ObjectId(line) for line in out.decode("ascii").splitlines())
    if len(commits) > limit:
        raise Refusal("LFCI411", f"more than {limit} new commits")
    return commits


def _question(
    new: ObjectId,
    old: ObjectId | None,
    exclude: Iterable[ObjectId],
    limit: int,
    options: tuple[str, ...],
) -> tuple[tuple[str, ...], bytes]:
    hidden = (*(() if old is None else (old,)), *exclude)
    revisions = "".join(f"{line}\n" for line in (_name(new), *(f"^{_name(oid)}" for oid in hidden)))
    # --stdin: any number of excluded tips; --topo-order: a commit never comes after its parents.
    args = ("rev-list", "--topo-order", f"--max-count={limit + 1}", *options, "--stdin")
    return args, revisions.encode("ascii")


def _name(oid: ObjectId) -> ObjectId:
    if not is_oid(oid):
        raise Undecided("LFCI501", f"not the name of a commit: {ascii(oid)[:80]}")
    return oid


def _unreadable(what: str, status: int, err: bytes) -> LfciError:
    error = failure((what,), status, err)
    if error.code != "LFCI513":
        return error
    return Undecided("LFCI501", "history cannot be read", facts=error.facts)
