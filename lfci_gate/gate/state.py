"""What the forge remembers beside its repository: the folder ``lfci/`` in the git directory.

``bootstrap-policy.toml``  the policy given to `lfci forge init`, in force until one has landed
``policy-floor.json``      the highest policy version that was in force
``accepted/<id>.json``     accepted landings that are not recorded in the notes yet (a journal)
``unverified.json``        inbox refs that no key of the policy signed, and since when they lie there
``fold.lock``              held by the one process that folds
``key``, ``key.pub``       the forge's key, unless git config ``lfci.key`` names another

Everything is written whole or not at all, and nothing here can turn a refusal into an acceptance:
a lost file makes the gate stricter or the record poorer, never the other way round.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields, format_time, parse_time
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.facts import PolicyFloor
from lfci_gate.model import ObjectId, Sha256

_CODE = "LFCI505"
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Accepted:
    """One protected ref that the gate let move, as the landing record needs it."""

    ref: str
    old: ObjectId | None
    new: ObjectId
    repository: str
    policy_sha256: Sha256
    policy_version: int
    at: datetime
    evidence: tuple[str, ...]
    summary: tuple[str, ...]

    @property
    def id(self) -> str:
        """The name of its journal file: the same update is recorded once."""
        return canonical.digest([self.ref, self.old, self.new])


class ForgeState:
    """The folder ``lfci/`` of the bare repository at ``git_dir``."""

    def __init__(self, git_dir: Path) -> None:
        self.directory = git_dir / "lfci"
        self.bootstrap_path = self.directory / "bootstrap-policy.toml"
        self.key_path = self.directory / "key"
        self.lock_path = self.directory / "fold.lock"
        self._floor_path = self.directory / "policy-floor.json"
        self._journal = self.directory / "accepted"
        self._unverified_path = self.directory / "unverified.json"

    # -- policy ------------------------------------------------------------------------------

    def bootstrap_policy(self) -> bytes | None:
        return files.read_file(self.bootstrap_path, _MAX_BYTES)

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
        known = self.policy_floor()
        if known is None or known.version < floor.version:
            value = {"repository": floor.repository, "version": floor.version}
            files.write_file(self._floor_path, canonical.dumps(value))

    # -- journal -----------------------------------------------------------------------------

    def record(self, accepted: Accepted) -> None:
        """Before the gate says yes: what it says yes to. A push that git then drops leaves an
        entry that the fold throws away."""
        value = {
            "ref": accepted.ref,
            "old": accepted.old,
            "new": accepted.new,
            "repository": accepted.repository,
            "policySha256": accepted.policy_sha256,
            "policyVersion": accepted.policy_version,
            "at": format_time(accepted.at),
            "evidence": list(accepted.evidence),
            "summary": list(accepted.summary),
        }
        files.write_file(self._entry(accepted.id), canonical.dumps(value))

    def accepted(self) -> tuple[Accepted, ...]:
        """All entries of the journal, oldest first. Raises Undecided LFCI505 on a damaged one."""
        try:
            names = sorted(os.listdir(self._journal))
        except FileNotFoundError:
            return ()
        found = [self._accepted(name) for name in names if name.endswith(".json")]
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.at))

    def forget(self, accepted: Accepted) -> None:
        files.remove(self._entry(accepted.id))

    def _entry(self, name: str) -> Path:
        return self._journal / f"{name}.json"

    def _accepted(self, name: str) -> Accepted | None:
        fields = self._read(self._journal / name, "journal entry")
        if fields is None:
            return None  # another fold took it meanwhile
        old = fields.nullable("old", str)
        entry = Accepted(
            ref=fields.text("ref"),
            old=None if old is None else ObjectId(old),
            new=ObjectId(fields.text("new")),
            repository=fields.text("repository"),
            policy_sha256=Sha256(fields.text("policySha256")),
            policy_version=fields.integer("policyVersion", 1),
            at=fields.time("at"),
            evidence=fields.texts("evidence", max_items=100_000),
            summary=fields.texts("summary", max_items=100_000, max_chars=4096),
        )
        fields.finish()
        return entry

    # -- unverified inbox refs ------------------------------------------------------------------

    def unverified_since(self) -> dict[str, datetime]:
        """Inbox refs that no key of the policy signed, with the time the fold first saw them."""
        data = files.read_file(self._unverified_path, _MAX_BYTES)
        if data is None:
            return {}
        try:
            value = canonical.loads(data, code=_CODE, what="unverified", max_bytes=_MAX_BYTES)
            return {str(ref): parse_time(since) for ref, since in value.items()}
        except (LfciError, ValueError, AttributeError, TypeError) as error:
            # Only an age is lost: the refs lie there for another day.
            files.remove(self._unverified_path)
            raise Undecided(
                _CODE, "the list of unverified inbox refs was damaged and is begun anew"
            ) from error

    def set_unverified(self, since: dict[str, datetime]) -> None:
        if since:
            value = {ref: format_time(moment) for ref, moment in since.items()}
            files.write_file(self._unverified_path, canonical.dumps(value))
        else:
            files.remove(self._unverified_path)

    def _read(self, path: Path, what: str) -> Fields | None:
        data = files.read_file(path, _MAX_BYTES)
        if data is None:
            return None
        value: Any = canonical.loads(data, code=_CODE, what=what, max_bytes=_MAX_BYTES)
        return Fields(value, error=Undecided, code=_CODE, what=what)
