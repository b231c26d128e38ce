"""What the project specifies at one moment: tree, flake, lockfiles, lfci's own files.

Pure over an object source: the same tree gives the same snapshot on every machine and in the
forge, whatever is checked out. Lockfiles are found by name anywhere in the tree
(:mod:`lfci_gate.lockfiles.names`); a link, a directory or a submodule of such a name is none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lfci_gate.canonical import digest, is_plain
from lfci_gate.errors import Refusal
from lfci_gate.git import tree as trees
from lfci_gate.git.names import RAW_BYTES, empty_tree
from lfci_gate.lockfiles.names import is_lockfile, may_name_lockfile
from lfci_gate.model import FileDigest, GitObject, LockfileFact, ObjectId, ObjectSource, Sha256, Snapshot

FLAKE_FILES: Final = ("flake.nix", "flake.lock")
CONFIG_FILES: Final = (".lfci/config.toml", ".lfci/policy.toml")

MAX_FILE_BYTES: Final = 64 << 20
"""One lockfile, flake or configuration file."""
MAX_LOCKFILES: Final = 10_000
"""Lockfiles of one tree: a monorepo has hundreds."""
MAX_DIRECTORIES: Final = 200_000
"""Directories of one tree, each counted as often as a path leads to it: the same subtree may be
referenced exponentially often."""


def take_snapshot(source: ObjectSource, tree: ObjectId) -> Snapshot:
    """The snapshot of ``tree``.

    Raises Refusal LFCI401 (malformed tree; flake or configuration that is no plain file), LFCI411
    (too many entries, directories, lockfiles), LFCI412 (a file larger than MAX_FILE_BYTES), LFCI413
    (the path of a lockfile is not plain UTF-8 text); Undecided LFCI501 for a missing object.
    """
    flake = _files(source, tree, FLAKE_FILES)
    config = _files(source, tree, CONFIG_FILES)
    lockfiles = _lockfiles(source, tree)
    document = {
        "tree": tree,
        "flake": {file.path: file.sha256 for file in flake},
        "lockfiles": {file.path: file.sha256 for file in lockfiles},
        "config": {file.path: file.sha256 for file in config},
    }
    return Snapshot(tree, flake, lockfiles, config, digest(document))


def lockfile_facts(source: ObjectSource, tree: ObjectId) -> tuple[LockfileFact, ...]:
    """What an attestation says about the lockfiles of ``tree``, sorted by path.

    No format has a reader yet, so nothing is counted: ``pinned`` and ``unpinned`` are None, which
    is not zero. Raises as :func:`take_snapshot`.
    """
    return tuple(
        LockfileFact(file.path, file.sha256, pinned=None, unpinned=None) for file in _lockfiles(source, tree)
    )


class _Found(NamedTuple):
    path: bytes
    oid: ObjectId


def _files(source: ObjectSource, tree: ObjectId, paths: Iterable[str]) -> tuple[FileDigest, ...]:
    found = ((path, trees.read_file(source, tree, path.encode("ascii"), MAX_FILE_BYTES)) for path in paths)
    return tuple(FileDigest(path, _sha256(data)) for path, data in sorted(found) if data is not None)


def _lockfiles(source: ObjectSource, tree: ObjectId) -> tuple[FileDigest, ...]:
    digests: list[FileDigest] = []
    for path, oid in _find(source, tree):
        if len(digests) == MAX_LOCKFILES:
            raise Refusal("LFCI411", f"more than {MAX_LOCKFILES} lockfiles to read")
        data = trees.read_blob(source, oid, path, MAX_FILE_BYTES)
        digests.append(FileDigest(_text(path), _sha256(data)))
    return tuple(sorted(digests, key=lambda file: file.path))


# -- finding lockfiles --------------------------------------------------------------------


def _find(source: ObjectSource, tree: ObjectId) -> Iterator[_Found]:
    """Every plain file with a lockfile's name, level by level: few round trips for many trees."""
    level = [_Found(b"", tree)] if tree != empty_tree(source.hash_name) else []
    directories = entries = 0
    while level:
        directories += len(level)
        if directories > MAX_DIRECTORIES:
            raise Refusal("LFCI411", f"more than {MAX_DIRECTORIES} directories to read")
        below: list[_Found] = []
        contents = _read_trees(source, [each.oid for each in level])
        for (prefix, oid), data in zip(level, contents, strict=True):
            found = _entries(data, oid, source.hash_name)
            entries += len(found)
            if entries > trees.MAX_ENTRIES:
                raise Refusal("LFCI411", f"more than {trees.MAX_ENTRIES} tree entries to read")
            for mode, name, raw in found:
                if mode == b"40000":
                    below.append(_Found(_joined(prefix, name) + b"/", ObjectId(raw.hex())))
                elif mode not in _LEAVES:
                    raise Refusal("LFCI401", f"{trees.shown(prefix + name)}: odd mode")
                elif may_name_lockfile(name) and mode in _PLAIN and is_lockfile(prefix + name):
                    yield _Found(_joined(prefix, name), ObjectId(raw.hex()))
        level = below


_PLAIN: Final = frozenset({b"100644", b"100755", b"100664"})
# 100664 is in old histories; any other way to write a directory would hide what is below it.
_LEAVES: Final = _PLAIN | {b"120000", b"160000"}
_ENTRY: Final = {
    name: re.compile(rb"([0-7]{1,6}) ([^\0/]+)\0(.{%d})" % raw, re.DOTALL) for name, raw in RAW_BYTES.items()
}
# Possessive: nothing is tried twice, however the bytes were chosen.
_ALL_ENTRIES: Final = {
    name: re.compile(rb"(?:[0-7]{1,6}+ [^\0/]++\0.{%d})*+" % raw, re.DOTALL)
    for name, raw in RAW_BYTES.items()
}


def _entries(data: bytes, oid: ObjectId, hash_name: str) -> list[tuple[bytes, bytes, bytes]]:
    """(mode, name, raw object name) of each entry: a tenth of what the strict parser costs, and all
    that a search for names needs. What it does not read in full is malformed, and refused by that
    parser in its own words; what of it git cannot check out is the gate's rule 5 to say."""
    if _ALL_ENTRIES[hash_name].fullmatch(data) is None:
        trees.parse_tree(data, hash_name)
        raise Refusal("LFCI401", f"tree {oid} is malformed")
    return _ENTRY[hash_name].findall(data)


def _read_trees(source: ObjectSource, oids: list[ObjectId]) -> Iterator[bytes]:
    """The bytes of these trees, in order; in few round trips where the source can do that."""
    many = getattr(source, "read_many", None)
    found: Iterable[tuple[ObjectId, GitObject]]
    if many is not None:
        found = many(oids, limit=trees.MAX_TREE_BYTES)
    else:
        found = ((oid, source.read(oid, limit=trees.MAX_TREE_BYTES)) for oid in oids)
    for oid, (kind, data) in found:
        if kind != "tree":
            raise Refusal("LFCI401", f"{oid} is a {kind} where a tree is expected")
        yield data


def _joined(prefix: bytes, name: bytes) -> bytes:
    path = prefix + name
    if len(path) > trees.MAX_PATH_BYTES:
        raise Refusal("LFCI401", f"{trees.shown(path)}: path longer than {trees.MAX_PATH_BYTES} bytes")
    return path


def _text(path: bytes) -> str:
    """The path as documents carry it: strict UTF-8 without control characters."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None or not is_plain(text):
        raise Refusal(
            "LFCI413", "the path of a lockfile is not plain text", facts=(f"path: {trees.shown(path)}",)
        )
    return text


def _sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())
