"""Which files of a working copy git would store with other bytes than they have on disk.

Line ends, `ident`, `working-tree-encoding` and filters (gitattributes, "EFFECTS"). Built-in
conversions are left to git itself, in an index of its own, so there is no second opinion about
them; filters are programs, and those are never run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from lfci_gate.errors import Undecided
from lfci_gate.git.process import Git
from lfci_gate.git.tree import shown
from lfci_gate.model import ObjectId

__all__ = ["Attributes", "attributes_of", "converted", "may_convert", "refuse_filters"]

Attributes = Mapping[str, str]
"""Attribute -> ``unspecified``, ``unset``, ``set`` or its value, as git check-attr prints."""

_ASKED: Final = ("text", "crlf", "eol", "ident", "working-tree-encoding", "filter")
_OFF: Final = ("unspecified", "unset")
_PATHS_A_CALL: Final = 500
# What certainly fits an argument list.

# The private index is written whole and thrown away; nothing beside the real one is made.
_PLAIN_INDEX: Final = (
    *("-c", "core.splitIndex=false", "-c", "core.untrackedCache=false"),
    *("-c", "core.fsync=none"),
)


def attributes_of(git: Git, paths: Sequence[bytes]) -> dict[bytes, Attributes]:
    """The attributes that decide about conversion, for every path. One process."""
    if not paths:
        return {}
    out = git.run("check-attr", "-z", "--stdin", *_ASKED, input=b"".join(path + b"\0" for path in paths))
    fields = out.split(b"\0")[:-1]
    found: dict[bytes, dict[str, str]] = {path: {} for path in paths}
    for path, name, value in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        found[path][os.fsdecode(name)] = os.fsdecode(value)
    return dict(found)


def refuse_filters(git: Git, path: bytes, attributes: Attributes) -> None:
    """Raise Undecided LFCI517 for a file that the clone would put through a program (git-lfs).

    A filter that the config does not define is none: git stores the bytes as they are.

    Arguments:
        git: the clone as its user has it, not an inert one.
    """
    name = attributes["filter"]
    if name in _OFF:
        return
    driver = f"filter.{name}."
    if git.config(driver + "clean") or git.config(driver + "process") or git.flag(driver + "required", False):
        raise Undecided(
            "LFCI517",
            f"{shown(path)} has a filter, and filters are not run",
            facts=(f"filter={ascii(name)[1:-1]} in the attributes of a changed file",),
            hint="git add the file, and git status when it is not changed at all",
        )


def may_convert(git: Git, attributes: Attributes, data: bytes | None) -> bool:
    """Whether git might store other bytes than ``data``, filters aside.

    Arguments:
        git: the clone as its user has it.
        data: the file, None when it is too large to be held; then the attributes decide.
    """
    if attributes["ident"] == "set" or attributes["working-tree-encoding"] not in _OFF:
        return True
    # Towards the store git only ever takes carriage returns away.
    if data is not None and b"\r" not in data:
        return False
    if attributes["text"] == "unset":
        return False
    guessed = git.flag("core.autocrlf", False)  # "input" is true here
    return guessed or any(attributes[name] not in _OFF for name in ("text", "crlf", "eol"))


def converted(git: Git, index: Path, paths: Sequence[bytes]) -> Iterator[tuple[bytes, int, ObjectId]]:
    """Path, mode and blob of files as `git add` would store them. The user's index is not touched.

    Arguments:
        git: an inert one at the top of the working copy.
        index: the user's.
    """
    if not paths:
        return
    import shutil  # only here: two slow imports that few snapshots need
    import tempfile

    with tempfile.TemporaryDirectory(prefix="lfci-index-") as place:
        copy = os.path.join(place, "index")
        if index.exists():
            # What is in the index decides whether line ends of a file are converted at all. With its
            # time: an entry as young as its index is compared by content ("racy git").
            shutil.copy2(index, copy)
        private = git.with_env({"GIT_INDEX_FILE": copy, "GIT_LITERAL_PATHSPECS": "1"})
        wanted = b"".join(path + b"\0" for path in paths)
        private.run(*_PLAIN_INDEX, "update-index", "--add", "-z", "--stdin", input=wanted)
        for start in range(0, len(paths), _PATHS_A_CALL):
            names = [os.fsdecode(path) for path in paths[start : start + _PATHS_A_CALL]]
            for line in private.run("ls-files", "--stage", "-z", "--", *names).split(b"\0")[:-1]:
                facts, _, path = line.partition(b"\t")
                mode, oid, _ = facts.decode("ascii").split(" ")
                yield path, int(mode, 8), ObjectId(oid)
