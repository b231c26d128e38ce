"""The project's own flake evaluates, with real Nix and a stand-in for nixpkgs.

nixpkgs cannot be fetched where the tests run, so this holds what the flake says, not what building
it gives: its outputs, the version, and that it names the dependencies that pyproject.toml names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import lfci_gate

CHECKOUT = Path(__file__).resolve().parent.parent
NIX_CONFIG = "experimental-features = nix-command flakes\nuse-registries = false\nflake-registry =\n"
SYSTEMS = {"x86_64-linux", "aarch64-linux"}


@pytest.fixture
def flake(tmp_path: Path) -> Path:
    """A copy of what evaluation reads: a checkout also holds .venv, which Nix would copy."""
    place = tmp_path / "flake"
    (place / "lfci_gate").mkdir(parents=True)
    shutil.copy(CHECKOUT / "flake.nix", place)
    shutil.copy(CHECKOUT / "lfci_gate/__init__.py", place / "lfci_gate")
    return place


def nix(*args: str, flake: Path) -> Any:
    done = subprocess.run(
        ["nix", *args, "--json", "--no-write-lock-file", "--override-input", "nixpkgs",
         f"path:{CHECKOUT / 'tests/support/nixpkgs-stub'}"],
        cwd=flake,
        env={**os.environ, "NIX_CONFIG": NIX_CONFIG},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(attribute: str, flake: Path, field: str) -> set[str]:
    found = nix("eval", f"path:{flake}#{attribute}", "--apply", f"d: map (x: x.name) d.{field}", flake=flake)
    return set(found)


def test_the_flake_offers_package_shell_checks_and_program(flake: Path) -> None:
    told = nix("flake", "show", f"path:{flake}", flake=flake)
    for system in SYSTEMS:
        assert set(told["packages"][system]) == {"default", "lfci-gate"}
        assert set(told["devShells"][system]) == {"default"}
        assert set(told["checks"][system]) == {"package", "lint"}
        assert told["apps"][system]["default"] == {"type": "app"}
    assert {system for output in told.values() for system in output} == SYSTEMS


def test_the_package_has_the_version_and_the_dependencies_of_the_project(flake: Path) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    [module] = names("packages.x86_64-linux.default", flake, "packages")
    assert module == f"lfci-gate-{lfci_gate.__version__}"
    wanted = {Requirement(text).name for text in project["dependencies"]}
    package = "packages.x86_64-linux.default"
    select = "d: map (x: x.name) (builtins.head d.packages).dependencies"
    assert set(nix("eval", f"path:{flake}#{package}", "--apply", select, flake=flake)) == wanted


def test_the_development_shell_has_the_programs_that_checks_start(flake: Path) -> None:
    inside = names("devShells.x86_64-linux.default", flake, "packages")
    assert {"bubblewrap", "git", "nix", "util-linux", "gnumake", "openssh", "shellcheck", "ruff"} <= inside
