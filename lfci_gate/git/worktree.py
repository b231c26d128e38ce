"""The working copy as a git tree: what `git add -A && git write-tree` would give, without either.

Nothing that the clone's config names is executed, the user's index is not touched, and only
objects are written. Git finds what changed, changed files are read here, and the trees on the way
to them are written anew; so the cost is that of `git status`.

pygit2 could do this too, but reads 80,000 files slower than git, costs 100 ms to import and knows
no sha256 repositories.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from lfci_gate.errors import LfciError, Undecided
from lfci_gate.git.convert import Attributes, attributes_of, converted, may_convert, refuse_filters
from lfci_gate.git.edit import Leaf, edited_tree
from lfci_gate.git.look import inert, look
from lfci_gate.git.names import empty_tree, is_oid
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.status import Change, Place, Status, parse_status
from lfci_gate.git.tree import EXECUTABLE, FILE, GITLINK, SYMLINK, shown
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId

__all__ = ["snapshot_worktree"]

_HELD_BYTES: Final = 16 << 20
# A larger file is not read by us: git streams it into the store.

_MANY_SHOWN: Final = 5


def snapshot_worktree(git: Git) -> ObjectId:
    """Tree of all tracked and untracked, not ignored files; written to the object store.

    Exactly what `git add -A` would make of them: executable bits, symbolic links, deletions,
    intent-to-add, line ends by attributes and core.autocrlf; entries outside of a sparse checkout
    stay; submodules and repositories inside are gitlinks to their HEAD.

    Raises Undecided LFCI517, and takes no snapshot, for unmerged paths, changed files with a filter
    (git-lfs), files that cannot be read or change meanwhile, and repositories without a commit
    inside; UsageError LFCI510 outside of a working copy; LFCI501, LFCI502, LFCI513 as git fails.
    """
    still = inert(git).at(git.toplevel)
    seen = parse_status(*look(still))
    _refuse_unmerged(seen)
    with BatchReader(still) as reader:
        base = _tree_of(reader, seen)
        if not seen.changes:
            return base
        writer = PackWriter(git, durable=False)
        edits = _Files(git, still, writer).edits(seen.changes)
        tree = edited_tree(reader, base, edits, writer.add)
        writer.flush()
    return tree


def _refuse_unmerged(seen: Status) -> None:
    unmerged = [change.path for change in seen.changes if change.unmerged]
    if unmerged:
        facts = tuple(f"unmerged: {shown(path)}" for path in unmerged[:_MANY_SHOWN])
        raise Undecided("LFCI517", "the working copy has unmerged paths", facts=facts)


def _tree_of(reader: BatchReader, seen: Status) -> ObjectId:
    if seen.head is None:
        return empty_tree(reader.hash_name)
    tree = reader.resolve(f"{seen.head}^{{tree}}")
    if tree is None:
        raise Undecided("LFCI501", f"the tree of commit {seen.head} is missing")
    return tree


class _Files:
    """Changed paths as leaves of a tree."""

    def __init__(self, git: Git, still: Git, writer: PackWriter) -> None:
        self._git = git
        self._still = still
        self._writer = writer
        self._top = os.fsencode(still.directory) + b"/"

    def edits(self, changes: Iterable[Change]) -> dict[bytes, Leaf | None]:
        edits: dict[bytes, Leaf | None] = {}
        files: dict[bytes, int] = {}
        for path, place, mode, oid, _ in changes:
            if place is Place.NOWHERE:
                # It may be there again: deleted from the index, and now untracked.
                edits.setdefault(path, None)
            elif place is Place.INDEX and oid is not None:
                edits[path] = (mode, oid)
            elif mode == GITLINK or path.endswith(b"/"):
                edits[path.rstrip(b"/")] = (GITLINK, self._head_inside(path))
            else:
                files[path] = mode
        edits.update(self._read_all(files))
        return edits

    def _read_all(self, modes: Mapping[bytes, int]) -> dict[bytes, Leaf]:
        """``modes`` are those of the index; 0 for untracked files."""
        found: dict[bytes, Leaf] = {}
        for_git: list[bytes] = []
        attributes = attributes_of(self._still, list(modes))
        for path, mode in modes.items():
            try:
                leaf = self._read(path, mode, attributes[path])
            except OSError as error:
                why = error.strerror or str(error)
                message = f"{shown(path)}: changed meanwhile, or cannot be read"
                raise Undecided("LFCI517", message, facts=(why,)) from error
            if leaf is None:
                for_git.append(path)
            else:
                found[path] = leaf
        for path, mode, oid in converted(self._still, self._git.git_dir / "index", for_git):
            found[path] = (modes[path] or mode, oid)
        return found

    def _read(self, path: bytes, mode: int, attributes: Attributes) -> Leaf | None:
        """The leaf, None when git has to convert the file."""
        info = os.lstat(self._top + path)
        if stat.S_ISLNK(info.st_mode):
            return SYMLINK, self._writer.add("blob", os.readlink(self._top + path))
        if not stat.S_ISREG(info.st_mode):
            raise Undecided("LFCI517", f"{shown(path)} is neither a file nor a link")
        if mode == SYMLINK:
            # core.symlinks=false: the link lies there as a file with its target in it.
            return SYMLINK, self._writer.add("blob", _bytes_of(self._top + path))
        refuse_filters(self._git, path, attributes)
        data = _bytes_of(self._top + path) if info.st_size <= _HELD_BYTES else None
        if may_convert(self._git, attributes, data):
            return None
        oid = self._streamed(path) if data is None else self._writer.add("blob", data)
        return mode or self._mode_of_new(info), oid

    def _mode_of_new(self, info: os.stat_result) -> int:
        executable = info.st_mode & stat.S_IXUSR and self._git.flag("core.fileMode", True)
        return EXECUTABLE if executable else FILE

    def _streamed(self, path: bytes) -> ObjectId:
        args = ("-c", "core.fsync=none", "hash-object", "-w", "--no-filters", "--", os.fsdecode(path))
        return ObjectId(self._still.run(*args).decode("ascii").strip())

    def _head_inside(self, path: bytes) -> ObjectId:
        """The commit that a repository inside the working copy is at."""
        place = Path(os.fsdecode(self._top + path.rstrip(b"/")))
        inside = self._still.at(place)
        try:
            # Else git finds the repository around it, whose HEAD says nothing about this one.
            own = os.path.samefile(inside.toplevel, place)
            head = inside.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1)) if own else b""
        except (LfciError, OSError) as error:
            raise Undecided("LFCI517", f"{shown(path)}: not a repository that can be read") from error
        oid = head.decode("ascii").strip()
        if not is_oid(oid, self._git.hash_name):
            raise Undecided("LFCI517", f"{shown(path)}: a repository without a commit to name")
        return ObjectId(oid)


def _bytes_of(path: bytes) -> bytes:
    # O_NOFOLLOW: what was a file a moment ago must not be read through a link now.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read()
