"""After a restored backup: landings, evidence and the policy's floor, from a clone that holds newer ones.

Nothing is taken on the clone's word. A landing record counts when a key that the forge trusts signed it,
notes only grow, and a branch only moves forward to where such a record says that it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lfci_gate import files
from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.statement import parse_statement
from lfci_gate.errors import LfciError, Refusal, UsageError
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF, RESULTS_REF
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.memory import remember, set_tip, trusted, written
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.records import NOTE_BYTES, lines_of
from lfci_gate.gate.state import ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.notes import list_notes
from lfci_gate.git.process import Git
from lfci_gate.git.refs import RefChange, list_refs, update_refs
from lfci_gate.model import Landing, ObjectId, PublicKey
from lfci_gate.value import Value

_PLACE = "refs/lfci/recover/"
_EVIDENCE = (LANDED_REF, NOTES_REF, RESULTS_REF)
_BRANCHES = "refs/heads/"


class Recovered(Value):
    """What came back."""

    landings: int
    moved: tuple[tuple[str, ObjectId | None, ObjectId], ...]
    """Refs with what they were and what they are."""
    left: tuple[str, ...]
    """What could not be moved, one line each."""


def recover(git: Git, clone: Path) -> Recovered:
    """Takes over what the clone has more. Raises UsageError LFCI510 when it cannot be fetched from, Refusal
    LFCI103 when a record in it is signed by no key that is trusted here, LFCI410 for malformed notes."""
    state = ForgeState(git.git_dir)
    with files.locked(state.lock_path, wait_s=30.0):
        try:
            _fetch(git, clone)
            with open_forge(git) as view:
                done, changes = _looked(git, view)
            update_refs(git, changes)
            with open_forge(git) as view:
                remember(git, view, state)  # the floor, and what is not lost any more
        finally:
            update_refs(git, [(ref, oid, None) for ref, oid in list_refs(git, _PLACE).items()])
    return done


def accept_loss(git: Git) -> tuple[ObjectId, ...]:
    """Forgets which landing records are gone; returns the tips of the notes that had them."""
    state = ForgeState(git.git_dir)
    with files.locked(state.lock_path, wait_s=30.0):
        known = written(state)
        set_tip(state, known.tip, ())
    return known.lost


def _fetch(git: Git, clone: Path) -> None:
    specs = [f"+refs/{name}/*:{_PLACE}{name}/*" for name in ("notes", "lfci/seen", "heads", "remotes")]
    specs.append(f"+refs/lfci/results*:{_PLACE}lfci/results*")
    # fsckObjects: what no push may bring does not come this way either.
    words = ("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
    status, _, err = git.status(*words, str(clone.resolve()), *specs)
    if status != 0:
        said = err.decode("ascii", "backslashreplace").splitlines()[-1:]
        raise UsageError("LFCI510", f"cannot fetch from {clone}", facts=tuple(said))


def _looked(git: Git, view: RepositoryView) -> tuple[Recovered, list[RefChange]]:
    brought = list_refs(git, _PLACE)
    newest = {ref: _newest(git, view.ref(ref), _candidates(brought, ref)) for ref in _EVIDENCE}
    changes: list[RefChange] = []
    for ref, tip in newest.items():
        if tip is not None and tip != view.ref(ref):
            if ref != RESULTS_REF:
                dict(list_notes(view.objects, read_commit(view.objects, tip).tree))  # well formed, all of it
            changes.append((ref, view.ref(ref), tip))
    landings = tuple(_new_landings(git, view, newest[LANDED_REF]))
    moved, left = _branches(git, landings)
    return Recovered(len(landings), tuple(moved), tuple(left)), [*changes, *moved]


def _candidates(brought: Mapping[str, ObjectId], ref: str) -> list[ObjectId]:
    """What the clone mirrors, and what it has seen before that."""
    seen = {LANDED_REF: "/landed", NOTES_REF: "/notes", RESULTS_REF: "/results"}[ref]
    held = [brought.get(_PLACE + ref.removeprefix("refs/"))]
    held += [
        oid for name, oid in brought.items() if name.startswith(f"{_PLACE}lfci/seen/") and name.endswith(seen)
    ]
    return [oid for oid in held if oid is not None]


def _newest(git: Git, tip: ObjectId | None, candidates: list[ObjectId]) -> ObjectId | None:
    for each in candidates:
        if tip is None or is_ancestor(git, tip, each):
            tip = each
    return tip


def _new_landings(git: Git, view: RepositoryView, tip: ObjectId | None) -> Iterator[Landing]:
    """Landings that are recorded in ``tip`` and not here, each verified."""
    if tip is None:
        return
    here = view.ref(LANDED_REF)
    held = {} if here is None else dict(list_notes(view.objects, read_commit(view.objects, here).tree))
    keys = trusted(git, None)
    for commit, blob in list_notes(view.objects, read_commit(view.objects, tip).tree):
        if held.get(commit) == blob:
            continue
        known = held.get(commit)
        before = b"" if known is None else view.objects.read(known, limit=NOTE_BYTES).data
        after = view.objects.read(blob, limit=NOTE_BYTES).data
        if not after.startswith(before):
            raise Refusal("LFCI410", f"the record of {commit[:12]} was changed in the clone, not added to")
        for line in lines_of(after)[len(lines_of(before)) :]:
            yield _verified(line, commit, keys)


def _verified(line: bytes, commit: ObjectId, keys: Mapping[PublicKey, str]) -> Landing:
    try:
        bundle = parse_bundle(line)
        landing = parse_statement(bundle.envelope.payload) if signed_by(bundle.envelope, keys) else None
    except LfciError:
        landing = None
    if not isinstance(landing, Landing) or landing.commit != commit:
        raise Refusal(
            "LFCI103",
            f"a record of {commit[:12]} in the clone is signed by no key that is trusted here",
            hint="git config --add lfci.forgeKey '<the public key that the forge had>', then again",
        )
    return landing


def _branches(
    git: Git, landings: tuple[Landing, ...]
) -> tuple[list[tuple[str, ObjectId | None, ObjectId]], list[str]]:
    """Branches move to the newest commit that a record says they were at, where that goes forward."""
    newest: dict[str, Landing] = {}
    for landing in landings:
        known = newest.get(landing.ref)
        if known is None or known.verified_at <= landing.verified_at:
            newest[landing.ref] = landing
    tips = list_refs(git, *newest) if newest else {}
    moved: list[tuple[str, ObjectId | None, ObjectId]] = []
    left = []
    for ref, landing in sorted(newest.items()):
        tip = tips.get(ref)
        here = git.status("cat-file", "-e", f"{landing.commit}^{{commit}}")[0] == 0
        if tip == landing.commit or (here and tip is not None and is_ancestor(git, landing.commit, tip)):
            continue
        forward = here and (tip is None or is_ancestor(git, tip, landing.commit))
        if forward and ref.startswith(_BRANCHES):
            moved.append((ref, tip, landing.commit))
        else:
            why = "the commit is not in the clone" if not here else "that is not forward of where it is"
            left.append(f"{ref} landed at {landing.commit}, says its record: {why}")
    return moved, left
