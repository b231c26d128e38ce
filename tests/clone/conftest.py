"""People at work: a clone of a forge with a gate, keys on disk, `lfci` in this process or as a program.

No test here starts Nix unless it says so: the programs are traps. Evidence is made by the kit and
stored where `lfci check` would have stored it, so that it is known.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lfci_gate import cli
from lfci_gate.attest.keys import format_public
from lfci_gate.cli.context import utc_now
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.system import current_system
from tests.gate.conftest import Farm, farm
from tests.support.evidence import TestSigner
from tests.support.forge import AGENT, CONFIG, MAINTAINER, Developer, Forge, first_landing
from tests.support.world_fixtures import world
from tests.support.world_project import left_behind

__all__ = ["Farm", "farm", "world"]

PROGRAM = Path(sys.executable).with_name("lfci")

NARROW = CONFIG + b'inputs = ["src/"]\n'
"""The check sees src/ only: what others change elsewhere leaves its results known."""


@dataclass(frozen=True)
class Screen:
    """What a run of `lfci` left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Worker:
    """Somebody in a clone, with the key that signs for them."""

    developer: Developer
    key: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Any:
        return self.developer.repo

    @property
    def forge(self) -> Forge:
        return self.developer.forge

    @property
    def path(self) -> Path:
        return self.developer.repo.path

    def environ(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "LFCI_KEY": str(self.key), **self.env, **(env or {})}

    def lfci(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = utc_now,
        cwd: Path | None = None,
    ) -> Screen:
        """`lfci` in this process."""
        out, err = io.StringIO(), io.StringIO()
        status = cli.run(
            words, environ=self.environ(env), directory=cwd or self.path, stdout=out, stderr=err, now=now
        )
        return Screen(status, out.getvalue(), err.getvalue())

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """The program, in a process group of its own."""
        return subprocess.Popen(
            [str(PROGRAM), *words],
            cwd=self.path,
            env=self.environ(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def push(self, *args: str) -> Any:
        """A plain `git push`, with the hooks that are installed."""
        return self.developer.push(*args, env=self.environ())

    def edit(self, files: dict[str, bytes | None], message: str = "change") -> str:
        """A commit that changes exactly these files."""
        for path, data in files.items():
            if data is None:
                (self.path / path).unlink()
            else:
                self.repo.write(path, data)
        return str(self.repo.commit(message))

    def attest(
        self, rev: str = "HEAD", signer: TestSigner = AGENT, check: str = "test", **changes: Any
    ) -> str:
        """Evidence about ``rev`` as `lfci check` leaves it in the clone; the attestation's id."""
        run, document = self.developer.run_of(rev, check, **{"system": current_system(), **changes})
        return store_evidence(self.repo.tool, self.developer.bundle(run, signer), document)

    def head(self, rev: str = "HEAD") -> str:
        return str(self.repo.line("rev-parse", rev))

    def mine(self) -> dict[str, Any]:
        """Everything of the user's that must stay as it is when nothing landed: where HEAD is, the
        branches, the index byte by byte, the files, and no lock left behind."""
        git = self.path / ".git"
        return {
            "HEAD": (git / "HEAD").read_bytes(),
            "branches": self.repo.git("for-each-ref", "refs/heads", "refs/tags"),
            "index": (git / "index").read_bytes(),
            "files": {
                str(path.relative_to(self.path)): path.read_bytes()
                for path in sorted(self.path.rglob("*"))
                if path.is_file() and git not in path.parents
            },
            "locks": sorted(str(path) for path in git.rglob("*.lock")),
            "unfinished": sorted(path.name for path in git.glob("*_HEAD") if path.name != "FETCH_HEAD"),
        }


def save_key(signer: TestSigner, path: Path) -> Path:
    """A test key as a file that `lfci` reads, and its public half beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    path.with_name(path.name + ".pub").write_text(format_public(signer.public) + "\n")
    return path


@pytest.fixture(autouse=True)
def no_nix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Nix and bubblewrap are traps; whoever stepped into one is named.

    Where Nix is wanted (the mark `nix`) nothing of a run may outlive its test.
    """
    place = tmp_path_factory.mktemp("traps")
    caught = place / "caught"
    if request.node.get_closest_marker("nix"):
        yield caught
        assert left_behind() == []
        assert list(Path("/dev/shm").glob("lfci-run-*")) == []
        return
    for name in ("nix", "nix-store", "nix-instantiate", "nix-build", "bwrap"):
        (place / name).write_text(f'#!/bin/sh\necho "{name}" >> {caught}\nexit 1\n')
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    yield caught
    assert not caught.exists(), f"a known result was not enough: {caught.read_text()}"


@pytest.fixture
def person(tmp_path: Path) -> Callable[..., Worker]:
    """Makes a worker of a developer; the agent's key unless another one is named."""

    def make(developer: Developer, signer: TestSigner = AGENT) -> Worker:
        name = f"key-{len(list(tmp_path.glob('key-*')))}"
        worker = Worker(developer, save_key(signer, tmp_path / name))
        worker.env["XDG_CONFIG_HOME"] = str(tmp_path / "config")
        return worker

    return make


@pytest.fixture
def clone_of(tmp_path: Path, person: Callable[..., Worker]) -> Callable[..., Worker]:
    """Clones a forge with `git clone`, as anybody would."""

    def make(forge: Forge, name: str, signer: TestSigner = AGENT) -> Worker:
        developer = Developer.__new__(Developer)
        subprocess.run(["git", "clone", "-q", forge.url, str(tmp_path / name)], check=True)
        developer.repo = type(forge.repo)(tmp_path / name, forge.repo.hash_name)
        developer.forge = forge
        return person(developer, signer)

    return make


@pytest.fixture(scope="session")
def narrow_template(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forge whose one check sees src/ only, with a first landing."""
    forge = farm.empty()
    developer = Developer(tmp_path_factory.mktemp("narrow") / "clone", forge)
    first_landing(developer, config=NARROW)
    return forge.path


@pytest.fixture
def forge(farm: Farm, narrow_template: Path) -> Forge:
    """A forge of this test's own."""
    import shutil

    farm.count += 1
    path = farm.base / f"{farm.count}.git"
    shutil.copytree(narrow_template, path)
    return Forge(path, f"{farm.url}/{path.name}")


@pytest.fixture
def ada(forge: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """An agent in a clone of the forge."""
    return clone_of(forge, "ada")


@pytest.fixture
def bob(forge: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """Another one, in a clone of the same forge."""
    return clone_of(forge, "bob")


@pytest.fixture
def mara(forge: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """A maintainer in a clone of the same forge."""
    return clone_of(forge, "mara", MAINTAINER)
