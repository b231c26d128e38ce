"""From a request to a landing, through a real socket, real git and real Nix."""

from __future__ import annotations

from collections.abc import Callable

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.statement import parse_statement
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import CheckRun, Engine, ObjectId, Outcome
from tests.clone.conftest import Worker
from tests.runner.conftest import script
from tests.support.evidence import REPOSITORY
from tests.support.runner import RUNNER, House
from tests.support.world_project import RED


def inbox(worker: Worker) -> list[CheckRun]:
    """The runs that the clone keeps."""
    oids = worker.repo.git("for-each-ref", "--format=%(objectname)", "refs/lfci/inbox").decode().split()
    found = []
    with BatchReader(worker.repo.tool) as objects:
        for oid in oids:
            run = parse_statement(parse_bundle(read_inbox_tree(objects, ObjectId(oid))[0]).envelope.payload)
            assert isinstance(run, CheckRun)
            found.append(run)
    return found


def test_from_a_request_to_a_landing(runner: House, make_worker: Callable[..., Worker]) -> None:
    """Main wants a runner's word. The agent's own key signs nothing, and need not be there."""
    ada = make_worker()
    ada.env |= {"LFCI_RUNNER": runner.socket, "LFCI_KEY": "/nonexistent/key"}
    # the working copy, before it is committed
    (ada.path / "lint.txt").write_text("finer\n")
    before, builds = ada.mine(), len(runner.builds())
    shown = ada.lfci("check", "--format", "json")
    assert shown.status == 0, shown.text
    [check] = shown.json["checks"]
    assert (check["result"], check["engine"], check["known"]) == ("PASSED", "build", False)
    assert "working\n" in shown.err
    assert ada.mine() == before
    [run] = inbox(ada)
    tree = ada.repo.line("rev-parse", "HEAD^{tree}")
    assert (run.repository, run.check, run.result) == (REPOSITORY, "test", Outcome.PASSED)
    assert (run.attester, run.attester_kind, run.engine) == ("runner-1", "runner", Engine.BUILD)
    assert (run.target_ref, run.session, run.hermetic) == (None, None, True)
    assert run.source_tree != tree  # what was checked, not HEAD
    ada.repo.commit("finer")
    assert run.source_tree == ada.repo.line("rev-parse", "HEAD^{tree}")
    # Known now: nobody is asked again.
    landed = ada.lfci("land")
    assert landed.status == 0, landed.text
    assert "landed" in landed.out
    assert ada.forge.refs()["refs/heads/main"] == ada.head()
    assert len(runner.builds()) == builds + 1
    assert runner.left() == {"incoming": [], "work": []}
    # A clone that does not know it yet gets the same evidence, without another build.
    again = ada.lfci("check", "--runner", "--force", "lint")
    assert again.status == 0, again.text
    ada.repo.git("update-ref", "-d", "refs/notes/lfci")
    ada.repo.git("update-ref", "-d", "refs/lfci/results")
    remembered = ada.lfci("check", "test", "--format", "json")
    assert remembered.status == 0, remembered.text
    assert remembered.json["checks"][0]["attestation"] == check["attestation"]
    assert "remembered by runner runner-1 (runner)" in remembered.err
    assert len(runner.builds()) == builds + 2


def test_agents_own_word_is_enough_for_scratch_branches_only(
    runner: House, make_worker: Callable[..., Worker]
) -> None:
    ada = make_worker()
    ada.env["LFCI_RUNNER"] = runner.socket
    assert ada.lfci("land").status == 0  # by the runner
    ada.edit({"check.sh": script("echo new")})
    ada.attest(engine=Engine.BUILD)  # by the agent's own key
    refused = ada.lfci("land", "--local", "--dry-run")
    assert refused.status == 1, refused.text
    assert "error[LFCI109]" in refused.err
    assert "runner" in refused.err
    # The agent's own word about main does not keep the runner from being asked.
    asked = ada.lfci("check", "test")
    assert (asked.status, "signed by runner" in asked.err) == (0, True), asked.text
    ada.edit({"check.sh": script("echo newer")})
    ada.attest()
    refs = ada.repo.git("for-each-ref", "--format=%(refname):%(refname)", "refs/lfci/inbox").decode().split()
    pushed = ada.developer.push("origin", "HEAD:refs/heads/scratch/ada/1", *refs)
    assert pushed.status == 0, pushed.output


def test_a_failure_is_told_with_its_log_and_run_again(
    runner: House, make_worker: Callable[..., Worker]
) -> None:
    ada = make_worker(**{"check.sh": script("echo the reason", RED, 1)})
    ada.env["LFCI_RUNNER"] = runner.socket
    builds = len(runner.builds())
    for attempt in (1, 2):
        shown = ada.lfci("check", "--format", "json")
        assert shown.status == 1, shown.text
        [check] = shown.json["checks"]
        assert (check["result"], check["code"], check["exitCode"]) == ("FAILED", "LFCI307", 1)
        assert check["attempt"] == attempt
        assert "the reason\n" in shown.err
        log = ada.path / ".git/lfci/cas/sha256" / check["log"][:2] / check["log"][2:]
        assert log.read_bytes() == b"the reason\nworking\n"
        assert f"log: {log}" in shown.err
    assert len(runner.builds()) == builds + 2
    assert "the reason" not in runner.said()
    assert {run.result for run in inbox(ada)} == {Outcome.FAILED}


def test_what_the_runner_will_not_do_is_said_with_a_way_out(
    runner: House, make_worker: Callable[..., Worker]
) -> None:
    ada = make_worker()
    before = runner.evidence()
    for words, status, code, hint in (
        (("net",), 2, "LFCI322", "--engine develop"),
        (("long",), 1, "LFCI525", "--local"),
        (("none",), 2, "LFCI406", ""),
        (("test", "--local"), 2, "LFCI514", ""),
        (("test", "--engine", "develop"), 2, "LFCI514", ""),
        (("test", "--no-attest"), 2, "LFCI514", ""),
    ):
        shown = ada.lfci("check", f"--runner={runner.socket}", *words)
        assert (shown.status, f"error[{code}]" in shown.err) == (status, True), shown.text
        assert hint in shown.err
    nowhere = ada.lfci("check", "--runner=/nonexistent/socket", "test")
    assert (nowhere.status, "error[LFCI526]" in nowhere.err) == (3, True)
    assert runner.evidence() == before
    assert inbox(ada) == []


def test_status_and_doctor_name_the_runner(runner: House, make_worker: Callable[..., Worker]) -> None:
    ada = make_worker()
    ada.repo.git("config", "lfci.runner", runner.socket)
    status = ada.lfci("runner", "status", "--format", "json")
    assert status.status == 0, status.text
    assert status.json["key"] == RUNNER.public.fingerprint
    assert (status.json["name"], status.json["workers"], status.json["yours"]) == ("runner-1", 2, 0)
    assert status.json["repositories"] == [{"id": REPOSITORY, "packs": True, "sources": 0}]
    doctor = ada.lfci("doctor", "--format", "json")
    [finding] = [each for each in doctor.json["findings"] if each["name"] == "runner"]
    assert finding["status"] == "ok", finding
    assert "runner-1" in finding["detail"]
    ada.repo.git("config", "lfci.runner", "/nonexistent/socket")
    doctor = ada.lfci("doctor", "--format", "json")
    [finding] = [each for each in doctor.json["findings"] if each["name"] == "runner"]
    assert (finding["status"], "LFCI526" in finding["detail"]) == ("fail", True)
