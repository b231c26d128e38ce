"""Clones made with ``--depth``: which commits have parents that are not here."""

from __future__ import annotations

from collections.abc import Iterable

from lfci_gate import files
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId

_MAX_BYTES = 64 << 20


def reaches_the_end(git: Git, commits: Iterable[ObjectId]) -> bool:
    """Whether one of ``commits`` is where the history of this clone was cut off (gitformat-shallow,
    the file ``shallow``): what lies behind it cannot be judged or replayed here."""
    data = files.read_file(git.common_dir / "shallow", _MAX_BYTES)
    if not data:
        return False
    cut = set(data.decode("ascii", "replace").split())
    return any(commit in cut for commit in commits)
