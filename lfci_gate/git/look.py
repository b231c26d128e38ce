"""What differs between HEAD, the index and the working copy, asked so that git runs nothing.

A clone's config can name programs that git starts while it only looks (fsmonitor, filters, hooks).
Whoever fingerprints a working copy must not run what he has not looked at yet, so they are all
switched off here. Nothing is written either: not the index, not its timestamps.
"""

from __future__ import annotations

from typing import Final

from lfci_gate.git.process import Git

__all__ = ["inert", "look", "look_ahead"]

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
    """What changed of the tracked files, and the untracked ones; for ``status.parse_status``.

    Comparing tracked files and reading directories are half of `git status` each; beside each
    other they are done sooner. Arguments: an :func:`inert` git.
    """
    tracked, untracked = git.run_at_once(_TRACKED, _UNTRACKED)
    return tracked, untracked


def look_ahead(git: Git) -> None:
    """Asks ahead (:meth:`Git.ahead`) what :func:`look` will ask. Arguments: an :func:`inert` git."""
    for command in (_TRACKED, _UNTRACKED):
        git.ahead(*command)
