"""What the next commit would hold: the tree of the index, also while `git commit` is at work on one of
its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from lfci_gate import files
from lfci_gate.errors import Undecided
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId

_MAX_BYTES = 1 << 30


def staged_tree(git: Git, environ: Mapping[str, str]) -> ObjectId:
    """The tree, written to the object store. The index itself is not touched: git keeps what it learns
    while writing a tree in the index that it reads, so it gets a copy.

    Arguments: ``environ`` is the hook's: `git commit -a` and `git commit FILE` name the index that they
    are about to commit in GIT_INDEX_FILE. Raises Undecided LFCI517 for unmerged paths.
    """
    named = environ.get("GIT_INDEX_FILE")
    # Relative to where git runs its hooks, which is where we are started.
    path = git.git_dir / "index" if not named else git.directory / named
    data = files.read_file(path, _MAX_BYTES)
    with tempfile.TemporaryDirectory(prefix="lfci-index-") as place:
        copy = Path(place) / "index"
        if data is not None:
            copy.write_bytes(data)
        status, out, err = git.with_env({"GIT_INDEX_FILE": str(copy)}).status("write-tree")
    if status != 0:
        lines = err.decode("ascii", "backslashreplace").splitlines()
        raise Undecided("LFCI517", "what is staged is no tree yet", facts=tuple(lines[:3]))
    return ObjectId(out.decode("ascii").strip())
