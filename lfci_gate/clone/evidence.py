"""Evidence that this clone holds: its own inbox refs, and the forge's notes as last fetched.

A clone never writes refs/notes/lfci: that is a mirror of the forge's. What it makes itself lies in
inbox refs of the same form that the forge takes, until the forge's notes have it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from lfci_gate.attest.bundle import MAX_SIGNATURES, format_bundle, parse_bundle, parse_note
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.statement import parse_statement, subject_of
from lfci_gate.errors import Refusal
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF, RESULTS_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inbox import INBOX, build_inbox_tree, inbox_ref, parse_inbox_ref, read_inbox_tree
from lfci_gate.git.notes import read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import list_refs, update_refs
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from lfci_gate.value import replace

if TYPE_CHECKING:
    from lfci_gate.clone.target import Target

MIRROR = (f"+{NOTES_REF}*:{NOTES_REF}*", f"+{RESULTS_REF}*:{RESULTS_REF}*")
"""What a clone fetches beside branches; globs, because a forge that has folded nothing yet has none
of them, and git fails on a missing ref that is named outright."""

SEEN = "refs/lfci/seen/"
"""What this clone has seen of its forges (:mod:`lfci_gate.clone.seen`), below each remote's name."""

SEEN_NOTES = {"landed": LANDED_REF, "notes": NOTES_REF, "results": RESULTS_REF}
"""Names below that of what is mirrored."""

EVIDENCE = (INBOX, NOTES_REF, RESULTS_REF, LANDED_REF, SEEN)
"""Where evidence is in a clone."""


def has_one_remote(git: Git) -> bool:
    """Whether the mirrored notes can only be those of one forge."""
    return sum(key.startswith("remote.") and key.endswith(".url") for key in git.settings) == 1


def is_as_seen(refs: Mapping[str, ObjectId], target: Target) -> bool:
    """Whether a forge is, as far as this clone has fetched, exactly as it was last seen; also where nothing
    was ever remembered of it. Arguments: ``refs`` as of :func:`evidence_refs`."""
    place = f"{SEEN}{target.remote}/"
    now = {f"{place}{name}": refs.get(ref) for name, ref in SEEN_NOTES.items()}
    now[f"{place}policy"] = target.head_tip
    for ref, tip in ((target.head, target.head_tip), (target.ref, target.tip)):
        now[f"{place}heads/{ref.removeprefix('refs/heads/')}"] = tip
    return all(oid == now.get(ref, oid) for ref, oid in refs.items() if ref.startswith(place))


def evidence_refs(git: Git) -> dict[str, ObjectId]:
    """This clone's inbox refs, the mirrored notes, and what was seen of them before."""
    return list_refs(git, *EVIDENCE)


def store_evidence(
    git: Git, line: bytes, result: bytes | None, extra: tuple[tuple[str, bytes], ...] = ()
) -> str:
    """Keeps a bundle (and its result document) as an inbox ref; returns the attestation's id.

    Arguments: ``extra`` are further objects to write, e.g. those of the inputs tree, so that its
    name can be looked up with git. Storing the same bundle again changes nothing; the same statement
    with another signature gets both.
    """
    envelope = parse_bundle(line).envelope
    name = attestation_id(envelope)
    ref = inbox_ref(subject_of(parse_statement(envelope.payload)), name)
    held = list_refs(git, ref).get(ref)
    if held is not None:
        line, result = _with_both(git, held, line, result)
    writer = PackWriter(git)
    for kind, data in extra:
        writer.add(kind, data)
    tree = build_inbox_tree(line, result, writer.add)
    writer.flush()
    if held != tree:
        update_refs(git, [(ref, held, tree)])
    return name


def _with_both(git: Git, held: ObjectId, line: bytes, result: bytes | None) -> tuple[bytes, bytes | None]:
    """The bundle with the signatures that are kept already, too; what is kept and is not in form goes."""
    with BatchReader(git) as source:
        try:
            known, document = read_inbox_tree(source, held)
            signatures = parse_bundle(known).envelope.signatures
        except Refusal:
            return line, result
    new = parse_bundle(line)
    if set(new.envelope.signatures) <= set(signatures):
        return known, document if document is not None else result
    both = tuple(dict.fromkeys((*signatures, *new.envelope.signatures)))[:MAX_SIGNATURES]
    merged = replace(new, envelope=replace(new.envelope, signatures=both))
    return format_bundle(merged), result if result is not None else document


def undelivered(
    source: BatchReader, refs: dict[str, ObjectId], subjects: Collection[ObjectId]
) -> dict[str, ObjectId]:
    """Inbox refs about ``subjects`` that the forge's notes, as last fetched, do not have. Refs that are
    not in form are none: the forge would refuse the push that brings them."""
    return {ref: refs[ref] for ref, is_noted in _inbox(source, refs, subjects) if not is_noted}


def prune(git: Git, source: BatchReader) -> int:
    """Deletes inbox refs that the forge's notes have by now; returns how many.

    Raises Undecided LFCI515 when somebody else is deleting them: then none was.
    """
    refs = evidence_refs(git)
    done = sorted(ref for ref, is_noted in _inbox(source, refs, None) if is_noted)
    update_refs(git, [(ref, refs[ref], None) for ref in done])
    return len(done)


def _inbox(
    source: BatchReader, refs: dict[str, ObjectId], subjects: Collection[ObjectId] | None
) -> Iterator[tuple[str, bool]]:
    """Well-formed inbox refs (of ``subjects``, or all), and whether the notes have what they hold."""
    commit = refs.get(NOTES_REF)
    notes = None if commit is None else read_commit(source, commit).tree
    for ref, tree in refs.items():
        parsed = parse_inbox_ref(ref)
        if parsed is None or (subjects is not None and parsed[0] not in subjects):
            continue
        try:
            line, _ = read_inbox_tree(source, tree)
        except Refusal:
            continue
        blob = None if notes is None else read_note(source, notes, parsed[0])
        yield ref, blob is not None and line in parse_note(source.read(blob).data)
