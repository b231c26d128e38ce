"""The bytes of tree objects: parsing and writing. Pure.

What is well-formed is decided here, once, and has one meaning: entries in git's order, no name
twice, no empty name, no slash, no zero object name, modes as git writes them (octal without
leading zeros), and nothing behind the last entry. Whether names and modes are *safe* is
:mod:`lfci_gate.git.check_tree`'s question, for trees that landed long ago may be odd and still
have to be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from lfci_gate.errors import Refusal
from lfci_gate.git.names import RAW_BYTES, zero_oid
from lfci_gate.model import ObjectId

__all__ = [
    "EXECUTABLE",
    "FILE",
    "GITLINK",
    "SYMLINK",
    "TREE",
    "TreeEntry",
    "format_tree",
    "is_directory",
    "parse_tree",
    "shown",
]

TREE: Final = 0o040000
FILE: Final = 0o100644
EXECUTABLE: Final = 0o100755
SYMLINK: Final = 0o120000
GITLINK: Final = 0o160000


_KIND_BITS: Final = 0o170000
_new_tuple: Final = tuple.__new__
_OCTAL: Final = frozenset(b"01234567")


class TreeEntry(NamedTuple):
    mode: int
    """As in the object, e.g. ``0o100644``; odd ones are kept as they are."""
    name: bytes
    oid: ObjectId


def is_directory(mode: int) -> bool:
    """Whether git takes an entry of this mode for a subtree."""
    return mode & _KIND_BITS == TREE


def shown(path: bytes) -> str:
    """``path`` as printable ASCII for messages: escaped, and shortened in the middle when long."""
    text = repr(path)[2:-1]
    return text if len(text) <= 200 else f"{text[:90]}...{text[-90:]}"


def parse_tree(data: bytes, hash_name: str) -> tuple[TreeEntry, ...]:
    """The entries of a tree object of a ``hash_name`` repository.

    ``format_tree`` of the result gives ``data`` back. Raises Refusal LFCI401 when it is not
    well-formed (gitformat-tree; fsck's badTree, treeNotSorted, duplicateEntries, emptyName,
    fullPathname, nullSha1 and zeroPaddedFilemode).
    """
    raw = RAW_BYTES[hash_name]
    end = len(data)
    find = data.find
    modes: dict[bytes, int] = {b"100644": FILE, b"40000": TREE}
    entries: list[TreeEntry] = []
    names: list[bytes] = []
    directories: list[bytes] = []
    previous = b""
    position = 0
    while position < end:
        # A mode has at most six digits, so a longer search would only be work for an attacker.
        space = find(b" ", position, position + 7)
        nul = find(b"\0", space + 1)
        after = nul + 1 + raw
        if space < 0 or nul <= space + 1 or after > end:
            raise _malformed("cannot be parsed, or has an empty name", previous)
        digits = data[position:space]
        mode = modes.get(digits)
        if mode is None:
            mode = modes[digits] = _parse_mode(digits, previous)
        key = name = data[space + 1 : nul]
        if mode & _KIND_BITS == TREE:
            key += b"/"  # git sorts a subtree as if its name ended in a slash
            directories.append(name)
        if key <= previous:
            raise _malformed("is not sorted, or has a name twice", key)
        names.append(name)
        # What TreeEntry(...) does, at half its cost: this is the hottest line of the gate.
        entries.append(_new_tuple(TreeEntry, (mode, name, data[nul + 1 : after].hex())))
        previous = key
        position = after
    if b"/" in b"\0".join(names):
        raise _malformed("has a name with a slash", next(name for name in names if b"/" in name))
    if directories and len(set(names)) != len(names):
        raise _malformed("has a file and a directory of one name", previous)
    if bytes(raw) in data and any(entry.oid == zero_oid(hash_name) for entry in entries):
        raise _malformed("has an entry that names no object", previous)
    return tuple(entries)


def format_tree(entries: Iterable[TreeEntry]) -> bytes:
    """The tree object of these entries, put into git's order."""
    ordered = sorted(entries, key=lambda each: each.name + b"/" if is_directory(each.mode) else each.name)
    return b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in ordered)


def _parse_mode(digits: bytes, after: bytes) -> int:
    if not digits or digits[0] == 0x30 or not _OCTAL.issuperset(digits):
        raise _malformed("has a mode that is not a plain octal number", after)
    return int(digits, 8)


def _malformed(what: str, near: bytes) -> Refusal:
    return Refusal("LFCI401", f"a tree object {what}", facts=(f"at or after: {shown(near)}",))
