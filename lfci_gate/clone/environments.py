"""The environments that checks of a session ran in: numbered, kept from the garbage collector, and one of
them current, as in a profile of Nix.

One file for each session (``<common git dir>/lfci/environments/<session id>.json``), and one for runs
outside of sessions. An environment gets a number when a check first runs in it; going back makes an
older one current and forgets none.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields, format_time
from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.model import ObjectId
from lfci_gate.value import Value

__all__ = ["NO_SESSION", "Environment", "Profile", "profiles"]

NO_SESSION = "no-session"
_SCHEMA = "lfci.environments/1"
_CODE = "LFCI509"
_MAX_BYTES = 4 << 20
_MAX_KEPT = 1000
"""Environments of one profile; the oldest goes when there are more."""


class Environment(Value):
    """One generation of a profile."""

    number: int
    """Counts from 1 and is never used again."""
    env_drv: str
    """The derivation of the environment."""
    check: str
    shell: str
    """Of which dev shell of the flake."""
    tree: ObjectId
    """The whole tree whose check first ran in it."""
    first_used: datetime


class Profile:
    """The environments of one session, or of runs outside of sessions."""

    def __init__(self, common_dir: Path, name: str) -> None:
        self.name = name
        self._path = common_dir / "lfci/environments" / f"{name}.json"
        self._lock = self._path.with_suffix(".lock")

    def read(self) -> tuple[tuple[Environment, ...], int]:
        """All environments, oldest first, and the number of the current one (0: there is none).

        Raises Undecided LFCI509 when the file is damaged.
        """
        data = files.read_file(self._path, _MAX_BYTES)
        if data is None:
            return (), 0
        try:
            value: Any = canonical.loads(data, code=_CODE, what="environments", max_bytes=_MAX_BYTES)
        except Refusal as error:  # not somebody's input, but our own memory that is damaged
            raise Undecided(_CODE, error.message, hint=f"remove {self._path}") from None
        fields = Fields(value, error=Undecided, code=_CODE, what="environments")
        fields.choice("schema", (_SCHEMA,))
        current = fields.integer("current", 0)
        found = tuple(_read(each) for each in fields.children("environments", max_items=_MAX_KEPT))
        fields.finish()
        return found, current

    def used(self, env_drv: str, check: str, shell: str, tree: ObjectId, now: datetime) -> None:
        """A check ran in this environment: it is current from now on. Raises Undecided LFCI509, LFCI515."""
        with files.locked(self._lock):
            found, current = self.read()
            known = next((each for each in found if each.env_drv == env_drv), None)
            if known is not None:
                if known.number != current:
                    self._write(found, known.number)
                return
            number = max((each.number for each in found), default=0) + 1
            new = Environment(number, env_drv, check, shell, tree, now)
            self._write((*found, new)[-_MAX_KEPT:], number)

    def roll_back(self, number: int | None) -> Environment:
        """Makes the environment before the current one current, or the one of this number.

        Raises UsageError LFCI522 when there is none.
        """
        with files.locked(self._lock):
            found, current = self.read()
            if number is None:
                older = [each for each in found if each.number < current]
                chosen = older[-1] if older else None
                missing = "there is no environment before the current one"
            else:
                chosen = next((each for each in found if each.number == number), None)
                missing = f"there is no environment {number}"
            if chosen is None:
                raise UsageError("LFCI522", missing, hint="lfci env list")
            self._write(found, chosen.number)
            return chosen

    def current(self) -> Environment:
        """The current environment. Raises UsageError LFCI522 when no check has run yet."""
        found, current = self.read()
        chosen = next((each for each in found if each.number == current), None)
        if chosen is None:
            raise UsageError("LFCI522", "no check has run in an environment here yet", hint="lfci check")
        return chosen

    def _write(self, found: tuple[Environment, ...], current: int) -> None:
        value = {
            "schema": _SCHEMA,
            "current": current,
            "environments": [
                {
                    "number": each.number,
                    "envDrv": each.env_drv,
                    "check": each.check,
                    "shell": each.shell,
                    "tree": each.tree,
                    "firstUsed": format_time(each.first_used),
                }
                for each in found
            ],
        }
        files.write_file(self._path, canonical.dumps(value))


def profiles(common_dir: Path) -> tuple[Profile, ...]:
    """All profiles of a repository, by name."""
    names = sorted(path.stem for path in (common_dir / "lfci/environments").glob("*.json"))
    return tuple(Profile(common_dir, name) for name in names)


def _read(fields: Fields) -> Environment:
    found = Environment(
        number=fields.integer("number", 1),
        env_drv=fields.text("envDrv"),
        check=fields.text("check"),
        shell=fields.text("shell"),
        tree=ObjectId(fields.text("tree")),
        first_used=fields.time("firstUsed"),
    )
    fields.finish()
    return found
