"""What the forge remembers beside its repository: the folder ``lfci/`` in the git directory.

``bootstrap-policy.toml``  the policy given to `lfci forge init`, in force until one has landed
``policy-floor.json``      the highest policy version that was in force
``written.json``           the newest landing records that the forge has seen of its own, and lost ones
``accepted/<id>.json``     accepted landings that are not recorded in the notes yet (a journal)
``accepted/<id>.landed``   the same, once git has moved the ref
``spent/<id>``             a bypass that has let something land: what, where, when
``floor.lock``             held while the policy floor is raised
``unverified.json``        inbox refs that no key of the policy signed, and since when they lie there
``fold.lock``              held by the one process that folds
``key``, ``key.pub``       the forge's key, unless git config ``lfci.key`` names another

Everything is written whole or not at all. A lost journal makes the record of landings poorer; a lost
floor is a lost memory: an old policy that an operator restores is then not noticed.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields, format_time
from lfci_gate.errors import Undecided
from lfci_gate.gate.facts import PolicyFloor
from lfci_gate.grammar import is_hex
from lfci_gate.model import ObjectId, Sha256
from lfci_gate.value import Value

if TYPE_CHECKING:  # the receive hook needs none, and importing it takes 6 ms
    from pathlib import Path

_CODE = "LFCI505"
_MAX_BYTES = 4 * 1024 * 1024


class Accepted(Value):
    """One protected ref that the gate let move, as the landing record needs it."""

    pushed: str
    """The ref as the push named it."""
    ref: str
    """The ref that moved: where ``pushed`` leads when it is a symbolic ref."""
    old: ObjectId | None
    new: ObjectId
    """What the ref got, e.g. an annotated tag."""
    commit: ObjectId
    """The commit that ``new`` leads to."""
    repository: str
    policy_sha256: Sha256
    policy_version: int
    at: datetime
    evidence: tuple[str, ...]
    summary: tuple[str, ...]
    landed: bool = False
    """git has said that the ref moved."""
    bypass: str | None = None
    """Id of the bypass that let it land."""
    waived: tuple[str, ...] = ()
    """Codes of what it waived, sorted."""

    @property
    def id(self) -> str:
        """The name of its journal file: the same update is recorded once."""
        return _id(self.pushed, self.old, self.new)


def _id(ref: str, old: ObjectId | None, new: ObjectId) -> str:
    return canonical.digest([ref, old, new])


class ForgeState:
    """The folder ``lfci/`` of the bare repository at ``git_dir``."""

    def __init__(self, git_dir: str | os.PathLike[str]) -> None:
        self._directory = os.path.join(git_dir, "lfci")
        self._floor_lock = self._file("floor.lock")
        self._floor_path = self._file("policy-floor.json")
        self._journal = self._file("accepted")
        self._unverified_path = self._file("unverified.json")

    def _file(self, name: str) -> str:
        return os.path.join(self._directory, name)

    @property
    def directory(self) -> Path:
        """The folder itself."""
        from pathlib import Path

        return Path(self._directory)

    @property
    def bootstrap_path(self) -> Path:
        """Where the policy given to `lfci forge init` is."""
        return self.directory / "bootstrap-policy.toml"

    @property
    def key_path(self) -> Path:
        """Where the forge's key is, unless git config names another."""
        return self.directory / "key"

    @property
    def lock_path(self) -> Path:
        """What the one process that folds holds."""
        return self.directory / "fold.lock"

    # -- policy ------------------------------------------------------------------------------

    def bootstrap_policy(self) -> bytes | None:
        return files.read_file(self._file("bootstrap-policy.toml"), _MAX_BYTES)

    def policy_floor(self) -> PolicyFloor | None:
        """Raises Undecided LFCI505 when the file is there and cannot be understood: a memory that
        is damaged is not a memory that is empty."""
        fields = self._read(self._floor_path, "policy floor")
        if fields is None:
            return None
        floor = PolicyFloor(fields.text("repository"), fields.integer("version", 1))
        fields.finish()
        return floor

    def raise_floor(self, floor: PolicyFloor) -> None:
        """Remembers a policy that was in force; never goes down."""
        if not self._is_above(floor):
            return
        with files.locked(self._floor_lock):  # two pushes under two policies: the newer one stays
            if self._is_above(floor):
                value = {"repository": floor.repository, "version": floor.version}
                files.write_file(self._floor_path, canonical.dumps(value))

    def _is_above(self, floor: PolicyFloor) -> bool:
        known = self.policy_floor()
        return known is None or known.version < floor.version

    # -- journal -----------------------------------------------------------------------------

    def record(self, accepted: Accepted) -> None:
        """Before the gate says yes: what it says yes to. A push that git then drops leaves an
        entry that the fold throws away."""
        value: dict[str, Any] = {
            "pushed": accepted.pushed,
            "ref": accepted.ref,
            "old": accepted.old,
            "new": accepted.new,
            "commit": accepted.commit,
            "repository": accepted.repository,
            "policySha256": accepted.policy_sha256,
            "policyVersion": accepted.policy_version,
            "at": format_time(accepted.at),
            "evidence": list(accepted.evidence),
            "summary": list(accepted.summary),
        }
        if accepted.bypass is not None:
            value["bypass"] = {"id": accepted.bypass, "waived": list(accepted.waived)}
        files.write_file(self._entry(accepted.id), canonical.dumps(value))

    def has_landed(self, ref: str, old: ObjectId | None, new: ObjectId) -> None:
        """git has moved this ref, says post-receive: remembered in one step, whoever folds it. Raises
        Undecided LFCI520."""
        entry = self._entry(_id(ref, old, new))
        with files.os_errors("mark a journal entry", entry), contextlib.suppress(FileNotFoundError):
            os.replace(entry, _landed(entry))

    def accepted(self) -> tuple[Accepted, ...]:
        """All entries of the journal, oldest first. Raises Undecided LFCI505 on a damaged one."""
        found = [self._accepted(name) for name in self._entries()]
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.at))

    def _entries(self) -> list[str]:
        with files.os_errors("read the journal", self._journal):
            try:
                names = sorted(os.listdir(self._journal))
            except FileNotFoundError:
                return []
        return [name for name in names if name.endswith((".json", ".landed"))]

    def forget(self, accepted: Accepted) -> None:
        entry = self._entry(accepted.id)
        files.remove(_landed(entry) if accepted.landed else entry)

    def tidy(self, before: datetime) -> None:
        """Removes half-written files that nobody has touched since ``before``: their writers were killed.
        Raises Undecided LFCI520."""
        for directory in (self._directory, self._journal):
            with files.os_errors("tidy up", directory), contextlib.suppress(FileNotFoundError):
                for name in os.listdir(directory):
                    path = os.path.join(directory, name)
                    if name.startswith(files.TEMPORARY) and os.stat(path).st_mtime < before.timestamp():
                        os.unlink(path)

    def _entry(self, name: str) -> str:
        return os.path.join(self._journal, f"{name}.json")

    def _accepted(self, name: str) -> Accepted | None:
        fields = self._read(os.path.join(self._journal, name), "journal entry")
        if fields is None:
            return None  # another fold took it meanwhile
        old = fields.nullable("old", str)
        bypass, waived = _bypass(fields)
        entry = Accepted(
            pushed=fields.text("pushed"),
            ref=fields.text("ref"),
            old=None if old is None else ObjectId(old),
            new=ObjectId(fields.text("new")),
            commit=ObjectId(fields.text("commit")),
            repository=fields.text("repository"),
            policy_sha256=Sha256(fields.text("policySha256")),
            policy_version=fields.integer("policyVersion", 1),
            at=fields.time("at"),
            evidence=fields.texts("evidence", max_items=100_000),
            summary=fields.texts("summary", max_items=100_000, max_chars=4096),
            landed=name.endswith(".landed"),
            bypass=bypass,
            waived=waived,
        )
        fields.finish()
        return entry

    # -- bypasses --------------------------------------------------------------------------------

    def spend(self, accepted: Accepted) -> None:
        """Remembers for good that the gate has let something through by a bypass."""
        if accepted.bypass is None:
            return
        value = {"ref": accepted.ref, "commit": accepted.commit, "at": format_time(accepted.at)}
        files.write_file(self._spent(accepted.bypass), canonical.dumps(value))

    def is_spent(self, bypass: str) -> bool:
        """Whether the gate is known here to have let something through by this bypass. Raises Undecided
        LFCI505 or LFCI520 when what is remembered cannot be read."""
        # The journal first: an entry leaves it only after the bypass is remembered as spent. One that
        # git has just marked as landed has another name by now, so it is looked for again.
        moved = True
        while moved:
            entries = [self._accepted(name) for name in self._entries()]
            if any(entry is not None and entry.bypass == bypass for entry in entries):
                return True
            moved = None in entries
        return files.read_file(self._spent(bypass), _MAX_BYTES) is not None

    def _spent(self, bypass: str) -> str:
        return os.path.join(self._file("spent"), bypass)

    # -- unverified inbox refs ------------------------------------------------------------------

    def unverified(self) -> tuple[Sha256, dict[str, datetime]] | None:
        """Inbox refs that no key of a policy signed: the digest of that policy, and each ref with the
        time the fold first saw it. None when there are none, or the list is damaged: then only ages
        are lost, and the refs lie there for another day."""
        try:
            fields = self._read(self._unverified_path, "unverified inbox refs")
            if fields is None:
                return None
            policy = fields.match("policy", lambda text: is_hex(text, 64), "a sha256")
            refs = fields.child("refs")
            since = {ref: refs.time(ref) for ref in refs.keys()}  # noqa: SIM118 - not a dict
            fields.finish()
        except Undecided:
            return None
        return Sha256(policy), since

    def set_unverified(self, policy: Sha256, since: dict[str, datetime]) -> None:
        if since:
            refs = {ref: format_time(moment) for ref, moment in since.items()}
            files.write_file(self._unverified_path, canonical.dumps({"policy": policy, "refs": refs}))
        else:
            files.remove(self._unverified_path)

    def _read(self, path: str, what: str) -> Fields | None:
        data = files.read_file(path, _MAX_BYTES)
        if data is None:
            return None
        value: Any = canonical.loads(data, code=_CODE, what=what, max_bytes=_MAX_BYTES)
        return Fields(value, error=Undecided, code=_CODE, what=what)


def _landed(entry: str) -> str:
    return entry.removesuffix(".json") + ".landed"


def _bypass(fields: Fields) -> tuple[str | None, tuple[str, ...]]:
    """Only entries of landings by break-glass have it."""
    if "bypass" not in fields:
        return None, ()
    bypass = fields.child("bypass")
    name = bypass.match("id", lambda text: is_hex(text, 64), "a sha256")
    waived = bypass.texts("waived", max_items=1000)
    bypass.finish()
    return name, waived
