"""What a user names on the command line, as objects."""

from __future__ import annotations

from lfci_gate.errors import UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId


def commit_named(objects: BatchReader, rev: str, *, hint: str = "") -> ObjectId:
    """The commit that ``rev`` names. Raises UsageError LFCI514, with ``hint`` as the next command."""
    found = objects.resolve(f"{rev}^{{commit}}")
    if found is None:
        raise UsageError("LFCI514", f"there is no commit {rev}", hint=hint)
    return found
