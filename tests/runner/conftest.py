"""One runner for the room, and a forge whose policy wants a runner's word for main."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.keys import format_public
from tests.clone.conftest import Worker, save_key
from tests.gate.conftest import Farm, farm
from tests.support.evidence import REPOSITORY
from tests.support.forge import AGENT, MAINTAINER, Developer, policy_text
from tests.support.runner import RUNNER, House, house
from tests.support.world import World, make_world, project_flake
from tests.support.world_project import GREEN

__all__ = ["farm"]

CONFIG = b"""\
version = 1

[checks.test]
run = "bash ./check.sh"
report = { format = "junit", path = "junit.xml" }
inputs = ["check.sh"]
timeout = "2m"

[checks.lint]
run = "cat lint.txt"
inputs = ["lint.txt"]

[checks.net]
run = "true"
network = true

[checks.long]
run = "true"
timeout = "3h"
"""

RULES: tuple[dict[str, Any], ...] = (
    {
        "refs": ["refs/heads/main"],
        "require": [{"check": "test", "roles": ["runner"], "engines": ["build"]}],
        "protect": [{"paths": ["flake.nix", "flake.lock", ".lfci/"], "roles": ["maintainer"]}],
    },
    {
        "refs": ["refs/heads/scratch/**"],
        "update": "any",
        "require": [{"check": "test", "roles": ["agent", "runner"]}],
    },
)
POLICY = policy_text(
    rules=RULES,
    repository=REPOSITORY,
    keys={
        "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
        "runner": {"public": format_public(RUNNER.public), "roles": ["runner"]},
    },
)


def script(body: str = "", xml: str = GREEN, status: int = 0) -> bytes:
    return f"{body}\necho working; printf %s '{xml}' > $out/junit.xml; exit {status}\n".encode()


@pytest.fixture(scope="session")
def world() -> World:
    made = make_world()
    # The runner's user may not see into the home where the world is; the store is everybody's.
    command = ["nix", "--extra-experimental-features", "nix-command flakes", "store", "add-path"]
    subprocess.run([*command, "--name", "source", str(made.path)], check=True, capture_output=True)
    return made


@pytest.fixture(scope="session")
def runner() -> Iterator[House]:
    """A runner that takes packs from this user; never stopped by a test."""
    with house() as made:
        made.configure()
        made.start()
        yield made


def new_worker(farm: Farm, world: World, place: Path, **files: bytes) -> Worker:
    """An empty forge, and a clone below ``place`` with a project whose checks really run."""
    nix, lock = project_flake(world)
    name = f"clone-{farm.count}"
    worker = Worker(Developer(place / name, farm.empty(POLICY)), save_key(AGENT, place / f"{name}-key"))
    given = {
        ".lfci/config.toml": CONFIG,
        ".lfci/policy.toml": POLICY,
        "flake.nix": nix.encode(),
        "flake.lock": lock.encode(),
        "check.sh": script(),
        "lint.txt": b"fine\n",
    }
    worker.edit({**given, **files}, "first")
    return worker


@pytest.fixture
def make_worker(farm: Farm, world: World, tmp_path: Path) -> Callable[..., Worker]:
    """:func:`new_worker`; nothing has landed."""

    def make(**files: bytes) -> Worker:
        return new_worker(farm, world, tmp_path, **files)

    return make
