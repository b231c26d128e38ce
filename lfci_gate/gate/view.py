"""The repository as the rules see it, read through git once per question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lfci_gate.gate.facts import LANDED_REF, History, PolicyFloor
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.commit import parse_commit
from lfci_gate.git.history import is_shallow, merge_base, new_commits
from lfci_gate.git.inbox import INBOX, parse_inbox_ref
from lfci_gate.git.notes import read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import GitObject, ObjectId, Sha256


class RepositoryView:
    """A :class:`lfci_gate.gate.facts.View` over one repository.

    Which refs count as landed is the caller's to say: a forge's own refs in its hook, what the
    remote advertises when a client looks ahead.

    Arguments:
        refs: landed refs, at least those that the push names, the branch of HEAD, inbox and notes.
        looked_at: digest of the policy that the last fold had, and the inbox refs that none of its
            keys signed.
        used: whether a bypass is remembered elsewhere than in the landing records.
    """

    def __init__(
        self,
        *,
        git: Git,
        objects: BatchReader,
        refs: Mapping[str, ObjectId],
        symrefs: Mapping[str, str] | None = None,
        head: str | None = None,
        server_policy: bytes | None = None,
        bootstrap_policy: bytes | None = None,
        policy_floor: PolicyFloor | None = None,
        looked_at: tuple[Sha256, frozenset[str]] | None = None,
        used: Callable[[str], bool] | None = None,
    ) -> None:
        self.git = git
        self.objects = objects
        self.refs = refs
        self.symrefs = symrefs or {}
        self.head = head
        self.server_policy = server_policy
        self.bootstrap_policy = bootstrap_policy
        self.policy_floor = policy_floor
        self.looked_at = looked_at
        self._used = used
        self._inbox: dict[ObjectId, tuple[tuple[str, ObjectId], ...]] | None = None
        self._shallow: bool | None = None
        self._histories: dict[tuple[ObjectId | None, ObjectId], History] = {}

    @property
    def shallow(self) -> bool:
        if self._shallow is None:
            self._shallow = is_shallow(self.git)
        return self._shallow

    def ref(self, name: str) -> ObjectId | None:
        return self.refs.get(name)

    def symref(self, name: str) -> str | None:
        return self.symrefs.get(name)

    def inbox(self) -> Mapping[ObjectId, tuple[tuple[str, ObjectId], ...]]:
        if self._inbox is None:
            self._inbox = by_subject((ref, oid) for ref, oid in self.refs.items() if ref.startswith(INBOX))
        return self._inbox

    def unverified(self, policy: Sha256) -> frozenset[str]:
        if self.looked_at is None or self.looked_at[0] != policy:
            return frozenset()
        return self.looked_at[1]

    def spent(self, bypass: str, commit: ObjectId) -> bool:
        if self._used is not None and self._used(bypass):
            return True
        from lfci_gate.gate.records import bypasses_of  # few pushes offer one

        return bypass in bypasses_of(self.objects, self.refs.get(LANDED_REF), commit)

    def history(self, base: ObjectId | None, new: ObjectId, limit: int) -> History:
        known = self._histories.get((base, new))
        if known is None:
            known = self._histories[base, new] = self._history(base, new, limit)
        return known

    def _history(self, base: ObjectId | None, new: ObjectId, limit: int) -> History:
        """One question to git; the rest follows from the commits, which the rules read anyway. When the
        base is an ancestor, some commit on the way is new and has it as its parent."""
        commits = new_commits(self.git, new, base, limit=limit)
        parents = {oid: _parents(self.objects, data) for oid, data in self.objects.read_many(commits)}
        line: list[ObjectId] = []
        at: ObjectId | None = new
        while at is not None and at in parents:
            line.append(at)
            at = next(iter(parents[at]), None)
        forward = base is None or base == new or any(base in each for each in parents.values())
        return History(commits, tuple(line), forward)

    def merge_base(self, one: ObjectId, other: ObjectId) -> ObjectId | None:
        return merge_base(self.git, one, other)

    def has_landed(self, commit: ObjectId) -> bool:
        records = self.ref(LANDED_REF)
        if records is None or self.head is None:
            return False
        blob = read_note(self.objects, read_commit(self.objects, records).tree, commit)
        if blob is None:
            return False
        from lfci_gate.gate.bases import is_landing_on  # asked about few new refs

        return is_landing_on(self.objects.read(blob).data, commit, self.head)


def _parents(objects: BatchReader, found: GitObject) -> tuple[ObjectId, ...]:
    return parse_commit(found.data, objects.hash_name).parents


def by_subject(
    refs: Iterable[tuple[str, ObjectId]],
) -> dict[ObjectId, tuple[tuple[str, ObjectId], ...]]:
    """Inbox refs grouped by the subject in their name; names that are no inbox refs are left out."""
    found: dict[ObjectId, tuple[tuple[str, ObjectId], ...]] = {}
    for ref, oid in refs:
        parsed = parse_inbox_ref(ref)
        if parsed is not None:
            found[parsed[0]] = (*found.get(parsed[0], ()), (ref, oid))
    return found
