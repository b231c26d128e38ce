"""A tree laid out as files, straight from its objects.

Never `git archive` and never a checkout: both obey attributes, line-end settings and filters, so
two machines would see two trees. What is written depends on the tree's bytes alone.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.objects import read_many
from lfci_gate.git.tree import MAX_PATH_BYTES, TreeEntry, is_directory, parse_tree, shown
from lfci_gate.model import ObjectId, ObjectSource

__all__ = ["MAX_BLOB_BYTES", "MAX_ENTRIES", "export_tree"]

MAX_ENTRIES: Final = 500_000
"""Most files and directories of one export."""
MAX_BLOB_BYTES: Final = 1 << 30
"""Largest file. It is held in memory once."""
_MAX_PLAN_BYTES: Final = 128 << 20
# All paths together: long names in many places would fill the memory before the disk.

_MTIME_NS: Final = (10**9, 10**9)
# One second after the epoch, as in a Nix store: no time of ours reaches a build.

_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_HERE: Final = frozenset(
    {errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EILSEQ}
    | {errno.ENOENT}
)
# What a file system answers to names that it cannot hold beside each other.


class _Place(NamedTuple):
    path: bytes
    executable: bool
    symlink: bool


class _Plan(NamedTuple):
    directories: list[bytes]
    """Parents first."""
    blobs: dict[ObjectId, list[_Place]]
    """Every object once, with all places where it goes."""


def export_tree(source: ObjectSource, tree: ObjectId, directory: Path) -> None:
    """Write the files of ``tree`` into ``directory``, which is made, or is there and empty.

    Files are byte for byte the blobs, mode 644 or 755; directories are 755; symbolic links are as
    they are; a gitlink is an empty directory, as in a checkout without its submodule. Everything
    has mtime 1. Nobody else may write into ``directory`` meanwhile.

    Raises Refusal LFCI401 for a tree that cannot be laid out (unsafe names, names that collide
    here), LFCI411 or LFCI412 when it is too large, Undecided LFCI517 when ``directory`` is not
    empty, LFCI501 for unreadable objects, LFCI502 without space. Then nothing is left behind.
    """
    plan = _plan(source, tree)
    base = os.fsencode(directory)
    try:
        os.makedirs(base, exist_ok=True)
        occupied = bool(os.listdir(base))
    except OSError as error:
        raise _unwritable(error, base) from error
    if occupied:
        raise Undecided("LFCI517", "the directory to export into is not empty", facts=(str(directory),))
    try:
        _write(source, plan, base)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _plan(source: ObjectSource, tree: ObjectId) -> _Plan:
    """Everything that will be written, so that a hostile name is refused before the first file."""
    plan = _Plan([], {})
    entries = size = 0
    level = [(b"", tree)]
    while level:
        trees = dict(read_many(source, dict.fromkeys(oid for _, oid in level)))
        below: list[tuple[bytes, ObjectId]] = []
        for prefix, oid in level:
            if trees[oid].kind != "tree":
                raise Refusal("LFCI401", f"{shown(prefix)}: a {trees[oid].kind} where a tree must be")
            for entry in parse_tree(trees[oid].data, source.hash_name):
                path = prefix + _safe(entry.name, prefix)
                entries += 1
                size += len(path)
                if entries > MAX_ENTRIES or size > _MAX_PLAN_BYTES:
                    raise Refusal("LFCI411", f"more than {MAX_ENTRIES} files to export, or longer names")
                if is_directory(entry.mode):
                    below.append((path + b"/", entry.oid))
                _place(plan, path, entry)
        level = below
    return plan


def _place(plan: _Plan, path: bytes, entry: TreeEntry) -> None:
    kind = entry.mode & 0o170000
    if is_directory(entry.mode) or kind == 0o160000:
        plan.directories.append(path)
    elif kind in (0o100000, 0o120000):
        # Git takes any other bits of a file's mode for 644 (100664 is in old repositories).
        place = _Place(path, executable=bool(entry.mode & 0o100), symlink=kind == 0o120000)
        plan.blobs.setdefault(entry.oid, []).append(place)
    else:
        raise Refusal("LFCI401", f"{shown(path)}: mode {entry.mode:o}")


def _safe(name: bytes, prefix: bytes) -> bytes:
    # These leave the directory, or make it a repository of their own for whoever runs git in it.
    bad = name in (b"", b".", b"..") or b"/" in name or b"\0" in name or name.lower() == b".git"
    if bad or len(prefix) + len(name) > MAX_PATH_BYTES:
        raise Refusal("LFCI401", f"{shown(prefix + name)}: a name that cannot be exported")
    return name


def _write(source: ObjectSource, plan: _Plan, base: bytes) -> None:
    """Every directory and file is made, never opened: no link of the tree can lead outside,
    whatever order a hostile tree puts them in."""
    root = base + b"/"
    path = base
    try:
        for path in plan.directories:
            os.mkdir(root + path, 0o700)
        for oid, found in read_many(source, plan.blobs, limit=MAX_BLOB_BYTES):
            for place in plan.blobs[oid]:
                path = place.path
                if found.kind != "blob":
                    raise Refusal("LFCI401", f"{shown(path)}: a {found.kind} where a file must be")
                _write_one(root + path, place, found.data)
        # Children first: writing into a directory changes its time.
        for path in reversed(plan.directories):
            _finish(root + path)
        _finish(base)
    except OSError as error:
        raise _unwritable(error, path) from error


def _finish(directory: bytes) -> None:
    os.chmod(directory, 0o755)
    os.utime(directory, ns=_MTIME_NS)


def _write_one(target: bytes, place: _Place, data: bytes) -> None:
    if place.symlink:
        if b"\0" in data:
            raise Refusal("LFCI401", f"{shown(place.path)}: a symbolic link with NUL in its target")
        os.symlink(data, target)
        os.utime(target, ns=_MTIME_NS, follow_symlinks=False)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(target, flags, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        # Not by the mode of open: the umask of whoever runs this must not show in the result.
        os.fchmod(handle, 0o755 if place.executable else 0o644)
        os.utime(handle, ns=_MTIME_NS)
    finally:
        os.close(handle)


def _unwritable(error: OSError, path: bytes) -> LfciError:
    fact = (error.strerror or str(error),)
    if error.errno in _SPACE:
        return Undecided("LFCI502", f"no space to export {shown(path)}", facts=fact)
    if error.errno in _NOT_HERE:
        return Refusal("LFCI401", f"{shown(path)}: cannot be laid out on this file system", facts=fact)
    return Undecided("LFCI505", f"{shown(path)}: cannot be written", facts=fact)
