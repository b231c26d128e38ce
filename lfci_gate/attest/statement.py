"""in-toto Statements v1 that this system signs and believes: six predicates, each with one subject.

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
verification/v0.1       inputs, gitTree    see :mod:`lfci_gate.attest.verification`
bypass/v0.1             commit, gitCommit  see :mod:`lfci_gate.attest.bypass`
======================= ================== =================================================
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest import bypass, check_run, landing, verification
from lfci_gate.attest.consistency import contradictions
from lfci_gate.attest.shape import (
    OID,
    REF,
    SESSION_ID,
    SHA256_OBJECT,
    UUID,
    Mismatch,
    Shape,
    free_text,
    list_of,
    nullable,
    one_of,
    read,
    record,
    text,
    time,
)
from lfci_gate.canonical import dumps, format_time
from lfci_gate.errors import Refusal
from lfci_gate.model import (
    Approval,
    Bypass,
    CheckRun,
    Landing,
    ObjectId,
    SessionRecord,
    Statement,
    Verification,
)

__all__ = [
    "APPROVAL",
    "BYPASS",
    "CHECK_RUN",
    "SESSION",
    "STATEMENT_TYPE",
    "VERIFICATION",
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
VERIFICATION = "https://micelio.dev/lfci/verification/v0.1"
BYPASS = "https://micelio.dev/lfci/bypass/v0.1"

_CODE = "LFCI110"
_MAX_BYTES = 256 * 1024  # a bundle's size cap is reached first
_SUBJECTS = {
    CHECK_RUN: ("inputs", "gitTree"),
    APPROVAL: ("protected", "gitTree"),
    SESSION: ("base", "gitTree"),
    VERIFICATION_SUMMARY: ("commit", "gitCommit"),
    VERIFICATION: ("inputs", "gitTree"),
    BYPASS: ("commit", "gitCommit"),
}
_NAME = text(200)
_PROSE = free_text(16 * 1024)
_APPROVAL = record(
    {
        "repository": UUID,
        "ref": REF,
        "paths": list_of(text(1024), low=1),
        "from": OID,
        "decision": one_of({"approve": "approve"}),
        "reviewer": _NAME,
        "reason": _PROSE,
        "issuedAt": time,
    }
)
_SESSION = record(
    {
        "repository": UUID,
        "id": SESSION_ID,
        "agent": _NAME,
        "goal": _PROSE,
        "baseCommit": nullable(OID),
        "snapshot": SHA256_OBJECT,
        "startedAt": time,
        "issuedAt": time,
    }
)


def parse_statement(payload: bytes) -> Statement:
    """Read a statement. For a verdict, only ever call this on a payload whose signature was verified.

    Raises Refusal LFCI110 for anything but exactly one of the six forms above.
    """
    statement: Statement = read(payload, _statement, code=_CODE, what="statement", max_bytes=_MAX_BYTES)
    return statement


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
    """The git object that the statement is about: a tree; for a landing and a bypass the commit."""
    if isinstance(statement, CheckRun | Verification):
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
    if isinstance(statement, Verification):
        return VERIFICATION, verification.predicate_of
    if isinstance(statement, Bypass):
        return BYPASS, bypass.predicate_of
    assert isinstance(statement, Landing)
    return VERIFICATION_SUMMARY, landing.predicate_of


# -- shapes ------------------------------------------------------------------------------------


def _approval(found: dict[str, Any], to_tree: ObjectId) -> Approval:
    return Approval(
        to_tree=to_tree,
        from_tree=found["from"],
        repository=found["repository"],
        ref=found["ref"],
        paths=found["paths"],
        reviewer=found["reviewer"],
        reason=found["reason"],
        issued_at=found["issuedAt"],
    )


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


def _session(found: dict[str, Any], base_tree: ObjectId) -> SessionRecord:
    return SessionRecord(
        repository=found["repository"],
        id=found["id"],
        agent=found["agent"],
        goal=found["goal"],
        base_commit=found["baseCommit"],
        base_tree=base_tree,
        snapshot=found["snapshot"],
        started_at=found["startedAt"],
        issued_at=found["issuedAt"],
    )


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


_PREDICATES = {
    CHECK_RUN: (check_run.PREDICATE, check_run.make),
    APPROVAL: (_APPROVAL, _approval),
    SESSION: (_SESSION, _session),
    VERIFICATION_SUMMARY: (landing.PREDICATE, landing.make),
    VERIFICATION: (verification.PREDICATE, verification.make),
    BYPASS: (bypass.PREDICATE, bypass.make),
}


def _whole(kind: str) -> Shape:
    """The shape of the statements with this type of predicate."""
    name, algorithm = _SUBJECTS[kind]
    predicate, make = _PREDICATES[kind]
    subject = record({"name": one_of({name: name}), "digest": record({algorithm: OID})})
    return record(
        {
            "_type": one_of({STATEMENT_TYPE: STATEMENT_TYPE}),
            "subject": list_of(subject, low=1, high=1),
            "predicateType": one_of({kind: kind}),
            "predicate": predicate,
        },
        make=lambda found: make(found["predicate"], found["subject"][0]["digest"][algorithm]),
    )


_STATEMENTS = {kind: _whole(kind) for kind in _PREDICATES}


def _statement(value: Any) -> Any:
    kind = value.get("predicateType") if type(value) is dict else None
    if type(kind) is not str or kind not in _STATEMENTS:
        raise Mismatch(f"predicateType must be one of {', '.join(_STATEMENTS)}")
    return _STATEMENTS[kind](value)
