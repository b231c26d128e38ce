"""The offline world, made once; a project for each test; and nothing of a run may outlive its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.world import World, make_world
from tests.support.world_project import Project, left_behind


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def make_project(world: World, work: Path, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    def make(body: str = "", name: str = "project", inputs: Mapping[str, World] | None = None) -> Project:
        return Project(world, tmp_path / name, work, body=body, inputs=inputs)

    yield make
    assert left_behind() == []
    assert [path.name for path in work.iterdir() if path.name != "gcroots"] == []


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    return make_project()
