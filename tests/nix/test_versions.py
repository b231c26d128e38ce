"""The installed Nix and newer ones: the same derivations, and runs that agree.

In a world without Python: newer versions copy every input of a flake whenever they evaluate it without
their cache, which each run of ours has of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.model import Engine, Outcome
from lfci_gate.nix.derivation import Derivation, derive
from lfci_gate.nix.process import Nix
from lfci_gate.system import current_system
from tests.support.newer_nix import SUITES, make_newer_nix
from tests.support.world import World, flake_hash
from tests.support.world_project import Project, definition

TOOLS = "${world.lib.tools}/bin"
KINDS = {
    "plain": f'PATH = "{TOOLS}";',
    "stdenv": "initialPath = [ world.lib.tools ];",
    "structured": "initialPath = [ world.lib.tools ];",
    "devshell": f"shellHook = ''unset NIX_BUILD_TOP TEMPDIR TMPDIR builder out; export PATH={TOOLS}'';",
}
"""Every kind of development shell that projects really have -> its tools without Python."""


@pytest.fixture(scope="session")
def newer() -> dict[str, Path]:
    """Newer versions, by the suite of Debian that has them."""
    return {suite: make_newer_nix(suite) for suite in SUITES}


@pytest.fixture(scope="module")
def small(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("small") / "flake"
    shutil.copytree(world.path, place, symlinks=True, ignore=shutil.ignore_patterns("python"))
    return World(place, flake_hash(place))


@pytest.fixture(params=KINDS)
def shelled(request: pytest.FixtureRequest, make_project: Callable[..., Project], small: World) -> Project:
    """A project with a development shell of one kind."""
    kind = request.param
    body = f'{{ devShells.x86_64-linux.default = small.lib.shell "{kind}" {{ {KINDS[kind]} }}; }}'
    return make_project(body.replace("world.", "small."), inputs={"small": small})


def path_with(nix: Path | None) -> str:
    return os.environ["PATH"] if nix is None else f"{nix}:{os.environ['PATH']}"


def test_all_versions_give_the_same_derivations(
    shelled: Project, newer: dict[str, Path], tmp_path: Path
) -> None:
    found: dict[str, Derivation] = {}
    for name, place in {"installed": None, **newer}.items():
        private = tmp_path / f"private-{name}"
        private.mkdir()
        nix = Nix(private, environ={**os.environ, "PATH": path_with(place)})
        found[nix.version().version] = derive(nix, shelled.place, definition("true"), current_system())
    assert len(found) == 1 + len(SUITES), "two of them are of one version"
    first, *others = found.values()
    assert others == [first] * len(others)


def test_runs_under_all_versions_agree(
    shelled: Project, newer: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelled.write({"script": "#!/usr/bin/env bash\n", "random": str(shelled.place)})  # never built before
    (shelled.place / "script").chmod(0o755)
    check = definition('echo one; test -n "$out"; ./script && /bin/sh -c true')
    old = shelled.run(check)
    assert old.outcome is Outcome.PASSED
    versions = {old.nix_version}
    for place in newer.values():
        monkeypatch.setenv("PATH", path_with(place))
        new = shelled.run(check)
        versions.add(new.nix_version)
        assert (new.outcome, new.result, new.drv_path, new.env_drv, new.sandbox) == (
            old.outcome,
            old.result,
            old.drv_path,
            old.env_drv,
            old.sandbox,
        )
    assert len(versions) == 1 + len(SUITES)
    # Realised by the newest.
    built = shelled.run(check, engine=Engine.BUILD)
    assert (built.result, built.drv_path, built.nix_version) == (old.result, old.drv_path, new.nix_version)


@pytest.mark.parametrize("shelled", ["plain"], indirect=True)
def test_a_second_run_that_writes_something_else_is_read(
    shelled: Project, newer: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version has words of its own for where the other output is."""
    shelled.write({"random": str(shelled.place)})
    for place in (None, *newer.values()):
        monkeypatch.setenv("PATH", path_with(place))
        run = shelled.run("echo $RANDOM$RANDOM$RANDOM > $out/x; exit 3", engine=Engine.BUILD)
        assert (run.outcome, run.exit_code) == (Outcome.FAILED, 3), run.remarks
