"""The forge as this clone knows it: tracking refs, and the evidence that lies here."""

from __future__ import annotations

from collections.abc import Mapping

from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.target import Target
from lfci_gate.gate.authority import policy_file
from lfci_gate.gate.facts import LANDED_REF, Limits
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId


class ForgeView(RepositoryView):
    """The forge, seen from a clone."""

    @property
    def shallow(self) -> bool:
        """False: that this clone was made with ``--depth`` says nothing about the forge. Where its
        history ends too early for an answer, :func:`lfci_gate.clone.preview.preview` says so."""
        return False

    def has_landed(self, commit: ObjectId) -> bool:
        """True also where this clone has no landing records at all: the forge decides."""
        return self.ref(LANDED_REF) is None or super().has_landed(commit)


def forge_view(
    git: Git,
    objects: BatchReader,
    target: Target,
    landed: Mapping[str, ObjectId | None],
    tree: ObjectId | None = None,
) -> ForgeView:
    """The forge as this clone knows it, its own undelivered evidence included.

    Arguments: ``landed`` are values of the forge's refs that are known better than from tracking
    refs, e.g. from a pre-push hook's input; None says that the ref does not exist there. ``tree`` is
    what is going there: on a forge where no policy has landed it must bring the one in force.
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
    view = ForgeView(git=git, objects=objects, refs=refs, head=target.head)
    if tree is not None:
        view.bootstrap_policy = policy_file(view, tree, Limits())
    return view
