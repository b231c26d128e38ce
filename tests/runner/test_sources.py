"""Where objects come from, and that one repository's are never another's."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.encoding import b64decode
from lfci_gate.attest.statement import parse_statement
from lfci_gate.model import CheckRun
from tests.clone.conftest import Worker
from tests.gate.conftest import Farm
from tests.support.evidence import REPOSITORY
from tests.support.runner import IS_ROOT, OTHER_REPOSITORY, UID, House, house, need_root, request

THIRD = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2cfe"
FOURTH = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2cfd"
FIFTH = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2cfc"


@pytest.fixture(scope="module")
def pair(farm: Farm) -> Iterator[House]:
    """A runner for two repositories that it fetches itself, a third that it cannot, and one for nobody."""
    for name in ("one.git", "two.git", "three.git", "four.git"):
        subprocess.run(["git", "init", "-q", "--bare", str(farm.base / name)], check=True)
    with house() as made:
        made.configure(
            repositories={
                REPOSITORY: {"sources": ["git://127.0.0.1:1/no.git", f"{farm.url}/one.git"], "packs": False},
                OTHER_REPOSITORY: {"sources": [f"{farm.url}/two.git"], "packs": False},
                THIRD: {"sources": [str(farm.base / "three.git")], "packs": False},
                FOURTH: {},
                FIFTH: {"sources": [f"{farm.url}/four.git"], "packs": False, "fetch-mib": 1},
            },
            allow=[{"users": [made_by()], "repositories": [REPOSITORY, OTHER_REPOSITORY, THIRD, FIFTH]}],
        )
        made.start()
        yield made


def made_by() -> int:
    return 0 if IS_ROOT else UID


def statement(events: list[dict[str, Any]]) -> CheckRun:
    [result] = [event for event in events if event["event"] == "result"]
    run = parse_statement(parse_bundle(b64decode(result["bundle"])).envelope.payload)
    assert isinstance(run, CheckRun)
    document = b64decode(result["document"])
    assert hashlib.sha256(document).hexdigest() == run.result_sha256
    return run


def test_a_commit_of_one_repository_is_none_of_another(
    pair: House, farm: Farm, make_worker: Callable[..., Worker]
) -> None:
    ada = make_worker()
    one, two = str(farm.base / "one.git"), str(farm.base / "two.git")
    head = ada.head()
    for repository in (REPOSITORY, OTHER_REPOSITORY):
        assert pair.code(request(head, repository=repository)) == "LFCI528"
    ada.repo.git("push", "-q", one, "HEAD:refs/heads/review/ada")
    assert pair.code(request(head, repository=OTHER_REPOSITORY)) == "LFCI528"
    first = statement(pair.answers(request(head)))
    assert first.repository == REPOSITORY
    # It was fetched, built and signed for one; the other still knows nothing of it.
    assert pair.code(request(head, repository=OTHER_REPOSITORY)) == "LFCI528"
    assert pair.evidence(OTHER_REPOSITORY) == []
    ada.repo.git("push", "-q", two, "HEAD:refs/heads/main")
    second = statement(pair.answers(request(head, repository=OTHER_REPOSITORY)))
    assert second.repository == OTHER_REPOSITORY
    assert (second.inputs_tree, second.definition) == (first.inputs_tree, first.definition)
    assert len(pair.builds()) == 2  # nobody's result is given for another's
    assert [len(pair.evidence(each)) for each in (REPOSITORY, OTHER_REPOSITORY)] == [1, 1]
    # The client finds out by itself that this runner takes no objects, and names the commit.
    shown = ada.lfci("check", f"--runner={pair.socket}", "--format", "json", "test")
    assert shown.status == 0, shown.text
    assert "remembered by runner" in shown.err
    (ada.path / "lint.txt").write_text("not committed\n")
    dirty = ada.lfci("check", f"--runner={pair.socket}", "lint")
    assert (dirty.status, "error[LFCI528]" in dirty.err) == (1, True), dirty.text


def test_sources_of_others_are_not_opened(
    pair: House, farm: Farm, make_worker: Callable[..., Worker]
) -> None:
    """git does not work in a repository of another user's, and the runner never tells it to."""
    need_root()
    three = farm.base / "three.git"
    ada = make_worker()
    ada.repo.git("push", "-q", str(three), "HEAD:refs/heads/main")
    mark = pair.top / "ran"
    hook = f"touch {mark}"
    for setting in ("uploadpack.packObjectsHook", "core.fsmonitor", "core.sshCommand", "core.hooksPath"):
        subprocess.run(["git", "-C", str(three), "config", setting, hook], check=True)
    last = pair.answers(request(ada.head(), repository=THIRD))[-1]
    assert (last["code"], str(three) in json.dumps(last)) == ("LFCI513", False)
    assert not mark.exists()


def test_a_fetch_that_is_too_large(pair: House, farm: Farm, make_worker: Callable[..., Worker]) -> None:
    ada = make_worker()
    small = ada.head()
    (ada.path / "large").write_bytes(os.urandom(3 << 20))
    ada.repo.commit("large")
    ada.repo.git("push", "-q", str(farm.base / "four.git"), "HEAD:refs/heads/main")
    for commit in (small, ada.head()):
        assert pair.code(request(commit, repository=FIFTH)) == "LFCI513"
    objects = pair.state / "repositories" / FIFTH / "objects"
    assert [file.name for file in objects.rglob("*") if file.is_file() and file.name != "packs"] == []
    assert pair.left() == {"incoming": [], "work": []}


def test_a_repository_that_is_not_for_this_user(pair: House) -> None:
    assert pair.code(request("1" * 40, repository=FOURTH)) == "LFCI523"
    [status, _] = pair.answers(b'{"schema":"lfci.runner/1","ask":"status"}\n')
    assert FOURTH not in [each["id"] for each in status["repositories"]]
