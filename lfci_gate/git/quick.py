"""Whether the working copy differs from HEAD, on the hot path: nothing executed, nothing read twice."""

from __future__ import annotations

from lfci_gate.errors import Undecided
from lfci_gate.git.look import inert, look
from lfci_gate.git.process import Git

__all__ = ["maybe_dirty"]


def maybe_dirty(git: Git) -> bool:
    """False only when a snapshot of the working copy would be the tree of HEAD.

    True also where git could not tell, and for touched files whose filter (git-lfs and the like)
    would have to be run to tell. Raises UsageError LFCI510 outside of a working copy.
    """
    try:
        tracked, untracked = look(inert(git))
    except Undecided:
        return True
    return bool(untracked) or any(not line.startswith(b"# ") for line in tracked.split(b"\0")[:-1])
