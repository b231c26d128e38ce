"""Talking to a remote: fetches that wait for their turn, the branch that its HEAD names, git's words."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

from lfci_gate.git.process import Git

_BUSY = (b"cannot lock ref", b".lock': File exists")
"""Several agents in worktrees of one clone fetch the same refs; whoever comes second is told this."""
_TRIES = 8
_MOST_WORDS = 3
_SERIOUS = ("fatal:", "error:", "remote: error:", "remote: fatal:")
_EMPTY_WORDS = (
    "hint:",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
    "error: failed to push some refs to",
    "To ",
)


def fetch(git: Git, place: str, specs: Iterable[str]) -> bytes | None:
    """Fetches refspecs from a remote or URL; what git said when it failed, else None.

    Neither tags nor FETCH_HEAD change. Refs that another fetch holds are tried again for some seconds.
    """
    err = b""
    for turn in range(_TRIES):
        status, _, err = git.status(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", place, *sorted(specs)
        )
        if status == 0:
            return None
        if not any(sign in err for sign in _BUSY):
            break
        time.sleep(min(0.05 * 2**turn, 0.8) * random.uniform(0.5, 1.5))
    return err


def head_of(git: Git, place: str) -> str | None:
    """The branch that the HEAD of a remote or URL names, asked over the network.

    None when it cannot be asked, names no branch, or names one that does not exist yet: a fetch or a
    push that follows says what is wrong with the remote.
    """
    status, out, _ = git.status("ls-remote", "--symref", place, "HEAD")
    if status != 0:
        return None
    for line in out.decode("utf-8", "surrogateescape").split("\n"):
        pointed, _, name = line.partition("\t")
        if name == "HEAD" and pointed.startswith("ref: refs/heads/"):
            return pointed.removeprefix("ref: ")
    return None


def git_words(err: bytes) -> tuple[str, ...]:
    """What git (or ssh, or a hook) said, without what it says each time; of much, the errors first."""
    lines = [line.rstrip() for line in err.decode("ascii", "backslashreplace").splitlines()]
    said = [line for line in lines if line not in ("", "remote:") and not line.startswith(_EMPTY_WORDS)]
    if len(said) > _MOST_WORDS:
        said.sort(key=lambda line: not line.startswith(_SERIOUS))
    return tuple(said[:_MOST_WORDS])
