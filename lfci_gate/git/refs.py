"""Refs: read without guessing, written all or none, only over the value that was seen.

Everything goes through git, so packed refs, added worktrees and other ref stores work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.names import is_oid, zero_oid
from lfci_gate.git.process import Git, failure
from lfci_gate.model import ObjectId

__all__ = [
    "RefChange",
    "head_ahead",
    "head_branch",
    "list_refs",
    "read_ref",
    "refs_ahead",
    "refs_and_links",
    "symrefs",
    "update_refs",
]

RefChange = tuple[str, ObjectId | None, ObjectId | None]
"""(ref, old, new): None as old means "must not exist", None as new means "delete"."""

_PATIENCE: Final = ("-c", "core.filesRefLockTimeout=2000", "-c", "core.packedRefsTimeout=5000")
# Milliseconds. Git's own 100 and 1000 are too short for hundreds of agents that push at once:
# everybody takes the same packed-refs lock for a moment, and nobody has lost a race by that.

_REFS: Final = "%(objectname) %(refname)"
_REFS_AND_LINKS: Final = _REFS + " %(symref)"
# --quiet: a detached HEAD is status 1 and no error.
_HEAD: Final = ("symbolic-ref", "--quiet", "HEAD")

_LOCKED: Final = b".lock': File exists"


def list_refs(git: Git, *prefixes: str) -> dict[str, ObjectId]:
    """All refs, or those that are or lie below one of ``prefixes`` (``refs/lfci/inbox``).

    Symbolic refs have the value of their target, and are absent when that does not exist
    (see :func:`symrefs`). Raises Undecided LFCI501 when a ref cannot be read: git would
    only leave it out.
    """
    found, err = _for_each_ref(git, _REFS, prefixes)
    if b"broken ref" in err:
        raise Undecided("LFCI501", "a ref cannot be read", facts=_last(err))
    refs = {}
    for line in found:
        value, _, name = line.partition(" ")
        refs[name] = ObjectId(value)
    return refs


def refs_and_links(git: Git, *prefixes: str) -> tuple[dict[str, ObjectId], dict[str, str]]:
    """:func:`list_refs` below ``prefixes``, and of these refs the symbolic ones -> the ref they
    name, in one process. Links whose target does not exist are not found. Raises as list_refs."""
    found, err = _for_each_ref(git, _REFS_AND_LINKS, prefixes)
    if b"broken ref" in err:
        raise Undecided("LFCI501", "a ref cannot be read", facts=_last(err))
    refs: dict[str, ObjectId] = {}
    links: dict[str, str] = {}
    for line in found:
        value, name, target = line.split(" ")
        refs[name] = ObjectId(value)
        if target:
            links[name] = target
    return refs, links


def refs_ahead(git: Git, *prefixes: str, links: bool = False) -> None:
    """Asks ahead (:meth:`Git.ahead`) what :func:`list_refs` will ask, or with ``links``
    :func:`refs_and_links`."""
    git.ahead(*_listing(_REFS_AND_LINKS if links else _REFS, prefixes))


def head_ahead(git: Git) -> None:
    """Asks ahead what :func:`head_branch` will ask."""
    git.ahead(*_HEAD)


def symrefs(git: Git, *names: str) -> dict[str, str]:
    """Symbolic refs below ``refs/`` -> the ref they lead to in the end.

    A push to one of them moves its target, or makes it. Git's listings leave out symbolic refs
    whose target does not exist yet; those are found only where ``names`` (full names, such as
    all refs of a push) asks for them: one process each for names that are no refs with a value.
    Raises Undecided LFCI513 for a ref that cannot be read.
    """
    found, _ = _for_each_ref(git, "%(refname) %(symref)", ())
    links = dict(line.split(" ") for line in found)
    for name in names:
        if name not in links:
            # --quiet: no symbolic ref is status 1 and no error.
            links[name] = os.fsdecode(git.run("symbolic-ref", "--quiet", _full(name), ok=(0, 1))).strip()
    return {name: target for name, target in links.items() if target}


def read_ref(git: Git, ref: str) -> ObjectId | None:
    """Value of ``HEAD`` or of a ref by its full name, None when it does not exist.

    Never looks for ``refs/heads/<ref>`` and the like. Raises Undecided LFCI501 when the ref is
    there and cannot be read, Refusal LFCI211 for a name that is not full.
    """
    if ref == "HEAD":
        branch = head_branch(git)
        if branch is None:
            return ObjectId(git.run("rev-parse", "--verify", "HEAD").decode("ascii").strip())
        ref = branch
    return list_refs(git, _full(ref)).get(ref)


def head_branch(git: Git) -> str | None:
    """Full name of the branch that ``HEAD`` names, also when it has no commit; None when detached."""
    name = os.fsdecode(git.run(*_HEAD, ok=(0, 1))).strip()
    return name or None


def update_refs(git: Git, changes: Iterable[RefChange], *, message: str = "lfci") -> None:
    """Move, make and delete refs: all of them, or none and an error.

    Arguments:
        changes: what each ref is and shall be; each ref at most once. (ref, None, None) only
            demands that the ref does not exist, (ref, x, x) that it is x. A symbolic ref is never
            followed.
        message: for the reflog.

    Raises Undecided LFCI515 when a ref is not what ``old`` says or stays locked by others,
    LFCI513 or LFCI502 for anything else; then nothing has moved.
    """
    wanted = list(changes)
    if not wanted:
        return
    lines = b"".join(_command(change, git.hash_name) for change in wanted)
    # --no-deref: through a symbolic ref we would move a ref that nobody looked at.
    args = (*_PATIENCE, "update-ref", "-m", message, "--no-deref", "--stdin", "-z")
    status, _, err = git.status(*args, input=lines, hooks=True)
    if status != 0:
        raise _lost_or_failed(git, wanted, status, err)


def _command(change: RefChange, hash_name: str) -> bytes:
    ref, old, new = change
    name = os.fsencode(_full(ref))
    for value in (old, new):
        if value is not None and (not is_oid(value, hash_name) or value == zero_oid(hash_name)):
            raise Undecided("LFCI513", f"not a value for a ref: {ascii(value)[:80]}")
    if old is None and new is None:
        return b"verify %s\0%s\0" % (name, zero_oid(hash_name).encode("ascii"))
    if old is None:
        return b"create %s\0%s\0" % (name, str(new).encode("ascii"))
    if new is None:
        return b"delete %s\0%s\0" % (name, old.encode("ascii"))
    return b"update %s\0%s\0%s\0" % (name, new.encode("ascii"), old.encode("ascii"))


def _lost_or_failed(git: Git, wanted: list[RefChange], status: int, err: bytes) -> LfciError:
    """Git's words differ between versions and ref stores, so the refs are looked at instead."""
    present = list_refs(git, *(ref for ref, _, _ in wanted))
    moved = tuple(ref for ref, old, _ in wanted if present.get(ref) != old)
    if moved:
        facts = tuple(f"{ref} is {present.get(ref, 'absent')}" for ref in moved[:5])
        return Undecided("LFCI515", "a ref was moved by somebody else; nothing was changed", facts=facts)
    if _LOCKED in err:
        return Undecided("LFCI515", "a ref stays locked; nothing was changed", facts=_last(err))
    return failure(("update-ref",), status, err)


def _for_each_ref(git: Git, form: str, prefixes: tuple[str, ...]) -> tuple[list[str], bytes]:
    args = _listing(form, prefixes)
    status, out, err = git.status(*args)
    if status != 0:
        raise failure(args, status, err)
    return os.fsdecode(out).split("\n")[:-1], err


def _listing(form: str, prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return "for-each-ref", f"--format={form}", *(_full(prefix).rstrip("/") for prefix in prefixes)


def _full(ref: str) -> str:
    # The rest of the rules is git's (check-ref-format); these are what would change our commands.
    if not ref.startswith("refs/") or any(c in ref for c in "\0\n*?[\\"):
        raise Refusal("LFCI211", f"not a full ref name: {ascii(ref)[:200]}")
    return ref


def _last(err: bytes) -> tuple[str, ...]:
    return tuple(err.decode("ascii", "backslashreplace").splitlines()[-1:])
