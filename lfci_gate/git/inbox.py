"""Inbox refs: how evidence arrives (docs/formats.md, "Where attestations live"). Pure.

``refs/lfci/inbox/<subject tree>/<attestation id>`` points to a tree of one or two plain files:
``attestation``, one bundle line and its newline, and for check runs ``result``, the result document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.names import is_oid
from lfci_gate.git.tree import FILE, TreeEntry, format_tree, parse_tree, read_blob
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["INBOX", "build_inbox_tree", "inbox_ref", "parse_inbox_ref", "read_inbox_tree"]

INBOX: Final = "refs/lfci/inbox/"

_ATTESTATION: Final = b"attestation"
_RESULT: Final = b"result"
_MAX_TREE_BYTES: Final = 256
"""Two entries with sha256 names take 98 bytes."""


def inbox_ref(subject_tree: ObjectId, attestation_id: str) -> str:
    """The ref of one attestation. Raises ValueError when a part is no name of its kind."""
    ref = f"{INBOX}{subject_tree}/{attestation_id}"
    if parse_inbox_ref(ref) is None:
        raise ValueError(f"not the parts of an inbox ref: {ref!a}")
    return ref


def parse_inbox_ref(ref: str) -> tuple[ObjectId, str] | None:
    """(subject tree, attestation id); None when ``ref`` is not exactly of the inbox form.

    A ref that starts with INBOX and gives None is malformed, which is the caller's LFCI210.
    """
    subject, slash, identifier = ref.removeprefix(INBOX).partition("/")
    well_formed = ref.startswith(INBOX) and slash and is_oid(subject) and is_oid(identifier, "sha256")
    return (ObjectId(subject), identifier) if well_formed else None


def build_inbox_tree(
    bundle_line: bytes, result: bytes | None, add: Callable[[str, bytes], ObjectId]
) -> ObjectId:
    """Adds the blobs and the tree of one attestation through ``add(kind, data)``; gives the tree.

    Raises ValueError when ``bundle_line`` is empty or holds a newline.
    """
    if not bundle_line or b"\n" in bundle_line:
        raise ValueError("a bundle is one line, given without its newline")
    entries = [TreeEntry(FILE, _ATTESTATION, add("blob", bundle_line + b"\n"))]
    if result is not None:
        entries.append(TreeEntry(FILE, _RESULT, add("blob", result)))
    return add("tree", format_tree(entries))


def read_inbox_tree(
    source: ObjectSource,
    oid: ObjectId,
    *,
    max_bundle_bytes: int = 256 * 1024,
    max_result_bytes: int = 16 * 1024 * 1024,
) -> tuple[bytes, bytes | None]:
    """(bundle line without its newline, result document or None) of an inbox ref's object.

    Raises Refusal LFCI210 when it is anything but the tree that ``build_inbox_tree`` makes, or a
    part is larger than allowed; Undecided LFCI501 when an object is missing.
    """
    try:
        kind, data = source.read(oid, limit=_MAX_TREE_BYTES)
        if kind != "tree":
            raise _malformed(f"it names a {kind}, not a tree")
        entries = {entry.name: entry for entry in parse_tree(data, source.hash_name)}
        if entries.keys() - {_RESULT} != {_ATTESTATION}:
            raise _malformed("its tree holds other names than attestation and result")
        if any(entry.mode != FILE for entry in entries.values()):
            raise _malformed("its tree holds something that is not a plain file")
        line = read_blob(source, entries[_ATTESTATION].oid, _ATTESTATION, max_bundle_bytes + 1)
        result = entries.get(_RESULT)
        document = result and read_blob(source, result.oid, _RESULT, max_result_bytes)
    except Refusal as refusal:
        # One code for whatever is wrong with an inbox ref: the pusher's remedy is the same.
        if refusal.code == "LFCI210":
            raise
        raise _malformed(refusal.message, *refusal.facts) from refusal
    if line.count(b"\n") != 1 or not line.endswith(b"\n") or line == b"\n":
        raise _malformed("the attestation is not exactly one line")
    return line[:-1], document


def _malformed(why: str, *facts: str) -> Refusal:
    return Refusal("LFCI210", f"malformed inbox ref: {why}", facts=facts)
