"""The record of landings: journal entries into notes, signed by the forge's key. Part of the fold."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from lfci_gate.gate.facts import LANDED_REF
from lfci_gate.gate.landed import landing_note
from lfci_gate.gate.memory import set_tip
from lfci_gate.gate.state import Accepted, ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.commit import Commit, Identity, format_commit
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.notes import read_note, updated_notes_tree
from lfci_gate.git.process import Git
from lfci_gate.git.refs import list_refs, update_refs
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId

DROPPED = datetime.timedelta(hours=1)
"""After this a push that the gate let through, and whose ref did not move, was dropped by git."""


def tip_of(view: RepositoryView, ref: str) -> tuple[ObjectId | None, ObjectId | None]:
    from lfci_gate.gate.objects import read_commit

    commit = view.ref(ref)
    return commit, None if commit is None else read_commit(view.objects, commit).tree


def fold_commit(
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


def record_landings(git: Git, view: RepositoryView, state: ForgeState, now: datetime.datetime) -> int:
    """A signed summary on each landed commit; entries of pushes that git dropped are thrown away."""
    entries = state.accepted()
    if not entries:
        return 0
    unsure = dict.fromkeys(each.ref for each in entries if not each.landed)
    tips = list_refs(git, *unsure) if unsure else {}
    landed = [each for each in entries if each.landed or _contains(git, view, tips.get(each.ref), each.new)]
    if landed:
        _write_landings(git, view, landed, now)
    for each in entries:
        if each in landed or now - each.at > DROPPED:
            # A bypass stays used also where nothing seems to have landed: the ref may have gone back since.
            state.spend(each)
            state.forget(each)
    return len(landed)


def _contains(git: Git, view: RepositoryView, tip: ObjectId | None, new: ObjectId) -> bool:
    """Whether a push landed whose post-receive did not live to say so. Where receive-pack died before the
    gate had answered, not even the objects came out of the quarantine."""
    return tip is not None and (tip == new or (view.objects.exists(new) and is_ancestor(git, new, tip)))


def _write_landings(
    git: Git, view: RepositoryView, landed: Iterable[Accepted], now: datetime.datetime
) -> None:
    from lfci_gate.gate.landed import forge_signer

    signer = forge_signer(git)
    writer = PackWriter(git)
    commit, tree = tip_of(view, LANDED_REF)
    changes: dict[ObjectId, bytes] = {}
    for entry in landed:
        held = changes.get(entry.commit)
        if held is None:
            blob = read_note(view.objects, tree, entry.commit) if tree is not None else None
            held = b"" if blob is None else view.objects.read(blob).data
        changes[entry.commit] = landing_note(held, entry, signer)
    new_tree = updated_notes_tree(view.objects, tree, changes, writer.add)
    if new_tree == tree:
        return
    new = fold_commit(writer, new_tree, commit, f"{len(changes)} landings", now)
    writer.flush()
    update_refs(git, [(LANDED_REF, commit, new)])
    set_tip(ForgeState(git.git_dir), new)
