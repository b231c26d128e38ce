"""Repositories of both hash functions, made and driven by real git, for tests of any room."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lfci_gate.git.process import Git


@dataclass(frozen=True)
class Repo:
    """A repository on disk and the plain git that a user would type there."""

    path: Path
    hash_name: str

    def git(self, *args: str, input: bytes = b"", env: dict[str, str] | None = None) -> bytes:
        """Output of ``git ARGS`` here; fails the test when git fails."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            input=input,
            capture_output=True,
            env={**os.environ, **(env or {})},
            check=False,
        )
        assert done.returncode == 0, f"git {args}: {done.stderr.decode()}"
        return done.stdout

    def line(self, *args: str) -> str:
        """The one line that ``git ARGS`` prints."""
        return self.git(*args).decode().strip()

    def write(self, path: str, data: bytes = b"", *, mode: int = 0o644) -> Path:
        """Put a file into the working copy."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(mode)
        return target

    def commit(self, message: str = "change") -> str:
        """``git add -A``, commit (also when empty), and the new commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.line("rev-parse", "HEAD")

    @property
    def tool(self) -> Git:
        """What is tested, on this repository."""
        return Git(self.path)


def make_repo(path: Path, hash_name: str = "sha1", *, bare: bool = False) -> Repo:
    """An empty repository with ``main`` as its branch."""
    path.mkdir(parents=True)
    made = Repo(path, hash_name)
    made.git("init", "-q", "-b", "main", f"--object-format={hash_name}", *(["--bare"] if bare else []))
    return made
