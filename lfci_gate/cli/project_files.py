"""The project's files for `lfci init`: those of HEAD, or of the working copy before the first commit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lfci_gate import files
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file, walk
from lfci_gate.model import ObjectId
from lfci_gate.value import Value

__all__ = ["ProjectFiles", "project_files"]

_FILE_BYTES = 1 << 20


class ProjectFiles(Value):
    where: str
    """``HEAD`` or ``the working copy``."""
    paths: tuple[bytes, ...]
    read: Callable[[bytes], bytes | None]
    """A plain file's bytes; None for anything else, and for a file that is larger than any reader wants."""


def project_files(git: Git, objects: BatchReader) -> ProjectFiles:
    """Raises Refusal LFCI411 for a tree with too many files, Undecided LFCI501."""
    tree = objects.resolve("HEAD^{tree}")
    if tree is not None:
        paths = tuple(path for path, _ in walk(objects, tree))
        return ProjectFiles("HEAD", paths, lambda path: _of_tree(objects, tree, path))
    out = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return ProjectFiles(
        "the working copy", tuple(out.split(b"\0")[:-1]), lambda path: _of_disk(git.toplevel, path)
    )


def _of_tree(objects: BatchReader, tree: ObjectId, path: bytes) -> bytes | None:
    try:
        return read_file(objects, tree, path, _FILE_BYTES)
    except Undecided:
        raise
    except LfciError:
        return None  # a link, or larger than any file that declares something


def _of_disk(top: Path, path: bytes) -> bytes | None:
    try:
        data = files.read_file(top / os.fsdecode(path), _FILE_BYTES)
    except LfciError:
        return None  # a link or no plain file
    return data if data is None or len(data) <= _FILE_BYTES else None
