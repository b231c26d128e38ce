"""What git's answers to :mod:`lfci_gate.git.look` say: which paths differ from HEAD, and where from. Pure."""

from __future__ import annotations

import enum
from typing import NamedTuple

from lfci_gate.errors import Undecided
from lfci_gate.git.names import is_oid
from lfci_gate.git.tree import shown
from lfci_gate.model import ObjectId

__all__ = ["Change", "Place", "Status", "parse_status"]


class Place(enum.Enum):
    """Where the new content of a changed path is."""

    NOWHERE = "deleted"
    INDEX = "index"
    FILES = "working copy"


class Change(NamedTuple):
    path: bytes
    """From the top of the working copy; a repository inside it ends in a slash."""
    place: Place
    mode: int
    """Mode for the tree; 0 where git has none yet (untracked)."""
    oid: ObjectId | None
    """For content in the index."""
    unmerged: bool = False


class Status(NamedTuple):
    head: ObjectId | None
    """The commit that everything is compared with; None before the first."""
    changes: tuple[Change, ...]


def parse_status(tracked: bytes, untracked: bytes) -> Status:
    """The meaning of porcelain v2 with -z (git-status, "Porcelain Format Version 2") and a list of paths.

    Raises Undecided LFCI513 for anything that this format does not have.
    """
    head: ObjectId | None = None
    changes: list[Change] = []
    for item in tracked.split(b"\0")[:-1]:
        kind, _, rest = item.partition(b" ")
        try:
            if kind == b"#":
                name, _, value = rest.decode("ascii", "replace").partition(" ")
                if name == "branch.oid" and is_oid(value):
                    head = ObjectId(value)
            elif kind == b"1":
                changes.append(_tracked(rest))
            elif kind == b"u":
                changes.append(Change(rest.split(b" ", 9)[9], Place.FILES, 0, None, unmerged=True))
            else:
                raise ValueError("unknown kind of line")
        except (ValueError, IndexError) as error:
            raise Undecided("LFCI513", f"git status said: {shown(item)}") from error
    changes += [Change(path, Place.FILES, 0, None) for path in untracked.split(b"\0")[:-1]]
    return Status(head, tuple(changes))


def _tracked(line: bytes) -> Change:
    """``XY sub mH mI mW hH hI path``"""
    states, _, _, index_mode, files_mode, _, oid, path = line.split(b" ", 7)
    if files_mode == b"000000":
        return Change(path, Place.NOWHERE, 0, None)
    if states[1:] == b".":
        return Change(path, Place.INDEX, int(index_mode, 8), ObjectId(oid.decode("ascii")))
    return Change(path, Place.FILES, int(files_mode, 8), None)
