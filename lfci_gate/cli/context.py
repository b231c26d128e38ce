"""What a verb may know of its surroundings; everything is looked up when it is first asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from lfci_gate.cli.output import Output

if TYPE_CHECKING:
    from lfci_gate.clone.settings import Settings
    from lfci_gate.git.process import Git

__all__ = ["Context", "utc_now"]


def utc_now() -> datetime:
    """The time, in UTC and whole seconds, as every document has it."""
    return datetime.now(UTC).replace(microsecond=0)


class Context:
    """The process around a verb: environment, directory, clock, output."""

    def __init__(
        self,
        output: Output,
        environ: Mapping[str, str],
        directory: str | os.PathLike[str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.output = output
        self.environ = environ
        self.directory = directory
        self.now = now

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what was asked of git and is no longer wanted."""
        git = self.__dict__.get("git")
        if git is not None:
            git.close()

    @cached_property
    def git(self) -> Git:
        """Git in the current directory; asking it outside a repository raises UsageError LFCI510."""
        from lfci_gate.git.process import Git

        return Git(self.directory, env=self.environ)

    def settings(self, *, key: str | None = None, agent: str | None = None) -> Settings:
        """The client's settings. Arguments: the values of `--key` and `--agent`, None when not given."""
        from lfci_gate.clone.settings import Settings

        return Settings(self.git, self.environ, key, agent)

    @property
    def interactive(self) -> bool:
        """Whether somebody can be asked: stdin and stderr are a terminal."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def ask_passphrase(self) -> Callable[[], bytes] | None:
        """Asks for a key's passphrase without showing it; None when there is no terminal."""
        return _ask_passphrase if self.interactive else None

    def ask(self, question: str) -> str:
        """One line from the terminal; empty at its end. Only where :attr:`interactive`."""
        self.output.err.write(question)
        self.output.err.flush()
        return sys.stdin.readline().strip()


def _ask_passphrase() -> bytes:
    import getpass

    return getpass.getpass("passphrase of the key: ").encode()
