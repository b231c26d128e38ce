"""Whether the working copy differs from HEAD, on the hot path: one process, nothing executed."""

from __future__ import annotations

from lfci_gate.errors import Undecided
from lfci_gate.git.process import Git
from lfci_gate.git.status import inert, status

__all__ = ["maybe_dirty"]


def maybe_dirty(git: Git) -> bool:
    """False only when a snapshot of the working copy would be the tree of HEAD.

    True also where git could not tell, and for touched files whose filter (git-lfs and the like)
    would have to be run to tell. Raises UsageError LFCI510 outside of a working copy.
    """
    try:
        found = status(inert(git), "normal")
    except Undecided:
        return True
    return any(not line.startswith(b"# ") for line in found.split(b"\0")[:-1])
