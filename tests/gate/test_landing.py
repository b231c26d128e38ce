"""The way of a change through the gate, over git daemon: what lands, what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forge import Developer, Forge, first_landing, make_forge


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with make_forge(tmp_path / "server") as made:
        yield made


@pytest.fixture
def ada(tmp_path: Path, forge: Forge) -> Developer:
    developer = Developer(tmp_path / "ada", forge)
    first_landing(developer)
    return developer


def test_attested_commit_lands_and_is_recorded(forge: Forge, ada: Developer) -> None:
    ada.repo.write("src/lib.py", b"answer = 43\n")
    commit = ada.repo.commit()
    pushed = ada.push("origin", "main", ada.evidence("HEAD"))
    assert pushed.status == 0, pushed.output
    refs = forge.refs()
    assert refs["refs/heads/main"] == commit
    assert not [ref for ref in refs if ref.startswith("refs/lfci/inbox/")]
    tree = ada.repo.line("rev-parse", "HEAD^{tree}")
    assert b'"payloadType":"application/vnd.in-toto+json"' in forge.note("lfci", tree)
    assert forge.note("lfci-landed", commit).startswith(b"Landed on refs/heads/main at ")
    forge.fsck()


def test_rule_07_commit_without_attestation_is_refused(forge: Forge, ada: Developer) -> None:
    ada.repo.write("src/lib.py", b"answer = 43\n")
    ada.repo.commit()
    before = forge.state()
    pushed = ada.push("origin", "main")
    assert pushed.status != 0
    assert pushed.codes == {"LFCI101"}, pushed.output
    assert forge.state() == before
    forge.fsck()
