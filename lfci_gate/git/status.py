"""What differs between HEAD, the index and the working copy, asked so that git runs nothing.

A clone's config can name programs that git starts while it only looks (fsmonitor, filters, hooks).
Whoever fingerprints a working copy must not run what he has not looked at yet, so they are all
switched off here. Nothing is written either: not the index, not its timestamps.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from lfci_gate.errors import Undecided
from lfci_gate.git.names import is_oid
from lfci_gate.git.process import Git
from lfci_gate.git.tree import shown
from lfci_gate.model import ObjectId

__all__ = ["Change", "Place", "Status", "inert", "look", "parse_status"]


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


_TRACKED: Final = (
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",  # counting commits is slow and of no interest
    "--no-renames",  # a rename is a deletion and a new file; finding it reads and compares contents
    "--ignore-submodules=dirty",  # their commit counts; looking inside would start git with their config
    "--untracked-files=no",
)
_UNTRACKED: Final = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/")


def inert(git: Git) -> Git:
    """The same git, with the filters that the clone's config names switched off.

    An empty command is no filter: a file that has one and whose times changed is then compared by
    its bytes on disk, so it is called unchanged only when these are the bytes of the tree.
    fsmonitor and hooks are off already (process.Git); a missing object is not fetched.
    """
    names = {name.rpartition(".")[0] for name in git.settings if name.startswith("filter.")}
    items = [
        (f"{name}.{variable}", value)
        for name in sorted(names)
        for variable, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
    ]
    # By environment: `-c` cannot say names with "=" in them.
    env = {"GIT_CONFIG_COUNT": str(len(items)), "GIT_NO_LAZY_FETCH": "1"}
    for number, (name, value) in enumerate(items):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return git.with_env(env)


def look(git: Git) -> tuple[bytes, bytes]:
    """What changed of the tracked files, and the untracked ones; for :func:`parse_status`.

    Comparing tracked files and reading directories are half of `git status` each; beside each
    other they are done sooner. Arguments: an :func:`inert` git.
    """
    tracked, untracked = git.run_at_once(_TRACKED, _UNTRACKED)
    return tracked, untracked


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
