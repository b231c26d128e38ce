"""What a change of a ref that does not exist yet is compared with (rules 3, 13 and 14). Pure.

Not simply where it left the branch of HEAD: of a push of several commits only the last one is compared
with what was there before, so the history of that branch holds commits whose protected paths nobody has
approved. Only what was its tip once, as the forge has recorded, is a state that was judged.
"""

from __future__ import annotations

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.statement import parse_statement
from lfci_gate.errors import Refusal
from lfci_gate.gate.facts import View
from lfci_gate.model import Landing, ObjectId


def base_of_new_ref(view: View, tip: ObjectId, new: ObjectId) -> ObjectId:
    """The commit that ``new``, on a ref that does not exist yet, is compared with: where it left the
    history of ``tip``, the tip of the branch of HEAD, when that commit has landed there by itself; else
    ``tip``. Raises Undecided LFCI501."""
    left = view.merge_base(tip, new)
    return left if left is not None and (left == tip or view.has_landed(left)) else tip


def is_landing_on(note: bytes, commit: ObjectId, ref: str) -> bool:
    """Whether a note of the landing record says that ``ref`` has been moved to ``commit``.

    Nobody but the forge writes these notes, so no signature is looked at: a verifier has its own way.
    """
    for line in note.split(b"\n"):
        if not line.startswith(b"{"):
            continue  # the lines for people
        try:
            landing = parse_statement(parse_bundle(line).envelope.payload)
        except Refusal:
            continue
        if isinstance(landing, Landing) and (landing.commit, landing.ref) == (commit, ref):
            return True
    return False
