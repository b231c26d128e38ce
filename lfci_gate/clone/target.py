"""Where a change is going: remote, branch, and the policy that is in force there, as this clone
last saw it."""

from __future__ import annotations

from collections.abc import Mapping

from lfci_gate.config.policy import parse_policy
from lfci_gate.errors import UsageError
from lfci_gate.gate.facts import POLICY_PATH, Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.process import Git
from lfci_gate.git.refs import head_branch, list_refs, refs_and_links
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, ObjectSource, Policy
from lfci_gate.value import Value, replace

BRANCHES = "refs/heads/"


class Target(Value):
    """The branch that a change is meant for."""

    remote: str | None
    """None in a clone without remotes: the change stays here."""
    ref: str
    """On the forge, e.g. ``refs/heads/main``."""
    head: str
    """The branch that the forge's HEAD names; its policy is in force."""
    tip: ObjectId | None
    """The forge's ``ref`` as last fetched."""
    head_tip: ObjectId | None

    def tracking(self, ref: str) -> str:
        """Where this clone keeps the forge's branch."""
        return tracking_ref(self.remote, ref)

    @property
    def name(self) -> str:
        """What a user of git calls it here: ``origin/main``."""
        return self.tracking(self.ref).removeprefix("refs/remotes/").removeprefix(BRANCHES)

    def again(self, git: Git) -> Target:
        """The same branch, as this clone knows it by now."""
        refs = [self.tracking(self.ref), self.tracking(self.head)]
        known = list_refs(git, *refs)
        return replace(self, tip=known.get(refs[0]), head_tip=known.get(refs[1]))


def tracking_ref(remote: str | None, ref: str) -> str:
    if remote is None:
        return ref
    return f"refs/remotes/{remote}/{ref.removeprefix(BRANCHES)}"


def find_target(
    git: Git, *, remote: str | None = None, branch: str | None = None, ask: bool = False
) -> Target:
    """The target: `--target`, `lfci.target`, the remote's default branch, the current branch's
    upstream, else the branch of the same name.

    Arguments: with ``ask`` a remote whose HEAD this clone does not know (it was not made with `git
    clone`) is asked for it. Raises UsageError LFCI514 when no target can be told, or there is no such
    remote.
    """
    if remote is not None and f"remote.{remote}.url" not in git.settings:
        raise UsageError("LFCI514", f"there is no remote {remote}", hint="git remote -v")
    current = head_branch(git)
    name = remote or _remote(git, current)
    known, links = refs_and_links(git, f"refs/remotes/{name}" if name else BRANCHES.rstrip("/"))
    default = _default_branch(name, links)
    if default is None and ask and name is not None:
        from lfci_gate.clone.remote import head_of

        default = head_of(git, name)
    chosen = branch or git.config("lfci.target")
    ref = full_ref(chosen) if chosen else (default or _upstream(git, current) or current)
    if ref is None:
        raise UsageError(
            "LFCI514",
            "HEAD is detached and no target branch is known",
            hint="name it: --target BRANCH",
        )
    head = default or ref
    return Target(name, ref, head, known.get(tracking_ref(name, ref)), known.get(tracking_ref(name, head)))


def landed_policy(source: ObjectSource, target: Target, tree: ObjectId | None) -> Policy | None:
    """The policy in force at the target as last fetched; a project that has not landed one yet is
    taken by the policy in ``tree``. None when there is none. Raises UsageError LFCI202."""
    for place in (_tree_of(source, target.head_tip), tree):
        if place is None:
            continue
        data = read_file(source, place, POLICY_PATH, Limits().policy_bytes)
        if data is not None:
            return parse_policy(data)
    return None


def _tree_of(source: ObjectSource, commit: ObjectId | None) -> ObjectId | None:
    return None if commit is None else read_commit(source, commit).tree


def full_ref(branch: str) -> str:
    """The full name of a branch that a user may have named in short."""
    return branch if branch.startswith("refs/") else BRANCHES + branch


def _remote(git: Git, current: str | None) -> str | None:
    if current is not None:
        upstream = git.config(f"branch.{current.removeprefix(BRANCHES)}.remote")
        if upstream and f"remote.{upstream}.url" in git.settings:
            return upstream
    names = {
        key.split(".", 1)[1].rsplit(".", 1)[0]
        for key in git.settings
        if key.startswith("remote.") and key.endswith(".url")
    }
    if "origin" in names:
        return "origin"
    return names.pop() if len(names) == 1 else None


def _default_branch(remote: str | None, links: Mapping[str, str]) -> str | None:
    """The branch that the remote's HEAD names, as git remembers it from the clone."""
    if remote is None:
        return None
    prefix = f"refs/remotes/{remote}/"
    pointed = links.get(f"{prefix}HEAD", "")
    return BRANCHES + pointed.removeprefix(prefix) if pointed.startswith(prefix) else None


def _upstream(git: Git, current: str | None) -> str | None:
    if current is None:
        return None
    return git.config(f"branch.{current.removeprefix(BRANCHES)}.merge")
