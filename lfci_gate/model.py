"""The words of lfci-gate as frozen dataclasses and enums.

Imports nothing of ours, does no IO. Times are :class:`datetime.datetime` in UTC with
tzinfo set; durations are named with their unit. Paths inside a git tree are raw ``bytes``
(git does not promise UTF-8); they become text only in documents, strictly decoded.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import NamedTuple, NewType, Protocol

from lfci_gate.value import Value

ObjectId = NewType("ObjectId", str)
"""Lower-case hex name of a git object: 40 digits (sha1) or 64 (sha256)."""

Sha256 = NewType("Sha256", str)
"""Lower-case hex sha256, 64 digits."""


# -- git objects ---------------------------------------------------------------------


class GitObject(NamedTuple):
    kind: str
    """``commit``, ``tree``, ``blob`` or ``tag``."""
    data: bytes


class ObjectSource(Protocol):
    """Where pure code reads git objects from; content-addressed, so reading is a pure function."""

    @property
    def hash_name(self) -> str:
        """``sha1`` or ``sha256``."""

    def read(self, oid: ObjectId, *, limit: int = ...) -> GitObject:
        """The object. Raises Undecided LFCI501 when missing, Refusal LFCI412 when larger than
        ``limit`` bytes."""

    def stat(self, oid: ObjectId) -> tuple[str, int]:
        """Kind and size in bytes, without reading. Raises Undecided LFCI501 when missing."""


# -- checks ----------------------------------------------------------------------------


class Engine(enum.Enum):
    DEVELOP = "develop"
    BUILD = "build"


class Outcome(enum.Enum):
    """How a run ended. ``UNDECIDED`` is never cached and never attested."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    UNDECIDED = "UNDECIDED"


class ReportSpec(Value):
    """Where the check leaves its test report."""

    format: str
    """``junit`` or ``tap``."""
    path: str | None
    """Under ``$out`` for junit; None for tap (standard output)."""


class CheckDefinition(Value):
    """Normalised form of one check of ``.lfci/config.toml``, defaults filled in."""

    name: str
    run: str | tuple[str, ...] | None
    """A string is run by the shell's bash with ``-euc``; a tuple is an argv; None with ``flake``."""
    flake: str | None
    """``checks.<name>``: an existing flake check is the derivation."""
    shell: str
    inputs: tuple[str, ...]
    report: ReportSpec | None
    artifacts: tuple[str, ...]
    timeout_s: int
    network: bool
    env: tuple[tuple[str, str], ...]
    """Sorted by name."""
    digest: Sha256
    """The definition digest: sha256 of the canonical JSON of everything else here."""
    failures: str = "status"
    """What says that tests failed: the command's ``status``; or the ``report``, and the status is 0."""


class Quarantined(Value):
    """A test whose failure is known, and until when it is to be borne."""

    check: str
    test: str
    """Its id, as the report has it."""
    reason: str
    until: datetime


class ProjectConfig(Value):
    """``.lfci/config.toml``."""

    version: int
    checks: tuple[CheckDefinition, ...]
    """Sorted by name."""
    quarantine: tuple[Quarantined, ...] = ()
    """Sorted by check and test. What is meant is always that of the base, never that of the change."""

    def check(self, name: str) -> CheckDefinition | None:
        return next((c for c in self.checks if c.name == name), None)


# -- policy ----------------------------------------------------------------------------


class PublicKey(Value):
    """A public key; equality and hash by kind and raw bytes only, so thresholds count keys once."""

    kind: str
    """``ed25519`` or ``ecdsa-p256``: the algorithm is fixed by the key."""
    raw: bytes
    """ed25519: 32 bytes; ecdsa-p256: uncompressed point, 65 bytes."""
    fingerprint: str
    """``SHA256:<base64 without padding>`` of the OpenSSH key blob, as ssh-keygen prints."""


class PolicyKey(Value):
    name: str
    public: PublicKey
    roles: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    revoked: datetime | None
    identity: str = ""
    """Who holds the key: keys with the same identity count once. The parser fills in ``name``."""
    pushers: tuple[str, ...] = ()
    """Names under which the forge knows the holder; the identity is always one."""


class RoleScope(Value):
    """A role that counts only for some refs and paths; a role without one counts everywhere."""

    role: str
    refs: tuple[str, ...]
    """Empty: all refs."""
    paths: tuple[str, ...]
    """Patterns that every path of the change must match. Empty: all paths."""


class Delegation(Value):
    """Holders of ``to`` count as holders of ``granter`` for some refs and paths, until a moment."""

    granter: str
    to: str
    refs: tuple[str, ...]
    paths: tuple[str, ...]
    until: datetime


class Assurance(enum.Enum):
    """What has to be known about a result beyond that a trusted key claims it."""

    CLAIMED = "claimed"
    CORROBORATED = "corroborated"
    """``threshold`` distinct identities attested the same derivation with the same result digest."""
    DERIVED = "derived"
    """A verifier got the same derivation from this tree."""
    REBUILT = "rebuilt"
    """A verifier realised that derivation and got the same result digest."""


class Requirement(Value):
    check: str
    roles: tuple[str, ...]
    threshold: int
    """Distinct identities."""
    engines: tuple[Engine, ...]
    hermetic: bool
    report_required: bool
    assurance: Assurance = Assurance.CLAIMED
    verifiers: tuple[str, ...] = ("verifier",)
    """Roles whose verification results count, for ``derived`` and ``rebuilt``."""
    max_attempts: int | None = None
    """The highest attempt that counts; None: any."""
    quarantine: bool = False
    """Whether a run counts in which only tests failed that are in quarantine on the base."""


class Protection(Value):
    """Changes of ``paths`` need approvals of ``threshold`` distinct identities with one of ``roles``."""

    paths: tuple[str, ...]
    roles: tuple[str, ...]
    threshold: int


class BreakGlass(Value):
    """Who may, together, let one exact change land without all that the rule asks for."""

    roles: tuple[str, ...]
    threshold: int
    """Distinct identities, at least two."""
    longest_s: int
    """The longest life of a bypass, in seconds."""
    waives: tuple[str, ...]
    """Any of ``checks``, ``approvals``, ``tests``, ``dependencies``."""


class Rule(Value):
    refs: tuple[str, ...]
    scope: str
    """``tip`` or ``each``."""
    max_age_s: int | None
    bind: tuple[str, ...]
    """Any of ``base``, ``ref``."""
    update: str
    """``fast-forward`` or ``any``."""
    require: tuple[Requirement, ...]
    protect: tuple[Protection, ...]
    tests_removed: str
    """``allow``, ``approval`` or ``refuse``."""
    dependencies_unpinned: str
    """``allow`` or ``refuse``."""
    nix_minimum: str | None
    gitlinks: bool
    pusher: str = "any"
    """``any``, or ``attester``: who pushes must be one of those whose evidence counts."""
    break_glass: BreakGlass | None = None


class Policy(Value):
    version: int
    repository: str
    """UUID that names this repository in every attestation."""
    keys: tuple[PolicyKey, ...]
    rules: tuple[Rule, ...]
    bootstrap: str
    """``report`` or ``approval``: what the very first landing of an empty forge needs."""
    digest: Sha256
    """sha256 of the file's bytes."""
    roles: tuple[RoleScope, ...] = ()
    delegations: tuple[Delegation, ...] = ()


# -- snapshot and session ----------------------------------------------------------------


class FileDigest(Value):
    path: str
    sha256: Sha256


class Snapshot(Value):
    """Fingerprint of what the project specifies at one moment."""

    tree: ObjectId
    flake: tuple[FileDigest, ...]
    """``flake.nix`` and ``flake.lock`` where they exist."""
    lockfiles: tuple[FileDigest, ...]
    """Every lockfile known by name, sorted by path."""
    config: tuple[FileDigest, ...]
    """``.lfci/config.toml`` and ``.lfci/policy.toml`` where they exist."""
    digest: Sha256
    """sha256 of the canonical JSON of the above."""


class Session(Value):
    id: str
    """22 characters: 16 random bytes, URL-safe base64 without padding, as hif names sessions."""
    agent: str
    goal: str
    base_commit: ObjectId | None
    base: Snapshot
    dirty_tree: ObjectId | None
    """Tree of the working copy at the start, where it differed from the base commit's."""
    started_at: datetime
    ended_at: datetime | None
    notes: tuple[tuple[datetime, str], ...]
    worktree: str


# -- runs and attestations ---------------------------------------------------------------


class TestCase(Value):
    """One executed or skipped test of a report."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    id: str
    outcome: str
    """``passed``, ``failed`` or ``skipped``."""


class ResultDocument(Value):
    """What two honest runs agree on; its canonical JSON is stored by sha256 (docs/formats.md)."""

    check: str
    exit_code: int
    tests: tuple[TestCase, ...]
    """Sorted by id, then outcome."""
    artifacts: tuple[FileDigest, ...]
    """Sorted by path."""


class TestCounts(Value):
    __test__ = False

    passed: int
    failed: int
    skipped: int
    ids: Sha256
    """sha256 of the canonical JSON list of the sorted ids of all tests in the report."""


class LockfileFact(Value):
    path: str
    sha256: Sha256
    pinned: int | None
    """None where no reader for the format exists: not counted, which is not zero."""
    unpinned: int | None


class SessionFact(Value):
    id: str
    base_commit: ObjectId | None
    base_tree: ObjectId
    snapshot: Sha256
    started_at: datetime


class CheckRun(Value):
    """Predicate ``https://micelio.dev/lfci/check-run/v0.1``, with its subject."""

    inputs_tree: ObjectId
    """The subject."""
    repository: str
    check: str
    definition: Sha256
    command: str
    result: Outcome
    exit_code: int
    tests: TestCounts | None
    """None when the check has no report."""
    source_tree: ObjectId
    nar_hash: str
    flake: tuple[FileDigest, ...]
    lockfiles: tuple[LockfileFact, ...]
    session: SessionFact | None
    drv_path: str
    system: str
    engine: Engine
    hermetic: bool
    sandbox: Sha256
    nix_name: str
    nix_version: str
    started_at: datetime
    duration_ms: int
    attempt: int
    result_sha256: Sha256
    artifacts: tuple[FileDigest, ...]
    log_sha256: Sha256
    log_size: int
    attester: str
    attester_kind: str
    """``agent``, ``human`` or ``runner``."""
    target_ref: str | None
    issued_at: datetime


class Approval(Value):
    """Predicate ``https://micelio.dev/lfci/approval/v0.1``, with its subject."""

    to_tree: ObjectId
    """The subject: what is left of the new tree when only ``paths`` are kept."""
    from_tree: ObjectId
    """The same filter on the base (the empty tree's id when nothing is left)."""
    repository: str
    ref: str
    paths: tuple[str, ...]
    reviewer: str
    reason: str
    issued_at: datetime


class SessionRecord(Value):
    """Predicate ``https://micelio.dev/lfci/session/v0.1``; the subject is the base tree."""

    repository: str
    id: str
    agent: str
    goal: str
    base_commit: ObjectId | None
    base_tree: ObjectId
    snapshot: Sha256
    started_at: datetime
    issued_at: datetime


class Landing(Value):
    """Predicate ``https://slsa.dev/verification_summary/v1`` of a landed commit."""

    commit: ObjectId
    """The subject (``gitCommit``)."""
    repository: str
    ref: str
    old: ObjectId | None
    policy_sha256: Sha256
    policy_version: int
    verified_at: datetime
    evidence: tuple[str, ...]
    """Attestation ids, sorted."""
    verifier: str
    bypass: str | None = None
    """Id of the bypass that let it land; None when the rules accepted it for what it is."""
    waived: tuple[str, ...] = ()
    """Codes of what the bypass waived, sorted."""


class Verification(Value):
    """Predicate ``https://micelio.dev/lfci/verification/v0.1``: what a verifier found out about a run."""

    inputs_tree: ObjectId
    """The subject."""
    repository: str
    check: str
    definition: Sha256
    drv_path: str
    system: str
    method: str
    """``derived`` or ``rebuilt``."""
    reproduced: bool
    result_sha256: Sha256 | None
    """The result digest that a rebuild gave; None for ``derived``."""
    attestation: str
    """Id of the check run that was verified."""
    nix_name: str
    nix_version: str
    verifier: str
    issued_at: datetime


class Bypass(Value):
    """Predicate ``https://micelio.dev/lfci/bypass/v0.1``: break-glass for one exact ref update."""

    commit: ObjectId
    """The subject (``gitCommit``): what the ref is to point to."""
    repository: str
    ref: str
    old: ObjectId | None
    waives: tuple[str, ...]
    reason: str
    requested_by: str
    nonce: str
    """22 characters: 16 random bytes, URL-safe base64 without padding."""
    not_after: datetime
    issued_at: datetime


Statement = CheckRun | Approval | SessionRecord | Landing | Verification | Bypass


# -- gate ------------------------------------------------------------------------------------


class RefUpdate(Value):
    """One line of pre-receive's input; None stands for the zero oid."""

    ref: str
    old: ObjectId | None
    new: ObjectId | None


class VerdictKind(enum.Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDECIDED = "undecided"


class Reason(Value):
    """Why a ref is refused (or could not be judged); one error's worth of facts."""

    code: str
    message: str
    hint: str
    check: str | None = None
    commit: ObjectId | None = None
    facts: tuple[str, ...] = ()


class RefVerdict(Value):
    update: RefUpdate
    kind: VerdictKind
    reasons: tuple[Reason, ...]
    evidence: tuple[str, ...]
    """Ids of the attestations that counted, sorted."""
    remarks: tuple[str, ...] = ()
    """What was reported but not required, e.g. that no base result was there to compare."""
    protected: bool = False
    """A rule of the policy covers the ref, so an accepted update is a landing."""
    summary: tuple[str, ...] = ()
    """What counted, one line each, for people who read the landing later."""
    bypass: str | None = None
    """Id of the bypass without which the update would not be accepted (rule 16)."""
    waived: tuple[Reason, ...] = ()
    """What that bypass waived."""


class Verdict(Value):
    kind: VerdictKind
    refs: tuple[RefVerdict, ...]
