"""Evidence that this clone holds: its own inbox refs, and the forge's notes as last fetched.

A clone never writes refs/notes/lfci: that is a mirror of the forge's. What it makes itself lies in
inbox refs of the same form that the forge takes, until the forge's notes have it.
"""

from __future__ import annotations

from lfci_gate.attest.bundle import parse_bundle, parse_note
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.statement import parse_statement, subject_of
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF, RESULTS_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inbox import INBOX, build_inbox_tree, inbox_ref, read_inbox_tree
from lfci_gate.git.notes import read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import list_refs, update_refs
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId

MIRROR = (f"+{NOTES_REF}*:{NOTES_REF}*", f"+{RESULTS_REF}*:{RESULTS_REF}*")
"""What a clone fetches beside branches; globs, because a forge that has folded nothing yet has none
of them, and git fails on a missing ref that is named outright."""


def evidence_refs(git: Git) -> dict[str, ObjectId]:
    """This clone's inbox refs and the mirrored notes."""
    return list_refs(git, INBOX, NOTES_REF, RESULTS_REF, LANDED_REF)


def store_evidence(
    git: Git, line: bytes, result: bytes | None, extra: tuple[tuple[str, bytes], ...] = ()
) -> str:
    """Keeps a bundle (and its result document) as an inbox ref; returns the attestation's id.

    Arguments: ``extra`` are further objects to write, e.g. those of the inputs tree, so that its
    name can be looked up with git. Storing the same bundle again changes nothing.
    """
    envelope = parse_bundle(line).envelope
    name = attestation_id(envelope)
    ref = inbox_ref(subject_of(parse_statement(envelope.payload)), name)
    writer = PackWriter(git)
    for kind, data in extra:
        writer.add(kind, data)
    tree = build_inbox_tree(line, result, writer.add)
    writer.flush()
    held = list_refs(git, ref).get(ref)
    if held != tree:
        update_refs(git, [(ref, held, tree)])
    return name


def undelivered(
    source: BatchReader, refs: dict[str, ObjectId], subjects: set[ObjectId]
) -> dict[str, ObjectId]:
    """Inbox refs about ``subjects`` that the forge's notes, as last fetched, do not have."""
    notes = refs.get(NOTES_REF)
    notes_tree = None if notes is None else read_commit(source, notes).tree
    found = {}
    for ref, tree in refs.items():
        if not ref.startswith(INBOX):
            continue
        subject = ObjectId(ref.removeprefix(INBOX).split("/")[0])
        if subject in subjects and not _in_notes(source, notes_tree, subject, tree):
            found[ref] = tree
    return found


def prune(git: Git, source: BatchReader) -> int:
    """Deletes inbox refs that the forge's notes have by now; returns how many."""
    refs = evidence_refs(git)
    inbox = {ref for ref in refs if ref.startswith(INBOX)}
    subjects = {ObjectId(ref.removeprefix(INBOX).split("/")[0]) for ref in inbox}
    done = inbox - undelivered(source, refs, subjects).keys()
    update_refs(git, [(ref, refs[ref], None) for ref in sorted(done)])
    return len(done)


def _in_notes(source: BatchReader, notes_tree: ObjectId | None, subject: ObjectId, tree: ObjectId) -> bool:
    if notes_tree is None:
        return False
    blob = read_note(source, notes_tree, subject)
    if blob is None:
        return False
    line, _ = read_inbox_tree(source, tree)
    return line in parse_note(source.read(blob).data)
