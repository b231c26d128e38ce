"""Landings by break-glass, looked up afterwards: on the forge and in clones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from lfci_gate.attest.bundle import parse_bundle, parse_note
from lfci_gate.attest.dsse import attestation_id, signed_by
from lfci_gate.attest.statement import parse_statement
from lfci_gate.errors import LfciError
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.records import BREAK_GLASS, NOTE_BYTES, lines_of
from lfci_gate.git.notes import list_notes, read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Bypass, Landing, ObjectId, Policy, PublicKey
from lfci_gate.value import Value


class Broken(Value):
    """One landing by break-glass."""

    landing: Landing
    recorded_by: str | None
    """The trusted key that signed the record; None when none did, and the record is only somebody's word."""
    bypass: Bypass | None
    """What was agreed to; None where the statement is not here or nobody of the policy signed it."""
    signed_by: tuple[str, ...]
    """The identities of the policy whose signatures on the bypass verify, sorted. Whether they had the
    roles then was the gate's to decide."""


def landings_by_bypass(
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    trusted: Mapping[PublicKey, str],
    policy: Policy | None,
    commits: Collection[ObjectId] | None = None,
) -> tuple[Broken, ...]:
    """All of them that the landing records know, oldest first.

    Arguments: ``refs`` have the tips of the notes; ``trusted`` are the keys whose records are believed;
    ``commits`` limits the answer. Raises Refusal LFCI410 for malformed notes, Undecided LFCI501.
    """
    found = []
    for landing, signer in _records(objects, refs, trusted, commits):
        bypass, by = _statement(objects, refs, landing, policy)
        found.append(Broken(landing, signer, bypass, by))
    return tuple(sorted(found, key=lambda each: (each.landing.verified_at, each.landing.commit)))


def _records(
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    trusted: Mapping[PublicKey, str],
    commits: Collection[ObjectId] | None,
) -> Iterator[tuple[Landing, str | None]]:
    tip = refs.get(LANDED_REF)
    if tip is None:
        return
    notes = list_notes(objects, read_commit(objects, tip).tree)
    wanted = [blob for commit, blob in notes if commits is None or commit in commits]
    for _, (_, data) in objects.read_many(wanted, limit=NOTE_BYTES):
        if BREAK_GLASS not in data:
            continue  # nearly all of them; reading signatures takes far longer than this look
        for line in lines_of(data):
            try:
                bundle = parse_bundle(line)
                landing = parse_statement(bundle.envelope.payload)
            except LfciError:
                continue
            if isinstance(landing, Landing) and landing.bypass is not None:
                signers = signed_by(bundle.envelope, trusted)
                yield landing, trusted[signers[0]] if signers else None


def _statement(
    objects: BatchReader, refs: Mapping[str, ObjectId], landing: Landing, policy: Policy | None
) -> tuple[Bypass | None, tuple[str, ...]]:
    tip = refs.get(NOTES_REF)
    blob = None if tip is None else read_note(objects, read_commit(objects, tip).tree, landing.commit)
    if blob is None or policy is None:
        return None, ()
    keys = {key.public: key.identity for key in policy.keys}
    bypass: Bypass | None = None
    by: set[str] = set()
    for line in parse_note(objects.read(blob, limit=NOTE_BYTES).data):
        try:
            envelope = parse_bundle(line).envelope
            signers = signed_by(envelope, keys) if attestation_id(envelope) == landing.bypass else ()
            statement = parse_statement(envelope.payload) if signers else None
        except LfciError:
            continue
        if isinstance(statement, Bypass):
            bypass = statement
            by |= {keys[public] for public in signers}
    return bypass, tuple(sorted(by))
