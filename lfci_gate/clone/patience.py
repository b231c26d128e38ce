"""Waiting for the forge's fold.

A landing is seen by everybody before its evidence is: the fold writes that into the notes shortly
after, and inbox refs are hidden from fetches. Whoever builds on such a landing would run checks
again that have just been attested, or be told that evidence is missing which the forge has.
"""

from __future__ import annotations

import time

from lfci_gate.clone.evidence import MIRROR, evidence_refs
from lfci_gate.clone.remote import fetch
from lfci_gate.clone.target import Target
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError
from lfci_gate.gate.facts import CONFIG_PATH, LANDED_REF, Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.notes import read_note
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file
from lfci_gate.model import CheckDefinition, ObjectId
from lfci_gate.patterns import PatternSet

_PAUSE_S = 0.15


class Patience:
    """How long one command waits for folds altogether."""

    def __init__(self, git: Git, objects: BatchReader, seconds: float) -> None:
        self._git = git
        self._objects = objects
        self._left_s = seconds

    def try_again(self, place: str, tip: ObjectId | None) -> bool:
        """Whether the evidence of what landed as ``tip`` may be here now, and was not before.

        Arguments: ``place`` is the remote or URL to fetch from. False when the forge has recorded that
        landing, or never records any: then there is nothing to wait for.
        """
        if tip is None or self._left_s <= 0 or not self._unrecorded(tip):
            return False
        started = time.monotonic()
        time.sleep(_PAUSE_S)
        fetch(self._git, place, MIRROR)  # one that fails leaves things as they were
        self._left_s -= time.monotonic() - started
        return True

    def _unrecorded(self, commit: ObjectId) -> bool:
        """The forge keeps records, and has none of this commit yet, as far as fetched."""
        notes = evidence_refs(self._git).get(LANDED_REF)
        if notes is None:
            return False
        return read_note(self._objects, read_commit(self._objects, notes).tree, commit) is None


def landed_with(objects: BatchReader, target: Target, definition: CheckDefinition, inputs: ObjectId) -> bool:
    """Whether the target's tip has the same check of the same inputs: then the forge has taken
    evidence for it."""
    if target.tip is None:
        return False
    try:
        tree = read_commit(objects, target.tip).tree
        config = read_file(objects, tree, CONFIG_PATH, Limits().config_bytes)
        same = None if config is None else parse_project(config).check(definition.name)
        if same is None or same.digest != definition.digest:
            return False
        return inputs_tree(objects, tree, PatternSet(same.inputs)).oid == inputs
    except LfciError:
        return False  # what cannot be told is no reason to wait
