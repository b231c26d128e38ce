"""The check derivation is one for both engines: realised by Nix in its own sandbox, it gives the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.attest.results import result_document
from lfci_gate.engines.collect import artifacts, read_report
from lfci_gate.model import Outcome, ResultDocument
from lfci_gate.nix.process import Nix
from tests.support.world_project import JUNIT, Project, definition

TEST = """
import os, pytest

@pytest.mark.parametrize("name", sorted(os.environ))
def test_variable(name):
    pass

def test_identity():
    assert (os.getuid(), os.getgid(), os.getcwd(), os.umask(0)) == (1000, 100, "/build/source", 0o22)

@pytest.mark.skipif(not os.isatty(1), reason="")
def test_terminal():
    pass
"""

SHELLS = ("plain", "stdenv", "structured", "devshell")


def realise(tmp_path: Path, drv: str) -> tuple[int, Path]:
    """Builds without asking caches; returns the status and the output path."""
    private = tmp_path / "private"
    private.mkdir(exist_ok=True)
    nix = Nix(private, options=(("substitute", "false"),))
    done = nix.run_store("--realise", drv)
    shown = subprocess.run(
        [nix.nix_store, "-q", "--outputs", drv],
        env=nix.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.status, Path(shown.stdout.strip())


def nix_says(tmp_path: Path, drv: str) -> str:
    """The log of a build that failed."""
    return Nix(tmp_path / "private").run_store("--read-log", drv).stdout.decode()


@pytest.mark.parametrize("kind", SHELLS)
def test_both_engines_give_the_same_result(
    make_project: Callable[..., Project], tmp_path: Path, kind: str
) -> None:
    project = make_project(f'{{ devShells.x86_64-linux.default = world.lib.shell "{kind}" {{ }}; }}')
    project.write({"test_it.py": TEST, "random": str(tmp_path)})  # never built before
    command = "python3 -m pytest -q -s -p no:cacheprovider --junitxml=$out/junit.xml; env | sort > $out/env"
    check = definition(command, report=JUNIT, artifacts=("env",), env={"MADE": "x"})
    result = project.run(check)
    assert result.outcome is Outcome.PASSED, project.heard.output
    assert result.result is not None

    status, out = realise(tmp_path, result.drv_path)
    assert status == 0, nix_says(tmp_path, result.drv_path)
    report = read_report(JUNIT, out, None)
    assert isinstance(report, tuple)
    kept, missing = artifacts(check.artifacts, out, project.cas)
    assert missing == ()
    built = ResultDocument("test", int((out / "lfci/status").read_text()), report, kept)
    here, there = (project.cas.read(each.artifacts[0].sha256) for each in (result.result, built))
    assert json.dumps(here.decode().splitlines()) == json.dumps(there.decode().splitlines())  # type: ignore[union-attr]
    assert result_document(built) == result_document(result.result)


@pytest.mark.parametrize("hook", ["", "exit 0", "exec true"])
def test_a_failing_check_has_no_output(
    make_project: Callable[..., Project], tmp_path: Path, hook: str
) -> None:
    shell = f"world.lib.shell \"plain\" {{ shellHook = ''{hook}''; }}"
    project = make_project(f"{{ devShells.x86_64-linux.default = {shell}; }}")
    project.write({"random": str(tmp_path)})
    result = project.run("echo > $out/x; exit 3")
    assert result.outcome is not Outcome.PASSED
    status, out = realise(tmp_path, result.drv_path)
    assert status != 0
    assert not out.exists()
