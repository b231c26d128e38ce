"""Tree objects: parsing, writing, looking up, walking, comparing. Pure over an object source.

Everything that reads trees reads them here, so what is well-formed is decided once and has one
meaning: entries in git's order, no name twice, no empty name, no slash, no zero object name, modes
as git writes them (octal without leading zeros), and nothing behind the last entry. Whether the
names and modes are *safe* is :mod:`lfci_gate.git.check_tree`'s question, for trees that landed long
ago may be odd and still have to be compared.

Pushed trees are hostile: nothing here recurses, every walk counts what it visits (the same
subtree may be referenced exponentially often) and bounds the paths it builds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lfci_gate.errors import Refusal
from lfci_gate.git.names import RAW_BYTES, empty_tree, zero_oid
from lfci_gate.model import ObjectId, ObjectSource

__all__ = [
    "EXECUTABLE",
    "FILE",
    "GITLINK",
    "MAX_ENTRIES",
    "MAX_PATH_BYTES",
    "MAX_TREE_BYTES",
    "SYMLINK",
    "TREE",
    "TreeEntry",
    "diff",
    "format_tree",
    "is_directory",
    "lookup",
    "parse_tree",
    "read_blob",
    "read_file",
    "read_tree",
    "shown",
    "walk",
]

TREE: Final = 0o040000
FILE: Final = 0o100644
EXECUTABLE: Final = 0o100755
SYMLINK: Final = 0o120000
GITLINK: Final = 0o160000

MAX_TREE_BYTES: Final = 8 * 1024 * 1024
"""One tree object: some 150,000 names of usual length, and 100 MB when parsed at the worst."""
MAX_ENTRIES: Final = 2_000_000
"""Entries of one walk, subtrees included."""
MAX_PATH_BYTES: Final = 4096
"""Linux's PATH_MAX; also what keeps a chain of a million nested trees cheap."""

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


def read_tree(source: ObjectSource, oid: ObjectId) -> tuple[TreeEntry, ...]:
    """The entries of the tree ``oid``; the empty tree need not be in the store.

    Raises Refusal LFCI401 when the object is no well-formed tree, LFCI412 above MAX_TREE_BYTES,
    Undecided LFCI501 when it is missing.
    """
    if oid == empty_tree(source.hash_name):
        return ()
    kind, data = source.read(oid, limit=MAX_TREE_BYTES)
    if kind != "tree":
        raise Refusal("LFCI401", f"{oid} is a {kind} where a tree is expected")
    return parse_tree(data, source.hash_name)


def read_blob(source: ObjectSource, oid: ObjectId, path: bytes, limit: int) -> bytes:
    """The bytes of the blob ``oid`` that a tree names at ``path``, at most ``limit`` bytes.

    Raises Refusal LFCI401 when it is no blob, LFCI412 when larger, Undecided LFCI501 when missing.
    """
    try:
        kind, data = source.read(oid, limit=limit)
    except Refusal as refusal:
        facts = (f"path: {shown(path)}", *refusal.facts)
        raise Refusal(refusal.code, refusal.message, facts=facts, hint=refusal.hint) from None
    if kind != "blob":
        raise Refusal("LFCI401", f"{shown(path)}: a {kind} where a file is expected")
    return data


def lookup(source: ObjectSource, tree: ObjectId, path: bytes) -> TreeEntry | None:
    """The entry at ``path`` below ``tree``; None when there is none. Symlinks are not followed.

    Raises what read_tree raises.
    """
    components = path.split(b"/")
    for index, component in enumerate(components):
        entry = next((each for each in read_tree(source, tree) if each.name == component), None)
        if entry is None or index == len(components) - 1:
            return entry
        if not is_directory(entry.mode):
            return None
        tree = entry.oid
    return None


def read_file(source: ObjectSource, tree: ObjectId, path: bytes, limit: int) -> bytes | None:
    """The plain file at ``path``, at most ``limit`` bytes; None when nothing is there.

    Raises Refusal LFCI401 when a symlink, submodule, directory or anything else is there (also
    where a directory of the path should be), LFCI412 when larger, and what read_tree raises.
    """
    components = path.split(b"/")
    for depth in range(1, len(components) + 1):
        here = b"/".join(components[:depth])
        entry = lookup(source, tree, components[depth - 1])
        if entry is None:
            return None
        if depth == len(components):
            if entry.mode not in (FILE, EXECUTABLE):
                raise Refusal("LFCI401", f"{shown(here)}: not a plain file (mode {entry.mode:o})")
            return read_blob(source, entry.oid, path, limit)
        if not is_directory(entry.mode):
            raise Refusal("LFCI401", f"{shown(here)}: not a directory (mode {entry.mode:o})")
        tree = entry.oid
    return None


def walk(
    source: ObjectSource, tree: ObjectId, *, max_entries: int = MAX_ENTRIES
) -> Iterator[tuple[bytes, TreeEntry]]:
    """Every entry below ``tree`` that is no subtree, with its path, in git's order.

    Raises Refusal LFCI411 after ``max_entries`` entries, LFCI401 on a path longer than
    MAX_PATH_BYTES, and what read_tree raises.
    """
    for path, _, entry in diff(source, None, tree, max_entries=max_entries):
        if entry is not None:
            yield path, entry


def diff(
    source: ObjectSource, old: ObjectId | None, new: ObjectId | None, *, max_entries: int = MAX_ENTRIES
) -> Iterator[tuple[bytes, TreeEntry | None, TreeEntry | None]]:
    """What differs between two trees: (path, old entry, new entry), raw names and modes.

    Only entries that are no subtrees are named; equal subtrees are not read. A file that became
    a directory is a removal and additions. Raises as ``walk`` does.
    """
    count = 0
    stack = [(b"", _root(old), _root(new))]
    while stack:
        path, before, after = stack.pop()
        leaf_before = before if before and not is_directory(before.mode) else None
        leaf_after = after if after and not is_directory(after.mode) else None
        if leaf_before or leaf_after:
            yield path, leaf_before, leaf_after
        changes = _changes(_children(source, before), _children(source, after))
        count += len(changes)
        if count > max_entries:
            raise Refusal("LFCI411", f"more than {max_entries} tree entries to read")
        prefix = path + b"/" if path else b""
        room = MAX_PATH_BYTES - len(prefix)
        for name, one, other in reversed(changes):
            if len(name) > room:
                raise Refusal("LFCI401", f"{shown(prefix + name)}: path longer than {MAX_PATH_BYTES} bytes")
            stack.append((prefix + name, one, other))


_Change = tuple[bytes, TreeEntry | None, TreeEntry | None]


def _changes(old: tuple[TreeEntry, ...], new: tuple[TreeEntry, ...]) -> list[_Change]:
    """Names whose entries differ; in git's order where one side is empty, else in order of the names."""
    if not old:
        return [(entry.name, None, entry) for entry in new]
    before = {entry.name: entry for entry in old}
    changes: list[_Change] = []
    for entry in new:
        was = before.pop(entry.name, None)
        if was != entry:
            changes.append((entry.name, was, entry))
    changes += [(entry.name, entry, None) for entry in before.values()]
    return sorted(changes, key=lambda change: change[0])


def _root(tree: ObjectId | None) -> TreeEntry | None:
    return None if tree is None else TreeEntry(TREE, b"", tree)


def _children(source: ObjectSource, entry: TreeEntry | None) -> tuple[TreeEntry, ...]:
    return read_tree(source, entry.oid) if entry and is_directory(entry.mode) else ()


def _parse_mode(digits: bytes, after: bytes) -> int:
    if not digits or digits[0] == 0x30 or not _OCTAL.issuperset(digits):
        raise _malformed("has a mode that is not a plain octal number", after)
    return int(digits, 8)


def _malformed(what: str, near: bytes) -> Refusal:
    return Refusal("LFCI401", f"a tree object {what}", facts=(f"at or after: {shown(near)}",))
