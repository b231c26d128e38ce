"""Gates that can be attacked. A target makes a bare repository with its gate, and reads its answers.

See README.md for how to write another one.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Protocol

from lfci_gate.gate.fold import fold
from lfci_gate.git.process import Git
from tests.support.forge import new_forge


class Target(Protocol):
    """One kind of gate."""

    name: str
    judges: bool
    """Whether refusals are its own to make; without, the kit only looks what git takes."""

    def install(self, path: Path, policy: bytes, object_format: str) -> None:
        """Makes the bare repository ``path`` with the gate in it, HEAD on ``refs/heads/main``."""

    def codes(self, output: str) -> set[str]:
        """Stable codes of refusal in what the pusher reads."""

    def settle(self, path: Path) -> None:
        """Finishes what the gate does after an accepted push."""

    def waiting(self, path: Path) -> list[str]:
        """What an accepted push left to do, after :meth:`settle`: nothing, when all is well."""


class Lfci:
    """This package."""

    name = "lfci"
    judges = True

    def install(self, path: Path, policy: bytes, object_format: str) -> None:
        new_forge(path, policy, object_format=object_format)

    def codes(self, output: str) -> set[str]:
        return set(re.findall(r"error\[(LFCI\d+)\]", output))

    def settle(self, path: Path) -> None:
        fold(Git(path))

    def waiting(self, path: Path) -> list[str]:
        refs = _git(path, "for-each-ref", "--format=%(refname)", "refs/lfci/inbox").split()
        return refs + [str(each) for each in path.glob("lfci/accepted/*")]


class NoGate:
    """A bare repository with git's own checks only, as a careful operator sets them."""

    name = "none"
    judges = False

    def install(self, path: Path, policy: bytes, object_format: str) -> None:
        path.mkdir(parents=True)
        _git(path, "init", "-q", "--bare", "-b", "main", f"--object-format={object_format}", ".")
        for name, value in {
            "receive.fsckObjects": "true",
            "receive.shallowUpdate": "false",
            "receive.denyNonFastForwards": "true",
            "receive.denyDeletes": "true",
            "receive.advertiseAtomic": "true",
        }.items():
            _git(path, "config", name, value)

    def codes(self, output: str) -> set[str]:
        return set()

    def settle(self, path: Path) -> None:
        """Nothing happens after a push."""

    def waiting(self, path: Path) -> list[str]:
        return []


TARGETS: dict[str, Target] = {each.name: each for each in (Lfci(), NoGate())}


def _git(path: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=path, capture_output=True, text=True, check=True)
    return done.stdout
