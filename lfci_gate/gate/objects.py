"""Reading commits and tags as the rules need them. Pure over the object source."""

from __future__ import annotations

import hashlib

from lfci_gate.errors import Refusal
from lfci_gate.git.commit import Commit, parse_commit, parse_tag
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, ObjectSource

_MAX_TAG_DEPTH = 8
_FILE_BYTES = 64 * 1024 * 1024


def read_commit(source: ObjectSource, oid: ObjectId) -> Commit:
    """Raises Refusal LFCI402 when malformed, LFCI403 when it is no commit."""
    kind, data = source.read(oid)
    if kind != "commit":
        raise Refusal("LFCI403", f"{oid} is a {kind}, not a commit")
    return parse_commit(data, source.hash_name)


def peel(source: ObjectSource, oid: ObjectId) -> ObjectId:
    """The commit that a tag leads to. Raises Refusal LFCI402 (malformed tag), LFCI403."""
    said = None
    for _ in range(_MAX_TAG_DEPTH):
        kind, data = source.read(oid)
        if said not in (None, kind):
            raise Refusal("LFCI402", f"malformed tag: it calls {oid} a {said}, which is a {kind}")
        if kind != "tag":
            return oid
        tag = parse_tag(data, source.hash_name)
        oid, said = tag.target, tag.kind
    raise Refusal("LFCI403", "a tag of a tag of a tag, too deep")


def file_sha256(source: ObjectSource, tree: ObjectId, path: str) -> str | None:
    """sha256 of a plain file of ``tree``. None where the tree has no such plain file: an attestation
    may name anything, and what one of them says wrongly must not stand in the way of the others."""
    try:
        data = read_file(source, tree, path.encode(), _FILE_BYTES)
    except Refusal:
        return None
    return None if data is None else hashlib.sha256(data).hexdigest()
