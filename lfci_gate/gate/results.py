"""Result documents by their sha256, wherever they are: of this push, of the inbox, folded. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from lfci_gate.attest.consistency import disagreements
from lfci_gate.attest.results import parse_result
from lfci_gate.errors import Refusal
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import RESULTS_REF, Limits, View
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.results import read_result
from lfci_gate.model import CheckRun, ObjectId, Policy, ResultDocument, Sha256
from lfci_gate.value import Value


class Results:
    """Finds the document that a run names. Arguments: ``pushed`` are the inbox trees of this push, by
    subject."""

    def __init__(self, view: View, pushed: Mapping[ObjectId, Iterable[ObjectId]], limits: Limits) -> None:
        self._view = view
        self._pushed = pushed
        self._limits = limits

    def read(self, run: CheckRun) -> ResultDocument | None:
        """The document of a run; None when it is nowhere, or what is there under its name is of another
        run: a statement in a trailer may name any document. Raises Refusal LFCI115 when malformed."""
        data = self._bytes(run.inputs_tree, run.result_sha256)
        if data is None:
            return None
        document = parse_result(data)
        return None if disagreements(document, run) else document

    def _bytes(self, subject: ObjectId, name: Sha256) -> bytes | None:
        limit = self._limits.result_bytes
        landed = self._view.ref(RESULTS_REF)
        if landed is not None:
            tree = read_commit(self._view.objects, landed).tree
            data = read_result(self._view.objects, tree, name, limit=limit)
            if data is not None:
                return data
        trees = [*self._pushed.get(subject, ())]
        trees += [tree for _ref, tree in self._view.inbox().get(subject, ())]
        for tree in trees:
            try:
                _line, result = read_inbox_tree(self._view.objects, tree, max_result_bytes=limit)
            except Refusal:
                continue  # a malformed inbox ref holds no document
            if result is not None and hashlib.sha256(result).hexdigest() == name:
                return result
        return None


class Sight(Value):
    """All that tests are compared by."""

    view: View
    book: EvidenceBook
    results: Results
    policy: Policy
    limits: Limits
