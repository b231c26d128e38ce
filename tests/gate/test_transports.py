"""The way of a change through the gate over git daemon, ssh and smart http: what lands, what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.conftest import Farm
from tests.support.forge import STRANGER, Developer, first_landing
from tests.support.transports import http_server, ssh_server


@pytest.fixture(scope="module", params=["daemon", "ssh", "http"])
def client(
    request: pytest.FixtureRequest, farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Developer, dict[str, str]]]:
    """A clone whose origin is reached by this transport, and the environment that it needs."""
    developer = farm.project(tmp_path_factory.mktemp("client") / "clone")
    name = developer.forge.path.name
    if request.param == "daemon":
        yield developer, {}
        return
    work = tmp_path_factory.mktemp("server") / "sshd"
    server = ssh_server(farm.base, work) if request.param == "ssh" else http_server(farm.base)
    with server as (url, env):
        developer.repo.git("remote", "set-url", "origin", f"{url}/{name}")
        yield developer, env


@pytest.mark.parametrize("inbox_first", [True, False])
def test_an_attested_commit_lands_and_is_recorded(
    client: tuple[Developer, dict[str, str]], inbox_first: bool
) -> None:
    ada, env = client
    forge = ada.forge
    ada.start()
    commit = ada.edit()
    specs = [ada.evidence("HEAD"), "main"]
    ada.lands("origin", *(specs if inbox_first else reversed(specs)), env=env)
    assert forge.refs()["refs/heads/main"] == commit
    assert b'"payloadType":"application/vnd.in-toto+json"' in forge.note("lfci", ada.tree("HEAD"))
    record = forge.note("lfci-landed", commit).splitlines()
    assert record[0].startswith(b"Landed on refs/heads/main at ")
    assert record[1] == b"check test: PASSED, 2 passed, engine develop, key agent"
    assert record[2].startswith(b'{"mediaType":')
    assert not list(forge.path.glob("lfci/accepted/*"))


def test_what_is_refused_leaves_nothing(client: tuple[Developer, dict[str, str]]) -> None:
    ada, env = client
    ada.start()
    ada.edit()
    ada.refused("LFCI101", "origin", "main", env=env)
    ada.refused("LFCI103", "origin", "main", ada.evidence("HEAD", STRANGER), env=env)
    ada.refused("LFCI101", "--atomic", "origin", "main", "HEAD:refs/heads/topic", env=env)
    ada.refused("LFCI207", "origin", ":main", env=env)


def test_evidence_may_come_before_the_branch(client: tuple[Developer, dict[str, str]]) -> None:
    ada, env = client
    ada.start()
    ada.edit()
    ada.lands("origin", ada.evidence("HEAD"), env=env)
    ada.lands("origin", "main", env=env)


def test_a_sha256_repository(farm: Farm, tmp_path: Path) -> None:
    forge = farm.empty(object_format="sha256")
    ada = Developer(tmp_path / "ada", forge)
    assert len(first_landing(ada)) == 64
    ada.edit()
    ada.refused("LFCI101", "origin", "main")
    ada.lands("origin", "main", ada.evidence("HEAD"))
    assert forge.note("lfci-landed", ada.repo.line("rev-parse", "HEAD"))
