"""Which policy `lfci policy` speaks of: the one in force here, a file, or that of a revision."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lfci_gate import files
from lfci_gate.cli.context import Context
from lfci_gate.cli.policy_source import find_policy
from lfci_gate.clone.target import Target, find_target
from lfci_gate.config.policy import PATH, parse_policy
from lfci_gate.config.project import PATH as CONFIG
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import read_file, walk
from lfci_gate.model import ObjectId, Policy
from lfci_gate.value import Value

__all__ = ["Here", "PolicyRead", "open_here"]

_NAMES = {"server": "this server's file", "head": "{}", "bootstrap": "the file given to lfci forge init"}
_LANDED = {
    "server": "it is the file that git config lfci.policy of this server names; the one in {} judges nothing",
    "head": "as it has landed on {}",
    "bootstrap": "until one lands on {}",
}


class PolicyRead(Value):
    """A policy with what is said about where it comes from."""

    policy: Policy
    data: bytes
    where: str
    """For people: ``.lfci/policy.toml in the working copy``."""
    in_force: bool
    """The gate judges by it, as far as is known here."""
    how: str = ""
    """Why it is in force, or why not."""
    source: str = "head"
    """As in :class:`lfci_gate.gate.authority.Authority`; a clone knows no other."""
    config: bytes | None = None
    """`.lfci/config.toml` beside it."""
    tree_is_meant: bool = False
    """It stands for a revision or the working copy, with all that is in there; not a lone file."""
    tree: ObjectId | None = None
    """The tree that it belongs to; HEAD's for a file."""


class Here:
    """The repository that the question is asked in."""

    def __init__(self, context: Context, objects: BatchReader) -> None:
        self._context = context
        self.objects = objects
        self._limit = Limits().policy_bytes

    def in_force(self) -> PolicyRead | None:
        """The policy that the gate judges by, as far as this repository knows; None without any.

        On a server that is exactly what the hook reads. A clone knows what it last fetched, and not
        whether the operator has put a file in its place.
        """
        if self._context.git.is_bare:
            return self._of_forge()
        found = find_policy(self._context, self.objects)
        if found is None:
            return None
        tip = self.tree_of(self.target())
        data = next(each for each in self._candidates(tip) if _sha256(each) == found.policy.digest)
        if found.landed:
            how = f"as it has landed on {found.where}, when this clone last fetched"
        elif found.where in ("HEAD", "the working copy"):
            how = f"NOT: it is in {found.where}, and no policy has landed where this change goes"
        else:
            how = f"as it is on {found.where}; this clone has no remote"
        in_force = not how.startswith("NOT")
        config = self._config_in(tip) if in_force else self._config_of_worktree()
        return PolicyRead(
            found.policy,
            data,
            found.where,
            in_force,
            how,
            config=config,
            tree_is_meant=True,
            tree=tip if in_force else self._head_tree(),
        )

    def _candidates(self, tip: ObjectId | None) -> Iterator[bytes]:
        """The policies among which :func:`find_policy` chooses."""
        for tree in (tip, self._head_tree()):
            if (data := self._data_in(tree)) is not None:
                yield data
        yield self.worktree_policy() or b""

    def named(self, text: str, *, is_revision: bool = False) -> PolicyRead:
        """The policy in the file, or of the revision, ``text``; with ``is_revision`` never a file.

        Raises UsageError LFCI514 when there is neither, LFCI201 for a revision without a policy, LFCI202.
        """
        if not is_revision and self.is_file(text):
            data = files.read_file(self._path(text), self._limit)
            if data is not None:
                config, tree = self._config_of_worktree(), self._head_tree()
                return PolicyRead(parse_policy(data), data, text, in_force=False, config=config, tree=tree)
        tree = self.objects.resolve(f"{text}^{{tree}}") if text and not text.startswith("-") else None
        if tree is None:
            what = f"no revision {text}" if is_revision else f"neither a file nor a revision {text}"
            raise UsageError("LFCI514", f"there is {what}")
        data = self._data_in(tree)
        if data is None:
            raise UsageError("LFCI201", f"{text} has no {PATH}")
        return PolicyRead(
            parse_policy(data),
            data,
            f"{PATH} of {text}",
            in_force=False,
            config=self._config_in(tree),
            tree_is_meant=True,
            tree=tree,
        )

    def is_file(self, text: str) -> bool:
        return self._path(text).is_file()

    def _path(self, text: str) -> Path:
        return Path(os.fspath(self._context.directory), os.path.expanduser(text))

    def proposed(self) -> PolicyRead | None:
        """The policy of the working copy: what the next landing would bring. None without a file or
        without a working copy."""
        data = self.worktree_policy()
        if data is None:
            return None
        return PolicyRead(
            parse_policy(data),
            data,
            f"{PATH} in the working copy",
            in_force=False,
            config=self._config_of_worktree(),
            tree_is_meant=True,
            tree=self._head_tree(),
        )

    def files_of(self, read: PolicyRead) -> frozenset[bytes] | None:
        """Raw paths of the tree that a policy goes into; None when that is not known."""
        if read.tree is None:
            return None
        return frozenset(path for path, _entry in walk(self.objects, read.tree))

    def policy_at(self, ref: str | None) -> bytes | None:
        """`.lfci/policy.toml` at the tip of a branch of the target, as far as is known here."""
        target = self.target()
        if ref is None or target is None:
            return None
        return self._data_in(self.objects.resolve(f"{target.tracking(ref)}^{{tree}}"))

    def target(self) -> Target | None:
        """Where the change goes; None with a detached HEAD and no remote."""
        try:
            return find_target(self._context.git)
        except UsageError as error:
            if error.code != "LFCI514":
                raise
            return None

    def tree_of(self, target: Target | None) -> ObjectId | None:
        """The tree at the tip of the branch whose policy is in force."""
        if target is None or target.head_tip is None:
            return None
        return read_commit(self.objects, target.head_tip).tree

    def head(self) -> str | None:
        """The branch that the forge's HEAD names, as far as is known here."""
        target = self.target()
        return None if target is None else target.head

    def exists(self, branch: str) -> bool:
        """Whether a branch has landed, as far as is known here."""
        target = self.target()
        name = branch if target is None else target.tracking(branch)
        return self.objects.resolve(f"{name}^{{object}}") is not None

    # -- reading ---------------------------------------------------------------------------------

    def _of_forge(self) -> PolicyRead | None:
        from lfci_gate.gate.forge import open_forge

        with open_forge(self._context.git) as view:
            try:
                authority = rule_02_policy(view, Limits())
            except LfciError as error:
                if error.code == "LFCI201":
                    return None
                raise
            tree = self.objects.resolve(f"{view.head}^{{tree}}")
            how = _LANDED[authority.source].format((view.head or "").removeprefix("refs/heads/"))
            return PolicyRead(
                authority.policy,
                authority.data,
                _NAMES[authority.source].format((view.head or "").removeprefix("refs/heads/")),
                True,
                how,
                authority.source,
                config=self._config_in(tree),
                tree_is_meant=True,
                tree=tree,
            )

    def _data_in(self, tree: ObjectId | None) -> bytes | None:
        return None if tree is None else read_file(self.objects, tree, PATH.encode(), self._limit)

    def worktree_policy(self) -> bytes | None:
        """The bytes of the working copy's policy; None without a file, or without a working copy."""
        return self._of_worktree(PATH)

    def _of_worktree(self, name: str) -> bytes | None:
        if self._context.git.is_bare:
            return None
        path = self._context.git.toplevel / Path(name)
        return files.read_file(path, self._limit) if path.parent.is_dir() else None

    def _config_of_worktree(self) -> bytes | None:
        return self._of_worktree(CONFIG)

    def _config_in(self, tree: ObjectId | None) -> bytes | None:
        return None if tree is None else read_file(self.objects, tree, CONFIG.encode(), self._limit)

    def _head_tree(self) -> ObjectId | None:
        return self.objects.resolve("HEAD^{tree}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def open_here(context: Context) -> Iterator[Here]:
    """Raises UsageError LFCI510 outside of a repository."""
    with BatchReader(context.git) as objects:
        yield Here(context, objects)
