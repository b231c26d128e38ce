"""The tree of `refs/lfci/results`: result documents by sha256 at ``ab/cdef...``. Pure.

One document is 62 hex digits in one of 256 folders, so a fold rewrites few and small trees, and
identical documents are stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from lfci_gate.git.tree import TreeEntry, format_tree, lookup, parse_tree
from lfci_gate.model import ObjectId, ObjectSource, Sha256


def read_result(source: ObjectSource, tree: ObjectId, name: Sha256, *, limit: int) -> bytes | None:
    """The document of this name; None when it is not there or its bytes are not that sha256.

    Arguments: ``limit`` in bytes. Raises Refusal LFCI412 when larger, Undecided LFCI501.
    """
    entry = lookup(source, tree, _path(name))
    if entry is None or entry.mode != 0o100644:
        return None
    data = source.read(entry.oid, limit=limit).data
    return data if hashlib.sha256(data).hexdigest() == name else None


def updated_results_tree(
    source: ObjectSource,
    tree: ObjectId | None,
    documents: Iterable[bytes],
    add: Callable[[str, bytes], ObjectId],
) -> ObjectId | None:
    """The tree with the documents added; the same tree when all are there already, None when there
    is nothing to store at all. ``add`` stores an object and returns its name."""
    folders: dict[bytes, dict[bytes, bytes]] = {}
    for document in documents:
        path = _path(Sha256(hashlib.sha256(document).hexdigest()))
        folders.setdefault(path[:2], {})[path[3:]] = document
    if not folders:
        return tree
    root = {} if tree is None else _entries(source, tree)
    for folder, files in folders.items():
        held = root.get(folder)
        entries = {} if held is None else _entries(source, held.oid)
        for name, document in files.items():
            entries[name] = TreeEntry(0o100644, name, add("blob", document))
        root[folder] = TreeEntry(0o40000, folder, add("tree", _format(entries)))
    return add("tree", _format(root))


def _path(name: Sha256) -> bytes:
    return f"{name[:2]}/{name[2:]}".encode()


def _entries(source: ObjectSource, tree: ObjectId) -> dict[bytes, TreeEntry]:
    data = source.read(tree).data
    return {entry.name: entry for entry in parse_tree(data, source.hash_name)}


def _format(entries: dict[bytes, TreeEntry]) -> bytes:
    # Names are hex of one length in each tree, so plain order is git's order.
    return format_tree(tuple(entries[name] for name in sorted(entries)))
