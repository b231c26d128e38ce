"""in-toto Statements v1 that this system signs and believes: four predicates, each with one subject.

Reading is strict: every key that docs/formats.md names is there, no other is, each value has one
form. Writing gives canonical JSON and reads its own output back, so that nothing is signed that
the gate would not read. Optional values are ``null``, never absent (see also
:mod:`lfci_gate.attest.check_run`).

======================= ================== =================================================
predicate               subject            predicate's keys
======================= ================== =================================================
check-run/v0.1          inputs, gitTree    see :mod:`lfci_gate.attest.check_run`
approval/v0.1           protected, gitTree repository, ref, paths, from, decision ("approve"),
                                           reviewer, reason (may be empty), issuedAt
session/v0.1            base, gitTree      repository, id, agent, goal (may be empty), baseCommit
                                           (or null), snapshot {sha256}, startedAt, issuedAt
verification_summary/v1 commit, gitCommit  see :mod:`lfci_gate.attest.landing`
======================= ================== =================================================
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest import check_run, landing, readers
from lfci_gate.attest.check_run import contradictions
from lfci_gate.canonical import Fields, dumps, format_time, loads
from lfci_gate.errors import Refusal
from lfci_gate.model import Approval, CheckRun, Landing, ObjectId, SessionRecord, Statement

__all__ = [
    "APPROVAL",
    "CHECK_RUN",
    "SESSION",
    "STATEMENT_TYPE",
    "VERIFICATION_SUMMARY",
    "contradictions",
    "format_statement",
    "parse_statement",
    "subject_of",
]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
CHECK_RUN = "https://micelio.dev/lfci/check-run/v0.1"
APPROVAL = "https://micelio.dev/lfci/approval/v0.1"
SESSION = "https://micelio.dev/lfci/session/v0.1"
VERIFICATION_SUMMARY = "https://slsa.dev/verification_summary/v1"

_CODE = "LFCI110"
_MAX_BYTES = 256 * 1024  # a bundle's size cap is reached first
_SUBJECTS = {
    CHECK_RUN: ("inputs", "gitTree"),
    APPROVAL: ("protected", "gitTree"),
    SESSION: ("base", "gitTree"),
    VERIFICATION_SUMMARY: ("commit", "gitCommit"),
}


def parse_statement(payload: bytes) -> Statement:
    """Read a statement. For a verdict, only ever call this on a payload whose signature was verified.

    Raises Refusal LFCI110 for anything but exactly one of the four forms above.
    """
    value = loads(payload, code=_CODE, what="statement", max_bytes=_MAX_BYTES, max_depth=16)
    top = Fields(value, error=Refusal, code=_CODE, what="statement")
    top.choice("_type", (STATEMENT_TYPE,))
    kind = top.choice("predicateType", tuple(_SUBJECTS))
    subject = _read_subject(top, *_SUBJECTS[kind])
    predicate = top.child("predicate")
    top.finish()
    if kind == CHECK_RUN:
        return check_run.read_predicate(predicate, subject)
    if kind == APPROVAL:
        return _read_approval(predicate, subject)
    if kind == SESSION:
        return _read_session(predicate, subject)
    return landing.read_predicate(predicate, subject)


def format_statement(statement: Statement) -> bytes:
    """The canonical JSON to sign. Raises Refusal LFCI110 when it would not be read back as the same."""
    kind, predicate = _predicate_of(statement)
    name, algorithm = _SUBJECTS[kind]
    try:
        payload = dumps(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": name, "digest": {algorithm: subject_of(statement)}}],
                "predicateType": kind,
                "predicate": predicate(statement),
            }
        )
    except (TypeError, ValueError) as error:
        raise Refusal(_CODE, f"statement: cannot be written: {error}") from None
    if parse_statement(payload) != statement:
        raise Refusal(_CODE, "statement: a list is not in its order or an entry is there twice")
    return payload


def subject_of(statement: Statement) -> ObjectId:
    """The git object that the statement is about: a tree, or for a landing the commit."""
    if isinstance(statement, CheckRun):
        return statement.inputs_tree
    if isinstance(statement, Approval):
        return statement.to_tree
    if isinstance(statement, SessionRecord):
        return statement.base_tree
    return statement.commit


def _predicate_of(statement: Statement) -> tuple[str, Any]:
    if isinstance(statement, CheckRun):
        return CHECK_RUN, check_run.predicate_of
    if isinstance(statement, Approval):
        return APPROVAL, _approval_of
    if isinstance(statement, SessionRecord):
        return SESSION, _session_of
    assert isinstance(statement, Landing)
    return VERIFICATION_SUMMARY, landing.predicate_of


def _read_subject(top: Fields, name: str, algorithm: str) -> ObjectId:
    subjects = top.children("subject", max_items=1)
    if not subjects:
        raise top.wrong("subject", "is empty")
    (subject,) = subjects
    subject.choice("name", (name,))
    digest = subject.child("digest")
    value = readers.oid(digest, algorithm)
    digest.finish()
    subject.finish()
    return value


# -- approval ----------------------------------------------------------------------------------


def _read_approval(fields: Fields, subject: ObjectId) -> Approval:
    fields.choice("decision", ("approve",))
    approval = Approval(
        to_tree=subject,
        from_tree=readers.oid(fields, "from"),
        repository=readers.repository(fields, "repository"),
        ref=readers.ref(fields, "ref"),
        paths=fields.texts("paths", max_items=readers.MAX_ITEMS),
        reviewer=fields.text("reviewer", max_chars=200),
        reason=readers.free_text(fields, "reason", max_chars=16 * 1024),
        issued_at=fields.time("issuedAt"),
    )
    if not approval.paths:
        raise fields.wrong("paths", "is empty")
    fields.finish()
    return approval


def _approval_of(approval: Approval) -> dict[str, Any]:
    return {
        "repository": approval.repository,
        "ref": approval.ref,
        "paths": list(approval.paths),
        "from": approval.from_tree,
        "decision": "approve",
        "reviewer": approval.reviewer,
        "reason": approval.reason,
        "issuedAt": format_time(approval.issued_at),
    }


# -- session -----------------------------------------------------------------------------------


def _read_session(fields: Fields, subject: ObjectId) -> SessionRecord:
    record = SessionRecord(
        repository=readers.repository(fields, "repository"),
        id=readers.session_id(fields, "id"),
        agent=fields.text("agent", max_chars=200),
        goal=readers.free_text(fields, "goal", max_chars=16 * 1024),
        base_commit=readers.nullable_oid(fields, "baseCommit"),
        base_tree=subject,
        snapshot=readers.sha256_object(fields, "snapshot"),
        started_at=fields.time("startedAt"),
        issued_at=fields.time("issuedAt"),
    )
    fields.finish()
    return record


def _session_of(record: SessionRecord) -> dict[str, Any]:
    return {
        "repository": record.repository,
        "id": record.id,
        "agent": record.agent,
        "goal": record.goal,
        "baseCommit": record.base_commit,
        "snapshot": {"sha256": record.snapshot},
        "startedAt": format_time(record.started_at),
        "issuedAt": format_time(record.issued_at),
    }
