"""The fold: inbox refs into the notes, accepted landings into the record. One writer at a time.

Every step may be killed. The inbox refs and the accepted/ entries are the journal: they go only after
what they say is in the notes, so a fold that dies leaves them and the next one takes them.
"""

from __future__ import annotations

import contextlib
import datetime
import time

from lfci_gate import files
from lfci_gate.attest.bundle import parse_note
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.evidence import Candidate, EvidenceBook
from lfci_gate.gate.facts import NOTES_REF, RESULTS_REF, Limits, PolicyFloor
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.inbox import read_delivered
from lfci_gate.gate.memory import remember
from lfci_gate.gate.recording import DROPPED, fold_commit, tip_of
from lfci_gate.gate.recording import record_landings as _record_landings
from lfci_gate.gate.state import ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.notes import read_note, updated_notes_tree
from lfci_gate.git.process import Git
from lfci_gate.git.refs import RefChange, update_refs
from lfci_gate.git.results import updated_results_tree
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId, Policy
from lfci_gate.value import Value

_EXPIRY = datetime.timedelta(days=1)
"""How long evidence that no key of the policy signed may lie in the inbox."""
_MOST_UNVERIFIED = 100
"""How many such inbox refs are kept at most; a flood goes as soon as it is folded."""
_BATCH = 500
_BATCH_BYTES = 64 * 1024 * 1024
"""Inbox refs folded at once, and bytes of their result documents: what is held in memory."""
_NO_LIMIT = 1 << 62
_NOTE_BYTES = 16 * 1024 * 1024
"""Of one note: far more than the gate considers, and far less than stops it from reading."""
_FIRST_BYTES = 4 * 1024 * 1024
"""Of one note, the most that its first bundles may take."""
_PATIENCE_S = 20.0
"""How long the fold of one push goes on folding what later pushes bring; then theirs take over."""


class Folded(Value):
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


def fold(git: Git, *, wait_s: float = 30.0) -> Folded:
    """Folds until nothing is left to fold.

    Arguments: ``wait_s`` is how long to wait for another fold, in seconds; with 0 the other one is
    told to look again, and nothing is lost. Raises Undecided LFCI515 when the lock stays held or the
    evidence refs were moved by somebody else, LFCI502, LFCI513.
    """
    state = ForgeState(git.git_dir)
    wanted = state.directory / "fold-wanted"
    files.write_file(wanted, b"")
    total = Folded()
    until = time.monotonic() + _PATIENCE_S
    # A holder looks at fold-wanted after it has let the lock go, so either it sees ours or we get it.
    while wanted.exists() and (wait_s > 0 or time.monotonic() < until):
        with contextlib.ExitStack() as holding:
            try:
                holding.enter_context(files.locked(state.lock_path, wait_s=wait_s))
            except Undecided as error:
                if error.code == "LFCI515" and wait_s == 0:
                    return total
                raise
            files.remove(wanted)
            total = total.plus(_fold_all(git, state))
    return total


def clock() -> datetime.datetime:
    """The forge's clock, in whole seconds of UTC. Nothing outside of this process can set it."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _fold_all(git: Git, state: ForgeState) -> Folded:
    total = Folded()
    more = True
    while more:
        with open_forge(git) as view:
            done, more = _fold_once(git, view, state)
        total = total.plus(done)
    return total


def _fold_once(git: Git, view: RepositoryView, state: ForgeState) -> tuple[Folded, bool]:
    """One batch; whether there is more in the inbox."""
    now = clock()
    remember(git, view, state)
    policy = rule_02_policy(view, Limits()).policy
    state.raise_floor(PolicyFloor(policy.repository, policy.version))
    sorted_inbox = _sort_inbox(view, policy, state)
    taken = sorted_inbox.taken
    if taken:
        _write_evidence(git, view, taken, now)
    if sorted_inbox.more:
        return Folded(len(taken)), True
    expired, waiting = _expire(git, state, policy, sorted_inbox.refused, now)
    landings = _record_landings(git, view, state, now)
    state.tidy(now - DROPPED)
    return Folded(len(taken), landings, expired, waiting + sorted_inbox.unreadable), False


# -- evidence --------------------------------------------------------------------------------


class _Inbox(Value):
    ref: str
    tree: ObjectId
    subject: ObjectId
    line: bytes
    result: bytes | None


class _Sorted:
    __slots__ = ("more", "refused", "taken", "unreadable")

    def __init__(self) -> None:
        self.taken: list[_Inbox] = []
        """Their evidence is signed by a key of the policy."""
        self.refused: list[tuple[str, ObjectId]] = []
        """Theirs is not, or they are not in form."""
        self.unreadable = 0
        self.more = False


def _sort_inbox(view: RepositoryView, policy: Policy, state: ForgeState) -> _Sorted:
    limits = Limits(verifications=_NO_LIMIT)
    book = EvidenceBook(view, policy, limits, {})
    found = _Sorted()
    held = 0
    for refs in view.inbox().values():
        for ref, tree in refs:
            if len(found.taken) >= _BATCH or held >= _BATCH_BYTES:
                found.more = True
                return found
            try:
                delivered = read_delivered(ref, tree, view.objects, limits)
                try:
                    book.verify(Candidate("inbox", delivered.line))
                except Refusal:
                    if not _counted(state, ref):
                        raise
            except Refusal:
                found.refused.append((ref, tree))
            except Undecided as error:
                if error.code != "LFCI501":
                    raise
                found.unreadable += 1  # its object is damaged: it stays, and does not stop the others
            else:
                found.taken.append(_Inbox(ref, tree, delivered.subject, delivered.line, delivered.result))
                held += len(delivered.line) + len(delivered.result or b"")
    return found


def _counted(state: ForgeState, ref: str) -> bool:
    """Whether a landing counted on this evidence. It was verified then, and is kept whatever the policy
    has become since: the record of that landing names it."""
    with contextlib.suppress(LfciError):  # a journal that cannot be read stops the landings, not the evidence
        return any(ref.endswith("/" + each) for entry in state.accepted() for each in entry.evidence)
    return False


def _write_evidence(git: Git, view: RepositoryView, taken: list[_Inbox], now: datetime.datetime) -> None:
    """Notes, results and the emptied inbox in one step of compare-and-swap. git moves refs before it
    deletes any, so an inbox ref goes only after its note is in, also when git is killed in between."""
    writer = PackWriter(git)
    source = view.objects
    notes, notes_tree = tip_of(view, NOTES_REF)
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
    updates: list[RefChange] = []
    if new_tree != notes_tree:
        commit = fold_commit(writer, new_tree, notes, f"{len(taken)} attestations", now)
        updates.append((NOTES_REF, notes, commit))
    documents = [each.result for each in taken if each.result is not None]
    results, results_tree = tip_of(view, RESULTS_REF)
    new_results = updated_results_tree(source, results_tree, documents, writer.add)
    if new_results is not None and new_results != results_tree:
        commit = fold_commit(writer, new_results, results, f"{len(documents)} result documents", now)
        updates.append((RESULTS_REF, results, commit))
    writer.flush()
    update_refs(git, [*updates, *((each.ref, each.tree, None) for each in taken)])


def _with_line(lines: bytes, line: bytes) -> bytes:
    """The note with the bundle added, once; the same statement under other signatures is kept too,
    since thresholds count keys.

    Of a note that grows beyond all use the first bundles stay, with which the tree landed, and the newest;
    those between are left to the history of the notes ref.
    """
    known = parse_note(lines)
    if line in known:
        return lines
    separator = b"" if not lines or lines.endswith(b"\n") else b"\n"
    grown = lines + separator + line + b"\n"
    if len(grown) <= _NOTE_BYTES:
        return grown
    first = 0
    for _ in range(Limits().first_noted):
        end = grown.index(b"\n", first) + 1
        if end > _FIRST_BYTES:
            break
        first = end
    rest = grown.index(b"\n", len(grown) - (_NOTE_BYTES - first) - 1) + 1
    return grown[:first] + grown[rest:]


# -- expiry ----------------------------------------------------------------------------------------


def _expire(
    git: Git,
    state: ForgeState,
    policy: Policy,
    refused: list[tuple[str, ObjectId]],
    now: datetime.datetime,
) -> tuple[int, int]:
    """Deletes inbox refs that no key of the policy signed, when they have been there for a day or are
    too many: those that were there first stay. The gate passes over the ones that are left."""
    known = state.unverified()
    ages = known[1] if known is not None else {}
    since = {ref: ages.get(ref, now) for ref, _ in refused}
    first = sorted(since, key=lambda ref: (ref not in ages, since[ref], ref))
    left = {ref: since[ref] for ref in first if now - since[ref] < _EXPIRY}
    left = dict(list(left.items())[:_MOST_UNVERIFIED])
    update_refs(git, [(ref, tree, None) for ref, tree in refused if ref not in left])
    if (policy.digest, left) != known and (left or known is not None):
        state.set_unverified(policy.digest, left)
    return len(since) - len(left), len(left)
