"""Names of git objects: computed, recognised, and the two that everybody knows.

Pure. A repository has one hash function, ``sha1`` or ``sha256``; an object's name is that hash
over ``<kind> <size>\\0<bytes>`` (gitformat-pack, "object names").
"""

from __future__ import annotations

import hashlib
from typing import Final

from lfci_gate.model import ObjectId

__all__ = ["HEX_DIGITS", "KINDS", "RAW_BYTES", "empty_tree", "is_oid", "oid_of", "zero_oid"]

HEX_DIGITS: Final = {"sha1": 40, "sha256": 64}
"""Hash name -> length of an object name in hex digits."""

RAW_BYTES: Final = {"sha1": 20, "sha256": 32}
"""Hash name -> length of an object name in bytes, as tree entries hold it."""

KINDS: Final = ("commit", "tree", "blob", "tag")
"""The four kinds of object."""

_HEX: Final = frozenset("0123456789abcdef")


def oid_of(kind: str, data: bytes, hash_name: str) -> ObjectId:
    """Name of the object with this kind and these bytes in a ``hash_name`` repository.

    Raises ValueError for a kind or hash name that git does not have.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of git object: {kind!r}")
    if hash_name == "sha1":
        # git's names, not a choice of ours: sha1 repositories name objects by sha1.
        digest = hashlib.sha1(b"%s %d\0" % (kind.encode("ascii"), len(data)), usedforsecurity=False)
    elif hash_name == "sha256":
        digest = hashlib.sha256(b"%s %d\0" % (kind.encode("ascii"), len(data)))
    else:
        raise ValueError(f"no such git hash: {hash_name!r}")
    digest.update(data)
    return ObjectId(digest.hexdigest())


def is_oid(text: str, hash_name: str | None = None) -> bool:
    """Whether ``text`` is a full lower-case hex object name, of either hash when none is named.

    Upper case and abbreviations are not names: two spellings of one object must not exist here.
    """
    if hash_name is None:
        right_length = len(text) in HEX_DIGITS.values()
    else:
        right_length = len(text) == HEX_DIGITS[hash_name]
    return right_length and _HEX.issuperset(text)


def zero_oid(hash_name: str) -> ObjectId:
    """The all-zero name: "does not exist" in ref updates."""
    return ObjectId("0" * HEX_DIGITS[hash_name])


_EMPTY_TREES: Final = {name: oid_of("tree", b"", name) for name in HEX_DIGITS}


def empty_tree(hash_name: str) -> ObjectId:
    """Name of the tree without entries. Git knows it also where it was never written."""
    return _EMPTY_TREES[hash_name]
