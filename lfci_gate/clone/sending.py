"""The push of a landing, and what its end means. Words are only read where git has no better sign."""

from __future__ import annotations

import re

from lfci_gate.clone.deliver import MARK
from lfci_gate.clone.remote import git_words
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId
from lfci_gate.value import Value

_CODE = re.compile(rb"remote: error\[(LFCI\d{3})\]: ")
_MOVED = "LFCI507"
"""The gate's own word for a ref that moved while it judged."""
_THERE = "LFCI210"
"""Its word for an inbox ref that is there already, among other things: worktrees of one clone may
deliver the same evidence at the same time."""
_HELD = (b"cannot lock ref", b"incorrect old value", b".lock': File exists")
"""Somebody else was writing the ref at that moment."""
_NO_ROOM = b"exists; cannot create"
"""A branch where a folder is needed, or the other way round: that lock is never free."""


class Sent(Value):
    """How a push ended."""

    accepted: bool
    said: tuple[bytes, ...]
    """git's standard error, line by line."""
    rejected: tuple[bytes, ...]
    """Porcelain lines of refs that did not move."""

    @property
    def refused(self) -> bool:
        """The gate said no, for a reason that trying again would not change."""
        return bool(self._codes() - {_MOVED, _THERE})

    @property
    def crossed(self) -> bool:
        """The gate did not take an inbox ref. Pushed again it is left out, if it is there already."""
        return _THERE in self._codes()

    @property
    def busy(self) -> bool:
        """Somebody else was at work there; whether a ref has moved is for a fetch to find out."""
        lines = [line for line in (*self.said, *self.rejected) if _NO_ROOM not in line]
        return bool(self._codes()) or any(sign in line for line in lines for sign in _HELD)

    @property
    def forge_words(self) -> tuple[str, ...]:
        """What the forge printed, as it would print it to any pusher."""
        lines = [line for line in self.said if line.startswith(b"remote: ")]
        return tuple(
            line.decode("ascii", "backslashreplace").removeprefix("remote: ").rstrip() for line in lines
        )

    @property
    def facts(self) -> tuple[str, ...]:
        """What matters of a failure that is no verdict: git's or a hook's last words, and the refs."""
        reasons = [_reason(line) for line in self.rejected if b"atomic push failed" not in line]
        return (*git_words(b"\n".join(self.said)), *reasons[:1])

    def _codes(self) -> set[str]:
        found = (_CODE.match(line) for line in self.said)
        return {match[1].decode() for match in found if match}


def send(git: Git, remote: str, commit: ObjectId, ref: str, evidence: dict[str, ObjectId]) -> Sent:
    """Branch and evidence in one atomic push: both land or neither does."""
    specs = [f"{commit}:{ref}", *(f"{oid}:{name}" for name, oid in sorted(evidence.items()))]
    marked = git.with_env({MARK: "1"})
    # --porcelain: one line a ref on stdout, in words that do not change between versions.
    # --no-follow-tags: what lands is the commit; push.followTags would bring other refs into it.
    status, out, err = marked.status(
        "push", "--atomic", "--porcelain", "--no-follow-tags", remote, *specs, hooks=True
    )
    rejected = tuple(line for line in out.splitlines() if line.startswith(b"!"))
    return Sent(status == 0, tuple(err.splitlines()), rejected)


def _reason(line: bytes) -> str:
    """``!\\t<from>:<to>\\t[rejected] (fetch first)`` without the object's name."""
    _, _, rest = line.decode("ascii", "backslashreplace").partition("\t")
    names, _, why = rest.partition("\t")
    return f"{names.partition(':')[2]}: {why}"
