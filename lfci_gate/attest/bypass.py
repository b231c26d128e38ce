"""The predicate ``https://micelio.dev/lfci/bypass/v0.1``: break-glass for one exact ref update.

``{"repository","ref","old","waives","reason","requestedBy","nonce","notAfter","issuedAt"}``

The subject is the commit that the ref is to point to (``gitCommit``), ``old`` the commit it leaves
(``null`` for a ref that does not exist yet). One envelope carries the signatures of all who agree, so
that they agree to the same words. Whether a policy knows bypasses at all, who may sign them, for how
long and what they waive is rule 16's to say (docs/rules.md).
"""

from __future__ import annotations

from typing import Any

from lfci_gate.attest.shape import (
    OID,
    REF,
    SESSION_ID,
    UUID,
    Mismatch,
    list_of,
    nullable,
    one_of,
    record,
    text,
    time,
)
from lfci_gate.canonical import format_time
from lfci_gate.model import Bypass, ObjectId

__all__ = ["PREDICATE", "WAIVES", "make", "predicate_of"]

WAIVES = ("approvals", "checks", "dependencies", "tests")
"""What a bypass can waive; the rules that keep the repository itself sound are not among them."""

PREDICATE = record(
    {
        "repository": UUID,
        "ref": REF,
        "old": nullable(OID),
        "waives": list_of(one_of({each: each for each in WAIVES}), low=1, rising=str),
        "reason": text(16 * 1024, lines=True),
        "requestedBy": text(200),
        "nonce": SESSION_ID,
        "notAfter": time,
        "issuedAt": time,
    }
)


def make(found: dict[str, Any], commit: ObjectId) -> Bypass:
    """The bypass of a predicate that :data:`PREDICATE` read; the subject is the commit."""
    if found["notAfter"] <= found["issuedAt"]:
        raise Mismatch("notAfter must be later than issuedAt")
    return Bypass(
        commit=commit,
        repository=found["repository"],
        ref=found["ref"],
        old=found["old"],
        waives=found["waives"],
        reason=found["reason"],
        requested_by=found["requestedBy"],
        nonce=found["nonce"],
        not_after=found["notAfter"],
        issued_at=found["issuedAt"],
    )


def predicate_of(bypass: Bypass) -> dict[str, Any]:
    """The predicate as plain data, for canonical JSON."""
    return {
        "repository": bypass.repository,
        "ref": bypass.ref,
        "old": bypass.old,
        "waives": list(bypass.waives),
        "reason": bypass.reason,
        "requestedBy": bypass.requested_by,
        "nonce": bypass.nonce,
        "notAfter": format_time(bypass.not_after),
        "issuedAt": format_time(bypass.issued_at),
    }
