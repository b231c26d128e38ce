"""What the rules are given: the push, the landed side, and the limits. No IO here.

Everything reachable from a :class:`View` is a function of content-addressed objects and of the
refs as they were when the hook started, so evaluating twice gives the same verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from lfci_gate.model import ObjectId, ObjectSource, RefUpdate, Sha256
from lfci_gate.value import Value

NOTES_REF = "refs/notes/lfci"
RESULTS_REF = "refs/lfci/results"
LANDED_REF = "refs/notes/lfci-landed"
POLICY_PATH = b".lfci/policy.toml"
CONFIG_PATH = b".lfci/config.toml"


class Limits(Value):
    """Bounds that keep a hostile push cheap; each with its unit in the name."""

    updates: int = 1_000
    """Ref updates in one push."""
    new_commits: int = 10_000
    """New commits of one update that are read."""
    tree_entries: int = 2_000_000
    """Tree entries of one push that are walked."""
    candidates: int = 2_000
    """Bundles considered for one subject."""
    noted: int = 256
    """Of them, bundles of one note. A check whose inputs seldom change is attested again by every landing,
    and its note must not make the next push slow or impossible."""
    first_noted: int = 64
    """Of these, the first of the note; the others are its newest. What a tree landed with is among the
    first, and nobody who comes later can push it out of sight: rule 14 asks for the tests of the base."""
    verifications: int = 10_000
    """Signature verifications of one push: about one second of one core."""
    bundle_bytes: int = 256 * 1024
    pushed_bundle_bytes: int = 64 * 1024 * 1024
    """All bundles of one push, which are held in memory: far more than a thousand usual ones."""
    result_bytes: int = 16 * 1024 * 1024
    policy_bytes: int = 1024 * 1024
    config_bytes: int = 256 * 1024
    message_bytes: int = 1024 * 1024
    clock_skew_s: int = 300
    """How far issuedAt may be ahead of the forge's clock."""


class History(Value):
    """What `git rev-list` says about one update."""

    commits: tuple[ObjectId, ...]
    """Reachable from the new tip, not from the base; newest first."""
    first_parents: tuple[ObjectId, ...]
    """Those of ``commits`` on the first-parent line of the new tip; newest first."""
    fast_forward: bool
    """The base is an ancestor of the new tip (true without a base)."""


class View(Protocol):
    """The repository as the rules see it."""

    @property
    def objects(self) -> ObjectSource:
        """Pushed and landed objects."""

    @property
    def shallow(self) -> bool:
        """Whether the repository has a shallow boundary."""

    @property
    def head(self) -> str | None:
        """The branch that HEAD names, e.g. ``refs/heads/main``, whether it exists or not."""

    @property
    def server_policy(self) -> bytes | None:
        """The file that the operator's `lfci.policy` names; None when not set."""

    @property
    def bootstrap_policy(self) -> bytes | None:
        """The policy given to `lfci forge init`, in force until one has landed."""

    @property
    def policy_floor(self) -> PolicyFloor | None:
        """The highest policy version seen for this repository; None when none was."""

    def ref(self, name: str) -> ObjectId | None:
        """The landed value of a ref, before this push."""

    def symref(self, name: str) -> str | None:
        """The target when ``name`` is a symbolic ref on the forge."""

    def inbox(self) -> Mapping[ObjectId, tuple[tuple[str, ObjectId], ...]]:
        """Landed inbox refs by subject: (ref name, tree)."""

    def unverified(self, policy: Sha256) -> Collection[str]:
        """Inbox refs that no key of the policy with this digest signed, as far as known."""

    def spent(self, bypass: str, commit: ObjectId) -> bool:
        """Whether the bypass of this id has let something land before. Asked only about one that would
        count otherwise. Raises Undecided when what is remembered of ``commit`` cannot be read."""

    def history(self, base: ObjectId | None, new: ObjectId, limit: int) -> History:
        """Raises Refusal LFCI411 with more than ``limit`` new commits."""

    def merge_base(self, one: ObjectId, other: ObjectId) -> ObjectId | None:
        """Best common ancestor."""

    def has_landed(self, commit: ObjectId) -> bool:
        """Whether the branch of HEAD has had ``commit`` as its tip, by the forge's record."""


class PolicyFloor(Value):
    repository: str
    version: int


class Push(Value):
    updates: tuple[RefUpdate, ...]
    now: datetime
    """The forge's clock, read once."""
    limits: Limits = Limits()
    pusher: str | None = None
    """Who pushes, by the name that the forge's own software gives; None where it is not known."""
    at_forge: bool = False
    """The forge itself judges: what it does not know, nobody will find out later."""
