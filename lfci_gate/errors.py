"""The three families of errors, and how they print.

Every error that a user can see carries a stable code ``LFCInnn`` (see
:mod:`lfci_gate.codes`), the facts, and the exact next command. Nobody but ``cli`` and
``gate.receive`` prints or exits.

Exit status (docs/formats.md): 1 refused or failed, 2 usage or configuration, 3 could not
decide.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["LfciError", "Refusal", "Undecided", "UsageError"]


class LfciError(Exception):
    """Base of everything this package raises on purpose.

    Arguments:
        code: ``"LFCI104"``; must be in :data:`lfci_gate.codes.CODES` (a test asserts it).
        message: one line, plain ASCII where it can reach a pusher, no full stop.
        facts: further lines, each one fact ("expected ...", "found ...").
        hint: the exact next command or action; the catalogue's remedy when empty.
    """

    exit_status: ClassVar[int] = 3

    def __init__(self, code: str, message: str, *, facts: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.facts = facts
        self.hint = hint


class Refusal(LfciError):
    """The rules say no, or the check failed. Exit status 1."""

    exit_status = 1


class UsageError(LfciError):
    """The command line, the configuration or the policy is not usable. Exit status 2."""

    exit_status = 2


class Undecided(LfciError):
    """It could not be told. Never cached, never attested, and a push is refused. Exit status 3."""

    exit_status = 3
