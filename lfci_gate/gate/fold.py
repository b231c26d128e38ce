"""The fold: inbox refs into the notes, accepted landings into the record. One writer at a time.

Every step may be killed. The inbox refs and the accepted/ entries are the journal: they go only after
what they say is in the notes, so a fold that dies leaves them and the next one takes them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from lfci_gate import files
from lfci_gate.attest.bundle import parse_note
from lfci_gate.errors import Refusal, Undecided
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.evidence import Candidate, Evidence, EvidenceBook
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF, RESULTS_REF, Limits, PolicyFloor
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.landed import landing_note
from lfci_gate.gate.state import Accepted, ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.notes import read_note, updated_notes_tree
from lfci_gate.git.process import Git
from lfci_gate.git.refs import update_refs
from lfci_gate.git.results import updated_results_tree
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId, Policy

_EXPIRY = datetime.timedelta(days=1)
"""How long evidence that no key of the policy signed may lie in the inbox."""
_BATCH = 500
"""Inbox refs folded at once."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What one fold did, in counts."""

    attestations: int = 0
    landings: int = 0
    expired: int = 0
    waiting: int = 0

    def plus(self, other: Folded) -> Folded:
        return Folded(
            self.attestations + other.attestations,
            self.landings + other.landings,
            self.expired + other.expired,
            other.waiting,
        )


def fold(git: Git, *, moved: set[tuple[str, ObjectId]] | None = None, wait_s: float = 30.0) -> Folded:
    """Folds until nothing is left to fold.

    Arguments: ``moved`` are (ref, new) pairs that git just reported as landed; ``wait_s`` is how
    long to wait for another fold, in seconds; with 0 the other one is told to look again, and
    nothing is lost. Raises Undecided LFCI515 when the lock stays held, LFCI502, LFCI513.
    """
    state = ForgeState(git.git_dir)
    wanted = state.directory / "fold-wanted"
    files.write_file(wanted, b"")
    total = Folded()
    while wanted.exists():
        try:
            with files.locked(state.lock_path, wait_s=wait_s):
                files.remove(wanted)
                total = total.plus(_fold_all(git, state, moved or set()))
        except Undecided as error:
            if error.code == "LFCI515" and wait_s == 0.0:
                return total  # the holder sees fold-wanted after it is done
            raise
    return total


def _fold_all(git: Git, state: ForgeState, moved: set[tuple[str, ObjectId]]) -> Folded:
    total = Folded()
    while True:
        with open_forge(git) as view:
            done = _fold_once(git, view, state, moved)
        total = total.plus(done)
        if done.attestations < _BATCH:
            return total


def _fold_once(git: Git, view: RepositoryView, state: ForgeState, moved: set[tuple[str, ObjectId]]) -> Folded:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    policy = rule_02_policy(view, Limits()).policy
    state.raise_floor(PolicyFloor(policy.repository, policy.version))
    taken, refused = _sort_inbox(view, policy)
    if taken:
        _write_evidence(git, view, taken, now)
        update_refs(git, [(each.ref, each.tree, None) for each in taken])
    expired, waiting = _expire(git, state, refused, now)
    landings = _record_landings(git, state, moved, now)
    return Folded(len(taken), landings, expired, waiting)


# -- evidence --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Inbox:
    ref: str
    tree: ObjectId
    subject: ObjectId
    line: bytes
    result: bytes | None
    evidence: Evidence


def _sort_inbox(view: RepositoryView, policy: Policy) -> tuple[list[_Inbox], list[tuple[str, ObjectId]]]:
    """Inbox refs whose evidence a key of the policy signed, and the others."""
    limits = Limits(verifications=1_000_000, candidates=1_000_000)
    book = EvidenceBook(view, policy, limits, {})
    taken: list[_Inbox] = []
    refused: list[tuple[str, ObjectId]] = []
    for subject, refs in view.inbox().items():
        for ref, tree in refs:
            if len(taken) >= _BATCH:
                return taken, refused
            try:
                line, result = read_inbox_tree(
                    view.objects,
                    tree,
                    max_bundle_bytes=limits.bundle_bytes,
                    max_result_bytes=limits.result_bytes,
                )
                evidence = book.verify(Candidate("inbox", line))
                taken.append(_Inbox(ref, tree, subject, line, result, evidence))
            except Refusal:
                refused.append((ref, tree))
    return taken, refused


def _write_evidence(git: Git, view: RepositoryView, taken: list[_Inbox], now: datetime.datetime) -> None:
    """Notes and results in one step of compare-and-swap; nobody else writes these refs."""
    writer = PackWriter(git)
    source = view.objects
    notes, notes_tree = _tip(view, NOTES_REF)
    changes: dict[ObjectId, bytes] = {}
    for each in taken:
        lines = changes.get(each.subject)
        if lines is None:
            lines = b""
            held = read_note(source, notes_tree, each.subject) if notes_tree is not None else None
            if held is not None:
                lines = source.read(held).data
        changes[each.subject] = _with_line(lines, each.line)
    new_tree = updated_notes_tree(source, notes_tree, changes, writer.add)
    updates = []
    if new_tree != notes_tree:
        commit = _commit(writer, new_tree, notes, f"{len(taken)} attestations", now)
        updates.append((NOTES_REF, notes, commit))
    documents = [each.result for each in taken if each.result is not None]
    results, results_tree = _tip(view, RESULTS_REF)
    new_results = updated_results_tree(source, results_tree, documents, writer.add)
    if new_results is not None and new_results != results_tree:
        commit = _commit(writer, new_results, results, f"{len(documents)} result documents", now)
        updates.append((RESULTS_REF, results, commit))
    writer.flush()
    update_refs(git, updates)


def _with_line(lines: bytes, line: bytes) -> bytes:
    """The note with the bundle added, once; the same statement under other signatures is kept too,
    since thresholds count keys."""
    known = parse_note(lines)
    if line in known:
        return lines
    separator = b"" if not lines or lines.endswith(b"\n") else b"\n"
    return lines + separator + line + b"\n"


def _tip(view: RepositoryView, ref: str) -> tuple[ObjectId | None, ObjectId | None]:
    from lfci_gate.gate.objects import read_commit

    commit = view.ref(ref)
    return commit, None if commit is None else read_commit(view.objects, commit).tree


def _commit(
    writer: PackWriter,
    tree: ObjectId,
    parent: ObjectId | None,
    message: str,
    now: datetime.datetime,
) -> ObjectId:
    who = Identity(b"lfci-gate", b"lfci-gate@localhost", int(now.timestamp()), b"+0000")
    parents = () if parent is None else (parent,)
    commit = Commit(tree, parents, who, who, f"Fold: {message}\n".encode())
    return writer.add("commit", format_commit(commit))


# -- expiry ----------------------------------------------------------------------------------------


def _expire(
    git: Git, state: ForgeState, refused: list[tuple[str, ObjectId]], now: datetime.datetime
) -> tuple[int, int]:
    """Deletes inbox refs that no key of the policy signed and that lay there for a day."""
    try:
        known = state.unverified_since()
    except Undecided:
        known = {}
    since = {ref: known.get(ref, now) for ref, _ in refused}
    old = [(ref, tree) for ref, tree in refused if now - since[ref] >= _EXPIRY]
    if old:
        update_refs(git, [(ref, tree, None) for ref, tree in old])
    left = {ref: moment for ref, moment in since.items() if now - moment < _EXPIRY}
    if left != known:
        state.set_unverified(left)
    return len(old), len(left)


# -- landings ----------------------------------------------------------------------------------------


def _record_landings(
    git: Git, state: ForgeState, moved: set[tuple[str, ObjectId]], now: datetime.datetime
) -> int:
    """A signed summary on each landed commit; entries of pushes that git dropped are thrown away."""
    entries = state.accepted()
    landed = [each for each in entries if _has_landed(git, each, moved)]
    if landed:
        _write_landings(git, landed, now)
    for each in entries:
        if each in landed or now - each.at > _EXPIRY:
            state.forget(each)
    return len(landed)


def _has_landed(git: Git, entry: Accepted, moved: set[tuple[str, ObjectId]]) -> bool:
    if (entry.ref, entry.new) in moved:
        return True
    from lfci_gate.git.refs import read_ref

    tip = read_ref(git, entry.ref)
    return tip is not None and (tip == entry.new or is_ancestor(git, entry.new, tip))


def _write_landings(git: Git, landed: Iterable[Accepted], now: datetime.datetime) -> None:
    from lfci_gate.gate.landed import forge_signer

    signer = forge_signer(git)
    with open_forge(git) as view:
        writer = PackWriter(git)
        commit, tree = _tip(view, LANDED_REF)
        changes: dict[ObjectId, bytes] = {}
        for entry in landed:
            held = changes.get(entry.new)
            if held is None:
                blob = read_note(view.objects, tree, entry.new) if tree is not None else None
                held = b"" if blob is None else view.objects.read(blob).data
            changes[entry.new] = landing_note(held, entry, signer)
        new_tree = updated_notes_tree(view.objects, tree, changes, writer.add)
        if new_tree == tree:
            return
        new = _commit(writer, new_tree, commit, f"{len(changes)} landings", now)
        writer.flush()
        update_refs(git, [(LANDED_REF, commit, new)])
