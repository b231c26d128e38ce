"""What the forge would say, said here: the same rules over the forge's side as last fetched.

A preview spares a round trip and gives the same words. It is never the decision: the forge may have
evidence, approvals or a policy that this clone has not fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.target import Target
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError
from lfci_gate.gate.authority import policy_file
from lfci_gate.gate.facts import CONFIG_PATH, Limits, Push
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.gate.protect import Change, changed_parts
from lfci_gate.gate.rules import evaluate
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, RefUpdate, Rule, Verdict
from lfci_gate.patterns import PatternSet


def forge_view(
    git: Git,
    objects: BatchReader,
    target: Target,
    landed: Mapping[str, ObjectId | None],
    tree: ObjectId | None = None,
) -> RepositoryView:
    """The forge as this clone knows it, its own undelivered evidence included.

    Arguments: ``landed`` are values of the forge's refs that are known better than from tracking
    refs, e.g. from a pre-push hook's input; None says that the ref does not exist there.
    """
    refs = evidence_refs(git)
    if target.head_tip is not None:
        refs[target.head] = target.head_tip
    if target.tip is not None:
        refs[target.ref] = target.tip
    for name, oid in landed.items():
        if oid is None:
            refs.pop(name, None)
        else:
            refs[name] = oid
    view = RepositoryView(git=git, objects=objects, refs=refs, head=target.head)
    if tree is not None and target.head not in refs:
        view.bootstrap_policy = policy_file(view, tree, Limits())
    return view


def preview(
    view: RepositoryView, updates: tuple[RefUpdate, ...], now: datetime, limits: Limits | None = None
) -> Verdict:
    """The verdict of the rules. The view's own inbox refs count as delivered."""
    return evaluate(Push(updates, now, limits or Limits()), view)


def subjects(view: RepositoryView, rule: Rule, update: RefUpdate) -> set[ObjectId]:
    """Trees that evidence for this update can be about: each required check's inputs tree of each
    new commit, and the protected parts. What cannot be read names no subjects; the gate will say."""
    found: set[ObjectId] = set()
    assert update.new is not None
    limits = Limits()
    try:
        new = peel(view.objects, update.new)
        commits = {new}
        if rule.scope == "each":
            commits |= set(view.history(update.old, new, limits.new_commits).first_parents)
        for oid in commits:
            tree = read_commit(view.objects, oid).tree
            config = read_file(view.objects, tree, CONFIG_PATH, limits.config_bytes)
            if config is None:
                continue
            for check in parse_project(config).checks:
                found.add(inputs_tree(view.objects, tree, PatternSet(check.inputs)).oid)
        old_tree = None if update.old is None else read_commit(view.objects, update.old).tree
        change = Change(update.ref, new, old_tree, read_commit(view.objects, new).tree)
        found |= {part.to_tree for part in changed_parts(view.objects, change, rule)}
    except LfciError:
        return found
    return found
