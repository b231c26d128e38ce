"""The command line as users start it, and screens to compare with."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lfci_gate import cli
from tests.support.repos import Repo, make_repo

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "cli"
PROGRAM = Path(sys.executable).with_name("lfci")


@dataclass(frozen=True)
class Screen:
    """What a run of the program left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


Run = Callable[..., Screen]


@pytest.fixture
def lfci(tmp_path: Path) -> Run:
    """Starts the installed program: ``lfci("explain", "104", cwd=..., env={...}, input="")``."""
    assert PROGRAM.exists(), f"install the project first: {PROGRAM} is missing"

    def start(
        *words: str, cwd: Path = tmp_path, env: Mapping[str, str] | None = None, input: str = ""
    ) -> Screen:
        done = subprocess.run(
            [str(PROGRAM), *words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Screen(done.returncode, done.stdout, done.stderr)

    return start


@pytest.fixture
def here(tmp_path: Path) -> Run:
    """The same in this process, at a fixed time: ``here("session", "list", cwd=...)``."""

    def start(
        *words: str, cwd: Path = tmp_path, env: Mapping[str, str] | None = None, now: datetime = NOW
    ) -> Screen:
        out, err = io.StringIO(), io.StringIO()
        status = cli.run(
            words,
            environ={**os.environ, **(env or {})},
            directory=cwd,
            stdout=out,
            stderr=err,
            now=lambda: now,
        )
        return Screen(status, out.getvalue(), err.getvalue())

    return start


@pytest.fixture
def screen(tmp_path: Path) -> Callable[[str, str], None]:
    """Compares a screen with tests/golden/cli/NAME.txt, names of this run left out.

    PYTEST_UPDATE_SCREENS=1 writes what is seen; read it before you commit it.
    """

    def compare(name: str, text: str) -> None:
        seen = stable(text, tmp_path)
        path = GOLDEN / f"{name}.txt"
        if os.environ.get("PYTEST_UPDATE_SCREENS"):
            path.write_text(seen)
        assert seen == path.read_text()

    return compare


def stable(text: str, tmp_path: Path) -> str:
    """Text without what differs between two runs: places, keys, random names."""
    text = text.replace(str(tmp_path), "TMP").replace(os.environ["HOME"], "HOME")
    text = re.sub(r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:KEY", text)
    text = re.sub(r"ssh-ed25519 [A-Za-z0-9+/=]{68}", "ssh-ed25519 KEY", text)
    text = re.sub(
        r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?= \((?:started|open|noted|ended|already open)\))",
        "SESSION",
        text,
    )
    return re.sub(r"(?m)^[A-Za-z0-9_-]{22}(?=  )", "SESSION", text)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository whose user is Ada."""
    made = make_repo(tmp_path / "project")
    made.git("config", "user.name", "Ada Author")
    made.git("config", "user.email", "ada@example.org")
    return made
