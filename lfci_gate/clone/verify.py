"""`lfci verify`: the gate's rules over what has landed, on any clone.

A landed commit is judged as its push was: against its first parent, by the policy in force there,
at the time of its landing record where a key that the verifier trusts signed that record (a key of the
policy, or the forge's key in git config `lfci.forgeKey`), else at the present time.
"""

from __future__ import annotations

from datetime import datetime

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.keys import parse_public
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.target import Target
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError
from lfci_gate.gate.authority import policy_file
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import CONFIG_PATH, LANDED_REF, Limits, Push
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.rules import evaluate
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.commit import Commit
from lfci_gate.git.history import first_parent_commits
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.notes import read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file
from lfci_gate.model import CheckRun, Landing, ObjectId, Policy, PublicKey, RefUpdate, RefVerdict
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value


class Record(Value):
    """A landing record found on a commit."""

    landing: Landing | None
    """None when no trusted key signed it: then nothing in it was read."""
    signer: str
    """Name of the trusted key, else the key that the record itself names."""


class Verified(Value):
    commit: ObjectId
    verdict: RefVerdict
    at: datetime
    """The time that the rules were given."""
    record: Record | None
    remarks: tuple[str, ...]
    runs: tuple[CheckRun, ...]
    """The check runs that counted."""


def commits_of(git: Git, newer: ObjectId, older: ObjectId | None) -> tuple[ObjectId, ...]:
    """The first-parent commits of a range, oldest first; a single commit without ``older``."""
    if older is None:
        return (newer,)
    return tuple(reversed(first_parent_commits(git, newer, older)))


def verify(
    git: Git,
    objects: BatchReader,
    target: Target,
    commit: ObjectId,
    now: datetime,
    *,
    ref: str | None = None,
    policy: bytes | None = None,
) -> Verified:
    """The verdict about one commit as a landing on ``ref`` (the target's by default).

    Arguments: ``policy`` replaces the policy in force (a file the caller trusts). Raises Refusal
    LFCI402, LFCI403; Undecided LFCI501.
    """
    parsed = read_commit(objects, commit)
    old = parsed.parents[0] if parsed.parents else None
    name = ref or target.ref
    refs = {key: oid for key, oid in evidence_refs(git).items() if key != LANDED_REF}
    if old is not None:
        refs[name] = old
    view = RepositoryView(git=git, objects=objects, refs=refs, head=name, server_policy=policy)
    bootstrap = None if old is not None else policy_file(view, parsed.tree, Limits())
    view.bootstrap_policy = bootstrap
    in_force = _in_force(view, old, policy or bootstrap)
    record = _record(git, objects, commit, name, in_force)
    at = record.landing.verified_at if record is not None and record.landing is not None else now
    verdict = evaluate(Push((RefUpdate(name, old, commit),), at), view).refs[0]
    remarks = _remarks(record, old, policy)
    return Verified(commit, verdict, at, record, remarks, _runs(view, verdict, parsed, in_force))


def _runs(
    view: RepositoryView, verdict: RefVerdict, commit: Commit, policy: Policy | None
) -> tuple[CheckRun, ...]:
    """The statements behind the verdict's evidence, each verified again on the way."""
    if policy is None or not verdict.evidence:
        return ()
    config = parse_project(read_file(view.objects, commit.tree, CONFIG_PATH, Limits().config_bytes) or b"")
    book = EvidenceBook(view, policy, Limits(), {})
    found: dict[str, CheckRun] = {}
    for check in config.checks:
        subject = inputs_tree(view.objects, commit.tree, PatternSet(check.inputs)).oid
        for evidence in book.about(subject, commit).evidence:
            run = evidence.statement
            if evidence.id in verdict.evidence and isinstance(run, CheckRun):
                found[evidence.id] = run
    return tuple(found.values())


def _in_force(view: RepositoryView, old: ObjectId | None, given: bytes | None) -> Policy | None:
    data = given
    if data is None and old is not None:
        data = policy_file(view, read_commit(view.objects, old).tree, Limits())
    try:
        return None if data is None else parse_policy(data)
    except LfciError:
        return None  # the rules say what is wrong with it


def _record(
    git: Git, objects: BatchReader, commit: ObjectId, ref: str, policy: Policy | None
) -> Record | None:
    """The landing record of this commit for this ref, if the mirrored notes have one."""
    tip = evidence_refs(git).get(LANDED_REF)
    if tip is None:
        return None
    blob = read_note(objects, read_commit(objects, tip).tree, commit)
    if blob is None:
        return None
    trusted = _trusted(git, policy)
    unknown: Record | None = None
    for line in objects.read(blob).data.split(b"\n"):
        if not line.startswith(b"{"):
            continue  # the lines for people
        try:
            bundle = parse_bundle(line)
            signers = signed_by(bundle.envelope, trusted)
            if not signers:
                unknown = Record(None, ascii(bundle.hint)[1:-1])
                continue
            landing = parse_statement(bundle.envelope.payload)
        except LfciError:
            continue  # a line that is no record says nothing
        if isinstance(landing, Landing) and landing.commit == commit and landing.ref == ref:
            return Record(landing, trusted[signers[0]])
    return unknown


def _trusted(git: Git, policy: Policy | None) -> dict[PublicKey, str]:
    """Keys whose landing records count here, with their names."""
    found = {key.public: key.name for key in policy.keys} if policy is not None else {}
    for line in git.settings.get("lfci.forgekey", ()):
        found.setdefault(parse_public(line), "the forge (lfci.forgeKey)")
    return found


def _remarks(record: Record | None, old: ObjectId | None, policy: bytes | None) -> tuple[str, ...]:
    remarks = []
    if record is None:
        remarks.append("no landing record here: judged at the present time")
    elif record.landing is None:
        remarks.append(
            f"the landing record names key {record.signer}, which is not trusted here: judged at the "
            "present time (to trust it: git config --add lfci.forgeKey '<public key line>')"
        )
    else:
        remarks.append(f"judged at the time of the landing record, signed by {record.signer}")
    if old is None and policy is None:
        remarks.append("a first commit: judged by the policy that it brings itself")
    return tuple(remarks)
