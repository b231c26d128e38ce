"""The installed Nix and a newer one: the same derivations, and runs that agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.model import Engine, Outcome
from lfci_gate.nix.derivation import Derivation, derive
from lfci_gate.nix.process import Nix
from lfci_gate.system import current_system
from tests.support.newer_nix import make_newer_nix
from tests.support.world_project import Project, definition


@pytest.fixture(scope="session")
def newer() -> Path:
    return make_newer_nix()


KINDS = ("plain", "stdenv", "structured", "devshell")
"""Every kind of development shell that projects really have."""


def shell(kind: str) -> str:
    return f'{{ devShells.x86_64-linux.default = world.lib.shell "{kind}" {{ }}; }}'


@pytest.mark.parametrize("kind", KINDS)
def test_two_versions_give_the_same_derivations(
    kind: str, make_project: Callable[..., Project], newer: Path, tmp_path: Path
) -> None:
    project = make_project(shell(kind))
    found: dict[str, Derivation] = {}
    for place in (None, newer):
        private = tmp_path / f"private-{place is None}"
        private.mkdir()
        path = os.environ["PATH"] if place is None else f"{place}:{os.environ['PATH']}"
        nix = Nix(private, environ={**os.environ, "PATH": path})
        found[nix.version().version] = derive(nix, project.place, definition("true"), current_system())
    assert len(found) == 2, "both are of one version"
    old, new = found.values()
    assert (old.check_drv, old.env_drv, old.carrier, old.nar_hash) == (
        new.check_drv,
        new.env_drv,
        new.carrier,
        new.nar_hash,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_under_the_newer_version_agrees(
    kind: str, make_project: Callable[..., Project], newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(shell(kind))
    project.write({"script": "#!/usr/bin/env bash\n", "random": str(project.place)})  # never built before
    (project.place / "script").chmod(0o755)
    check = definition('echo one; test -n "$out"; ./script && /bin/sh -c true')
    old = project.run(check)
    monkeypatch.setenv("PATH", f"{newer}:{os.environ['PATH']}")
    new = project.run(check)
    built = project.run(check, engine=Engine.BUILD)
    assert (built.result, built.drv_path, built.nix_version) == (old.result, old.drv_path, new.nix_version)
    assert old.nix_version != new.nix_version
    assert old.outcome is Outcome.PASSED
    assert (old.outcome, old.result, old.drv_path, old.sandbox) == (
        new.outcome,
        new.result,
        new.drv_path,
        new.sandbox,
    )
