"""What the forge would say, said here: the same rules over the forge's side as last fetched.

A preview spares a round trip and gives the same words. It is never the decision: the forge may have
evidence, approvals or a policy that this clone has not fetched.
"""

from __future__ import annotations

from datetime import datetime

from lfci_gate.clone.shallow import reaches_the_end
from lfci_gate.clone.view import ForgeView
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.bases import base_of_new_ref
from lfci_gate.gate.facts import CONFIG_PATH, Limits, Push
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.gate.protect import Change, changed_parts
from lfci_gate.gate.rules import evaluate
from lfci_gate.git.history import is_shallow
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, RefUpdate, Rule, Verdict
from lfci_gate.patterns import PatternSet


def preview(
    view: ForgeView, updates: tuple[RefUpdate, ...], now: datetime, limits: Limits | None = None
) -> Verdict:
    """The verdict of the rules. The view's own inbox refs count as delivered.

    Raises Undecided LFCI408 where this clone is shallow and ends among what would be new.
    """
    bounds = limits or Limits()
    for update in updates:
        if update.new is not None and is_shallow(view.git):
            commits = view.history(base_of(view, update), peel(view.objects, update.new), bounds.new_commits)
            if reaches_the_end(view.git, commits.commits):
                raise Undecided("LFCI408", "this clone is shallow, and what is new is not all in it")
    return evaluate(Push(updates, now, bounds), view)


def base_of(view: ForgeView, update: RefUpdate) -> ObjectId | None:
    """What an update is compared with: the old tip; for a new ref as base_of_new_ref says. None for the
    first landing of an empty forge."""
    if update.old is not None:
        return peel(view.objects, update.old)
    tip = view.ref(view.head) if view.head is not None and view.head != update.ref else None
    if tip is None or update.new is None:
        return None
    return base_of_new_ref(view, tip, peel(view.objects, update.new))


def subjects(view: ForgeView, rule: Rule, update: RefUpdate) -> set[ObjectId]:
    """What evidence for this update can be about: each declared check's inputs tree of each commit that
    needs evidence, the protected parts, and the new commit where the rule knows break-glass. What cannot
    be read names no subjects; the gate will say."""
    found: set[ObjectId] = set()
    assert update.new is not None
    limits = Limits()
    try:
        new = peel(view.objects, update.new)
        base = base_of(view, update)
        commits = {new}
        if rule.scope == "each":
            commits |= set(view.history(base, new, limits.new_commits).first_parents)
        for oid in commits:
            tree = read_commit(view.objects, oid).tree
            config = read_file(view.objects, tree, CONFIG_PATH, limits.config_bytes)
            if config is None:
                continue
            for check in parse_project(config).checks:
                found.add(inputs_tree(view.objects, tree, PatternSet(check.inputs)).oid)
        old_tree = None if base is None else read_commit(view.objects, base).tree
        change = Change(update.ref, new, old_tree, read_commit(view.objects, new).tree)
        found |= {part.to_tree for part in changed_parts(view.objects, change, rule)}
        if rule.break_glass is not None:
            found.add(new)
    except LfciError:
        return found
    return found
