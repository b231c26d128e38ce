"""The attestations that a clone holds, with what is known about each: found, read, looked up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lfci_gate.attest.bundle import Bundle, parse_bundle, parse_note
from lfci_gate.attest.dsse import attestation_id, signed_by
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.gate.facts import NOTES_REF, RESULTS_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inbox import parse_inbox_ref, read_inbox_tree
from lfci_gate.git.notes import list_notes
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.results import read_result
from lfci_gate.model import CheckRun, ObjectId, Policy, PolicyKey, Statement
from lfci_gate.value import Value, replace

__all__ = ["Held", "collect", "find_one", "result_of", "signers"]

_NOTE_BYTES = 64 * 1024 * 1024
LOCAL = "local"
FORGE = "forge"


class Held(Value):
    """One attestation. Its statement is what it says, whoever signed it: see :func:`signers`."""

    id: str
    subject: ObjectId
    """As the place says where it lies."""
    lines: tuple[bytes, ...]
    """Bundle lines; more than one when the places hold it with different signatures."""
    bundles: tuple[Bundle, ...]
    statement: Statement | None
    """None when it cannot be read."""
    problem: str
    """Why it cannot be read; empty when it can."""
    places: tuple[str, ...]
    """``local`` (an inbox ref of this clone), ``forge`` (the forge's notes as last fetched)."""
    result: bytes | None
    """The result document, where the inbox ref has it."""

    @property
    def issued_at(self) -> datetime | None:
        statement = self.statement
        if statement is None:
            return None
        return getattr(statement, "issued_at", None) or getattr(statement, "verified_at", None)


def collect(git: Git, objects: BatchReader) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """All that this clone holds, newest first, and a line for each thing that cannot be read.

    Raises Refusal LFCI410 for a notes tree that git would not write, Undecided LFCI501.
    """
    found: dict[str, Held] = {}
    problems: list[str] = []
    for place, subject, line, result in _lines(git, objects, problems):
        try:
            held = _held(place, subject, line, result)
        except LfciError as error:
            problems.append(f"{place}, of {subject[:12]}: {error.message}")
            continue
        known = found.get(held.id)
        found[held.id] = held if known is None else _merged(known, held)
    by_age = sorted(found.values(), key=lambda held: (held.issued_at is not None, held.issued_at, held.id))
    return tuple(reversed(by_age)), tuple(problems)


def find_one(all_held: tuple[Held, ...], name: str) -> Held:
    """The attestation whose id starts with ``name``. Raises UsageError LFCI514."""
    wanted = name.removeprefix("sha256:").lower()
    matches = [held for held in all_held if held.id.startswith(wanted)] if len(wanted) >= 4 else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            "LFCI514",
            f"{len(matches)} attestations begin with {name}",
            facts=tuple(held.id for held in matches[:4]),
            hint="give more digits of the id",
        )
    raise UsageError(
        "LFCI514",
        f"no attestation {name} is held here",
        facts=("ids have at least 4 digits; the forge's arrive with git fetch",),
        hint="lfci attestation list",
    )


def signers(held: Held, policy: Policy | None) -> tuple[PolicyKey, ...]:
    """The keys of the policy that signed it, verified now. Whether they are valid is another question."""
    if policy is None:
        return ()
    keys = {key.public: key for key in policy.keys}
    signed = [public for bundle in held.bundles for public in signed_by(bundle.envelope, keys)]
    return tuple(keys[public] for public in dict.fromkeys(signed))


def result_of(git: Git, objects: BatchReader, held: Held) -> bytes | None:
    """The result document of a check run: from its inbox ref, else from the forge's, as fetched."""
    if held.result is not None or not isinstance(held.statement, CheckRun):
        return held.result
    results = evidence_refs(git).get(RESULTS_REF)
    if results is None:
        return None
    tree = read_commit(objects, results).tree
    return read_result(objects, tree, held.statement.result_sha256, limit=16 * 1024 * 1024)


def _lines(
    git: Git, objects: BatchReader, problems: list[str]
) -> Iterator[tuple[str, ObjectId, bytes, bytes | None]]:
    refs = evidence_refs(git)
    for ref, tree in refs.items():
        parsed = parse_inbox_ref(ref)
        if parsed is None:
            continue
        try:
            line, result = read_inbox_tree(objects, tree)
        except LfciError as error:
            problems.append(f"{ref}: {error.message}")
            continue
        yield LOCAL, parsed[0], line, result
    notes = refs.get(NOTES_REF)
    if notes is None:
        return
    for subject, blob in list_notes(objects, read_commit(objects, notes).tree):
        for line in parse_note(objects.read(blob, limit=_NOTE_BYTES).data):
            yield FORGE, subject, line, None


def _held(place: str, subject: ObjectId, line: bytes, result: bytes | None) -> Held:
    bundle = parse_bundle(line)
    statement: Statement | None = None
    problem = ""
    try:
        statement = parse_statement(bundle.envelope.payload)
    except LfciError as error:
        problem = error.message
    name = attestation_id(bundle.envelope)
    return Held(name, subject, (line,), (bundle,), statement, problem, (place,), result)


def _merged(one: Held, other: Held) -> Held:
    return replace(
        one,
        lines=tuple(dict.fromkeys(one.lines + other.lines)),
        bundles=tuple(dict.fromkeys(one.bundles + other.bundles)),
        places=tuple(dict.fromkeys(one.places + other.places)),
        result=one.result if one.result is not None else other.result,
    )
