"""One git daemon and one forge with a first landing for the whole room; tests work on copies of them,
or share one where all that happens is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.forge import Developer, Forge, first_landing, git_daemon, new_forge, policy_text


@dataclass
class Farm:
    """Forges below one folder that one git daemon serves."""

    base: Path
    url: str
    count: int = 0

    def project(self, clone: Path) -> Developer:
        """A forge with a first landing, and a clone of it at ``clone``."""
        self.count += 1
        path = self.base / f"{self.count}.git"
        shutil.copytree(self.base / "template.git", path)
        return Developer.copied(self.base / "clone", clone, Forge(path, f"{self.url}/{path.name}"))

    def empty(self, policy: bytes | None = None, *, object_format: str = "sha1") -> Forge:
        """A forge on which nothing has landed."""
        self.count += 1
        path = self.base / f"{self.count}.git"
        new_forge(path, policy or policy_text(), object_format=object_format)
        return Forge(path, f"{self.url}/{path.name}")


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    base = tmp_path_factory.mktemp("farm")
    with git_daemon(base) as url:
        made = Farm(base, url)
        new_forge(base / "template.git", policy_text())
        first_landing(Developer(base / "clone", Forge(base / "template.git", f"{url}/template.git")))
        yield made


@pytest.fixture(scope="module")
def shared(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Developer:
    """The clone of a forge that no test of the module changes."""
    return farm.project(tmp_path_factory.mktemp("shared") / "clone")


@pytest.fixture
def guest(shared: Developer) -> Developer:
    """``shared``, at the tip of the forge's main."""
    shared.start()
    return shared


@pytest.fixture
def ada(farm: Farm, tmp_path: Path) -> Developer:
    """The clone of a forge of this test's own."""
    return farm.project(tmp_path / "ada")
