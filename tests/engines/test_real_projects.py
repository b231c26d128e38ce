"""Projects as they were published, with their own tests: the same result in both engines."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.attest.results import result_document
from lfci_gate.model import CheckDefinition, Engine, Outcome, ReportSpec
from tests.support.toolbox import fastify_error_source, make_toolbox, zlib_source
from tests.support.world import World, pluggy_source
from tests.support.world_project import JUNIT, Project, definition

Make = Callable[..., Project]

PLUGGY = definition(
    "PYTHONPATH=src python3 -m pytest -q -p no:cacheprovider testing --junitxml=$out/junit.xml", report=JUNIT
)
FASTIFY_ERROR = definition("node --test --test-reporter tap", report=ReportSpec("tap", None))
# What the compiler makes is compared bit for bit.
ZLIB = definition(
    "CC=cc AR=ar RANLIB=ranlib ./configure --static && make test && cp libz.a example $out/",
    artifacts=("libz.a", "example"),
)


@pytest.fixture(scope="session")
def toolbox() -> World:
    return make_toolbox()


def project_of(make_project: Make, toolbox: World, source: Path, kind: str) -> Project:
    tools = "let box = toolbox.lib.toolbox world; in"
    path = 'PATH = "${box}/bin:${world.lib.path}"; initialPath = [ world.lib.tools box ];'
    shell = f'{{ devShells.x86_64-linux.default = world.lib.shell "{kind}" {{ {path} }}; }}'
    project = make_project(f"{tools} {shell}", inputs={"toolbox": toolbox})
    shutil.copytree(source, project.place, dirs_exist_ok=True, symlinks=True)
    return project


def in_both(project: Project, check: CheckDefinition) -> dict[str, str]:
    """Runs it in both engines; the outcomes of its tests."""
    results = [project.run(check, engine=engine) for engine in Engine]
    develop, build = results
    assert (develop.outcome, develop.code) == (Outcome.PASSED, None), project.heard.output
    assert (build.outcome, build.code) == (Outcome.PASSED, None), project.heard.output
    assert develop.result is not None
    assert build.result is not None
    assert result_document(develop.result) == result_document(build.result)
    assert build.log_size == len(project.heard.output)
    assert (develop.drv_path, develop.counts) == (build.drv_path, build.counts)
    return {case.id: case.outcome for case in build.result.tests}


def test_pluggy_in_python(project: Project) -> None:
    shutil.copytree(pluggy_source(), project.place, dirs_exist_ok=True, symlinks=True)
    tests = in_both(project, PLUGGY)
    assert list(tests.values()) == ["passed"] * 219
    assert next(iter(tests)).startswith("testing.")


def test_a_package_of_npm(make_project: Make, toolbox: World) -> None:
    tests = in_both(project_of(make_project, toolbox, fastify_error_source(), "plain"), FASTIFY_ERROR)
    assert list(tests.values()) == ["passed"] * 29
    assert "Create an error with cause" in tests


def test_zlib_in_c(make_project: Make, toolbox: World) -> None:
    project = project_of(make_project, toolbox, zlib_source(), "plain")
    assert in_both(project, ZLIB) == {}
    assert project.heard.output.count(b"zlib test OK") == 1
