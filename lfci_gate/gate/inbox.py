"""Rule 3 for inbox refs: create-only, and the name equals the content. Pure."""

from __future__ import annotations

import hashlib

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.consistency import disagreements
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.results import parse_result
from lfci_gate.attest.statement import parse_statement, subject_of
from lfci_gate.errors import LfciError, Refusal
from lfci_gate.gate.facts import Limits, View
from lfci_gate.git.inbox import parse_inbox_ref, read_inbox_tree
from lfci_gate.git.names import is_oid
from lfci_gate.model import CheckRun, Landing, ObjectId, ObjectSource, RefUpdate, Statement
from lfci_gate.value import Value


def rule_03_inbox(update: RefUpdate, view: View, limits: Limits) -> tuple[ObjectId, bytes]:
    """Subject and bundle line of a pushed inbox ref. Raises Refusal LFCI210 (not create-only, not
    in form, name and content differ), LFCI110, LFCI115.

    Whose signature it is does not matter here: whoever is unknown today may be enrolled when the
    branch arrives, and the fold takes only what a key of the policy signed.
    """
    if parse_inbox_ref(update.ref) is None:
        raise Refusal("LFCI210", f"{ascii(update.ref)} is not an inbox ref")
    if update.new is None or update.old is not None or view.ref(update.ref) is not None:
        raise Refusal("LFCI210", "inbox refs are only ever created")
    delivered = read_delivered(update.ref, update.new, view.objects, limits)
    return delivered.subject, delivered.line


class Delivered(Value):
    """One attestation as an inbox ref holds it; nobody has looked at its signature yet."""

    subject: ObjectId
    line: bytes
    result: bytes | None


def read_delivered(ref: str, tree: ObjectId, source: ObjectSource, limits: Limits) -> Delivered:
    """What an inbox ref holds, when name and content agree. Raises as rule_03_inbox."""
    parsed = parse_inbox_ref(ref)
    if parsed is None or not is_oid(parsed[0], source.hash_name):
        raise Refusal("LFCI210", f"{ascii(ref)} is not an inbox ref of this repository")
    subject, name = parsed
    line, result = read_inbox_tree(
        source, tree, max_bundle_bytes=limits.bundle_bytes, max_result_bytes=limits.result_bytes
    )
    envelope = parse_bundle(line).envelope
    if attestation_id(envelope) != name:
        raise Refusal("LFCI210", "the inbox ref names another attestation than it holds")
    statement = parse_statement(envelope.payload)
    if subject_of(statement) != subject:
        raise Refusal("LFCI210", "the inbox ref names another subject than it holds")
    if isinstance(statement, Landing):
        raise Refusal("LFCI210", "landing records are written by the forge only")
    _refuse_other_result(statement, result)
    return Delivered(subject, line, result)


def _refuse_other_result(statement: Statement, result: bytes | None) -> None:
    if not isinstance(statement, CheckRun):
        if result is not None:
            raise Refusal("LFCI210", "a result document beside something that is no check run")
        return
    if result is None:
        raise Refusal("LFCI210", "a check run without its result document")
    if hashlib.sha256(result).hexdigest() != statement.result_sha256:
        raise Refusal("LFCI115", "the result document is not the attested one")
    try:
        document = parse_result(result)
    except LfciError as error:
        raise Refusal("LFCI115", error.message, facts=error.facts) from error
    wrong = disagreements(document, statement)
    if wrong:
        raise Refusal("LFCI115", "the result document contradicts its attestation", facts=wrong)
