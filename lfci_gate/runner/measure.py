"""How much a tree becomes when it is laid out as files, before it is. Pure."""

from __future__ import annotations

from lfci_gate.errors import Refusal
from lfci_gate.git.export import MAX_ENTRIES
from lfci_gate.git.tree import is_directory, parse_tree
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["refuse_large"]

_MAX_TREES = 200_000
_MAX_DEPTH = 512


def refuse_large(source: ObjectSource, tree: ObjectId, most_bytes: int) -> None:
    """Refuses a tree whose files are together larger than ``most_bytes``, or too many.

    Every subtree is read once, however often it is named: a few of them can unfold to more than any disk
    holds. Raises Refusal LFCI411 or LFCI412, LFCI401 for a malformed tree, Undecided LFCI501.
    """
    measured: dict[ObjectId, tuple[int, int]] = {}

    def measure(oid: ObjectId, depth: int) -> tuple[int, int]:
        found = measured.get(oid)
        if found is not None:
            return found
        if depth > _MAX_DEPTH or len(measured) > _MAX_TREES:
            raise Refusal("LFCI411", "the tree has more directories than a runner reads")
        entries = size = 0
        for entry in parse_tree(source.read(oid).data, source.hash_name):
            entries += 1
            if is_directory(entry.mode):
                below = measure(entry.oid, depth + 1)
                entries, size = entries + below[0], size + below[1]
            elif entry.mode & 0o170000 != 0o160000:
                size += source.stat(entry.oid)[1]
        measured[oid] = entries, size
        return entries, size

    entries, size = measure(tree, 0)
    if entries > MAX_ENTRIES:
        raise Refusal("LFCI411", f"the tree has more than {MAX_ENTRIES} files and directories")
    if size > most_bytes:
        raise Refusal(
            "LFCI412", "the tree is larger than this runner takes", facts=(f"limit {most_bytes} bytes",)
        )
