"""Whoever listens on the socket may be anybody: what a client keeps of an answer.

A real socket, and behind it a program of the test that answers what a dishonest runner would.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.keys import format_public
from lfci_gate.model import Engine, ObjectId, Outcome, Sha256
from lfci_gate.runner.wire import Answer, answer_event, format_event
from lfci_gate.system import current_system
from tests.clone.conftest import Worker
from tests.gate.conftest import Farm
from tests.runner.conftest import new_worker
from tests.runner.test_happy import inbox
from tests.support.evidence import TestSigner
from tests.support.forge import AGENT, STRANGER, now
from tests.support.runner import OTHER_REPOSITORY, RUNNER
from tests.support.world import World

Lines = Callable[[dict[str, Any]], bytes]


@contextmanager
def answering(path: Path, answers: list[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Listens on ``path``, and answers one connection after the other; yields what was asked."""
    asked: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            for data in answers:
                connection, _ = server.accept()
                with connection:
                    asked.append(json.loads(connection.makefile("rb").readline()))
                    with suppress(BrokenPipeError, ConnectionResetError):  # it had enough
                        connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            for _ in range(len(answers) - len(asked)):  # nobody asked: let the thread end
                with socket.socket(socket.AF_UNIX) as last:
                    last.connect(str(path))
                    last.sendall(b"{}\n")
            thread.join()


@pytest.fixture(scope="module")
def clone(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    return new_worker(farm, world, tmp_path_factory.mktemp("verify"))


@pytest.fixture
def ada(clone: Worker) -> Iterator[Worker]:
    """One clone for the room; what a test has kept goes."""
    head = clone.head()
    yield clone
    clone.repo.git("reset", "-q", "--hard", head)
    for ref in clone.repo.git("for-each-ref", "--format=%(refname)", "refs/lfci/inbox").decode().split():
        clone.repo.git("update-ref", "-d", ref)
    subprocess.run(["git", "config", "--unset-all", "lfci.runnerKey"], cwd=clone.path, check=False)


def signed(
    ada: Worker,
    signer: TestSigner = RUNNER,
    *,
    document: bytes | None = None,
    outcome: Outcome = Outcome.PASSED,
    known: bool = False,
    **changes: Any,
) -> bytes:
    """The answer of a runner that says what is asked for, but for ``changes``."""
    honest = {
        "system": current_system(), "engine": Engine.BUILD, "attester": "runner-1",
        "attester_kind": "runner", "target_ref": None,
    }  # fmt: skip
    run, data = ada.developer.run_of("HEAD", **{**honest, **changes})
    code = None if outcome is Outcome.PASSED else "LFCI307"
    answer = Answer(
        "test",
        outcome,
        known,
        ada.developer.bundle(run, signer),
        data if document is None else document,
        code,
    )
    return answer_event(answer)


def test_an_honest_answer_is_kept(ada: Worker, tmp_path: Path) -> None:
    with answering(tmp_path / "s", [format_event("alive") + signed(ada)]) as asked:
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test", "--format", "json")
    assert shown.status == 0, shown.text
    assert sorted(asked[0]) == ["ask", "checks", "commit", "fresh", "repository", "schema"]
    assert [run.attester for run in inbox(ada)] == ["runner-1"]


LIES: dict[str, dict[str, Any]] = {
    "by a key that nobody knows": {"signer": STRANGER},
    "for another repository": {"repository": OTHER_REPOSITORY},
    "of another check": {"check": "lint"},
    "of another definition": {"definition": Sha256("0" * 64)},
    "of another tree": {"inputs_tree": ObjectId("1" * 40)},
    "on another system": {"system": "riscv64-linux"},
    "by another engine": {"engine": Engine.DEVELOP},
    "in an agent's name": {"attester_kind": "agent"},
    "of another result": {"outcome": Outcome.FAILED},
    "that contradicts itself": {"exit_code": 1},
    "with another result document": {"document": b'{"artifacts":[],"check":"test","exitCode":0,"tests":[]}'},
    "with a document that is none": {"document": b"{}"},
    "from the future": {"issued_at": now() + timedelta(hours=1)},
}


@pytest.mark.parametrize("name", LIES)
def test_an_answer_that_does_not_hold_leaves_nothing(ada: Worker, tmp_path: Path, name: str) -> None:
    before = ada.mine()
    with answering(tmp_path / "s", [signed(ada, **LIES[name])]):
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test")
    assert shown.status == 1, shown.text
    assert "error[LFCI529]" in shown.err
    assert inbox(ada) == []
    assert ada.mine() == before


UNDECIDED = answer_event(Answer("test", Outcome.UNDECIDED, False, code="LFCI308"))

ODD: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello\n", "LFCI527"),
    "an unknown event": (format_event("sign", payload="x"), "LFCI527"),
    "another check": (answer_event(Answer("lint", Outcome.UNDECIDED, False, code="LFCI308")), "LFCI529"),
    "an undecided pass": (UNDECIDED.replace(b"UNDECIDED", b"PASSED"), "LFCI527"),
    "an escape in a phase": (
        b'{"check":"test","detail":"\\u001b[2J","event":"phase","name":"run"}\n', "LFCI527",
    ),
    "an error with a code of nobody": (
        b'{"code":"X","event":"error","facts":[],"family":"refusal","hint":"","message":"m"}\n', "LFCI527",
    ),
    "an error with an escape": (
        b'{"code":"LFCI523","event":"error","facts":[],"family":"refusal","hint":"","message":"\\u001b[2J"}\n',
        "LFCI527",
    ),
    "a result twice the size of any": (b" " * (33 << 20), "LFCI527"),
    "a request for other objects, twice": (
        format_event("send", have=[], bytes=0) + format_event("send", have=[], bytes=0), "LFCI530",
    ),
    "a tree that is an option": (format_event("send", have=["--all"], bytes=1 << 30), "LFCI526"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_is_none(
    ada: Worker, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfci_gate.runner.client._PAUSES_S", ())
    data, code = ODD[name]
    with answering(tmp_path / "s", [data]):
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test")
    assert f"error[{code}]" in shown.err, shown.text
    assert shown.status != 0
    assert "\x1b" not in shown.text
    assert inbox(ada) == []


def test_a_key_that_only_this_clone_names_counts_here(ada: Worker, tmp_path: Path) -> None:
    ada.repo.git("config", "lfci.runnerKey", format_public(STRANGER.public))
    with answering(tmp_path / "s", [signed(ada, STRANGER)]):
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test")
    assert shown.status == 0, shown.text
    assert "the policy does not know the runner's key" in shown.err
    ada.repo.git("config", "lfci.runnerKey", "no key")
    with answering(tmp_path / "t", [signed(ada, STRANGER)]):
        shown = ada.lfci("check", f"--runner={tmp_path}/t", "test", "--force")
    assert (shown.status, "LFCI202" in shown.err) == (2, True), shown.text


def test_an_agents_key_is_no_runners_because_it_says_so(ada: Worker, tmp_path: Path) -> None:
    """The client keeps it, as evidence of who signed; the rule for main does not count it."""
    with answering(tmp_path / "s", [signed(ada, AGENT)]):
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test")
    assert "(agent)" in shown.err
    refused = ada.lfci("land", "--local", "--dry-run", env={"LFCI_KEY": str(ada.key)})
    assert refused.status == 1, refused.text
    assert "error[LFCI109]" in refused.err
    assert "runner" in refused.err.partition("error[")[2]


def test_what_is_remembered_and_too_old_is_asked_for_again(ada: Worker, tmp_path: Path) -> None:
    policy = (
        (ada.path / ".lfci/policy.toml")
        .read_text()
        .replace('refs = [\n    "refs/heads/main"', 'max-age = "1h"\nrefs = [\n    "refs/heads/main"')
    )
    assert "max-age" in policy
    ada.edit({".lfci/policy.toml": policy.encode()})
    then = now() - timedelta(hours=2)
    old = signed(ada, known=True, issued_at=then, started_at=then)
    with answering(tmp_path / "s", [old, signed(ada)]) as asked:
        shown = ada.lfci("check", f"--runner={tmp_path}/s", "test")
    assert shown.status == 0, shown.text
    assert [each["fresh"] for each in asked] == [False, True]
    assert [run.issued_at > then for run in inbox(ada)] == [True]
