"""The whole way with real Nix in the offline world: run, attest, land, verify, derive again.

Runs cost seconds, so one project serves the module and each run is looked at from several sides.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import CheckRun, ObjectId, Outcome
from lfci_gate.value import replace
from tests.clone.conftest import Worker, save_key
from tests.clone.test_land import landed, random_bytes, tip
from tests.gate.conftest import Farm
from tests.support.forge import AGENT, Developer, policy_text
from tests.support.world import World, project_flake
from tests.support.world_project import GREEN, RED

pytestmark = pytest.mark.nix

REPORTING = b"""\
version = 1

[checks.test]
run = "bash ./check.sh"
report = { format = "junit", path = "junit.xml" }
inputs = ["check.sh"]

[checks.slow]
run = "sleep 60"
inputs = ["slow"]
timeout = "1s"
"""


@pytest.fixture(scope="module")
def project(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """An empty forge, and a clone with a project whose check really runs; nothing has landed."""
    place = tmp_path_factory.mktemp("real")
    nix, lock = project_flake(world)
    worker = Worker(Developer(place / "clone", farm.empty()), save_key(AGENT, place / "key"))
    worker.edit(
        {
            ".lfci/config.toml": REPORTING,
            ".lfci/policy.toml": policy_text(),
            "flake.nix": nix.encode(),
            "flake.lock": lock.encode(),
            "check.sh": script(GREEN),
            "slow": b"1",
        },
        "first",
    )
    return worker


def script(xml: str, status: int = 0) -> bytes:
    return f"echo working; printf %s '{xml}' > $out/junit.xml; exit {status}\n".encode()


def inbox(worker: Worker) -> dict[str, CheckRun]:
    """The runs that the clone keeps, by attestation id."""
    found = {}
    lines = worker.repo.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/lfci/inbox").decode()
    with BatchReader(worker.repo.tool) as objects:
        for line in lines.splitlines():
            ref, oid = line.split(" ")
            bundle, _ = read_inbox_tree(objects, ObjectId(oid))
            run = parse_statement(parse_bundle(bundle).envelope.payload)
            assert isinstance(run, CheckRun)
            found[ref.split("/")[-1]] = run
    return found


def test_from_a_run_to_a_derived_landing(project: Worker, clone_of: Callable[..., Worker]) -> None:
    shown = project.lfci("check", "--format", "json")
    assert shown.status == 0, shown.text
    answer = shown.json
    [check] = answer["checks"]
    assert (answer["result"], check["known"], check["result"], check["exitCode"]) == (
        "PASSED",
        False,
        "PASSED",
        0,
    )
    assert check["tests"] == {"passed": 1, "failed": 0, "skipped": 0}
    assert check["derivation"].startswith("/nix/store/")
    assert check["durationMs"] >= 0
    log = project.path / ".git/lfci/cas/sha256" / check["log"][:2] / check["log"][2:]
    assert log.read_bytes() == b"working\n"
    # Its output and the exact command went to stderr.
    assert "working\n" in shown.err
    assert "nix" in shown.err

    [(name, run)] = inbox(project).items()
    assert name == check["attestation"]
    assert (run.attester, run.attester_kind, run.target_ref) == ("agent", "agent", "refs/heads/main")
    assert (run.result, run.hermetic, run.drv_path) == (Outcome.PASSED, True, check["derivation"])

    known = project.lfci("check", "--format", "json").json
    assert known["checks"][0]["known"]
    assert landed(project)["checks"][0]["attestation"] == name
    assert tip(project) == project.head()

    reader = clone_of(project.forge, "reader")
    reader.lfci("install")
    reader.repo.git("fetch", "-q")
    shown = reader.lfci("verify", "--rederive", "--format", "json")
    assert shown.status == 0, shown.text
    [commit] = shown.json["commits"]
    assert commit["assurance"] == "derived"
    [again] = commit["derivations"]
    assert (again["check"], again["same"], again["keys"]) == ("test", True, ["agent"])
    assert (again["attested"], again["found"]) == (run.drv_path, run.drv_path)
    assert again["attestation"] == name

    # The same key says the same of another derivation: signed and accepted, but not what this tree gives.
    other = f"/nix/store/{'0' * 32}{run.drv_path[43:]}"
    document = reader.repo.git("cat-file", "blob", f"refs/lfci/results:{_result_path(run)}")
    lie = replace(run, drv_path=other)
    store_evidence(reader.repo.tool, reader.developer.bundle(lie, AGENT), document)
    reader.repo.git("update-ref", "-d", "refs/notes/lfci")
    shown = reader.lfci("verify", "--rederive")
    assert shown.status == 1, shown.text
    assert "another derivation (LFCI321)" in shown.text
    assert "assurance: claimed" in shown.out


def _result_path(run: CheckRun) -> str:
    return f"{run.result_sha256[:2]}/{run.result_sha256[2:]}"


def test_a_failing_check_is_attested_and_vetoes(project: Worker, tmp_path: Path) -> None:
    project.edit({"check.sh": script(RED, 1)})
    shown = project.lfci("check", "--trailer", "--format", "json")
    assert shown.status == 1, shown.text
    [check] = shown.json["checks"]
    assert (shown.json["result"], check["result"], check["code"]) == ("FAILED", "FAILED", "LFCI307")
    assert shown.json["trailer"] is None
    assert "error[LFCI307]: check test failed" in shown.err
    [log] = [line.removeprefix("  log: ") for line in shown.err.splitlines() if line.startswith("  log: ")]
    assert Path(log).read_bytes() == b"working\n"
    assert "more: lfci explain LFCI307" in shown.err
    run = inbox(project)[check["attestation"]]
    assert (run.result, run.exit_code) == (Outcome.FAILED, 1)
    # The failure of the same key is the newer word: nothing lands with an older pass.
    project.attest(issued_at=run.issued_at, started_at=run.started_at)
    pushed = project.developer.push("origin", "HEAD:main", *_all_inbox(project))
    assert pushed.status != 0
    assert "LFCI108" in pushed.codes


def _all_inbox(worker: Worker) -> list[str]:
    lines = worker.repo.git("for-each-ref", "--format=%(objectname):%(refname)", "refs/lfci/inbox")
    return [str(line) for line in lines.decode().split()]


def test_undecided_is_not_attested(project: Worker) -> None:
    project.edit({"slow": random_bytes()})
    before = inbox(project)
    shown = project.lfci("check", "slow", "--format", "json")
    assert shown.status == 3, shown.text
    [check] = shown.json["checks"]
    assert (shown.json["result"], check["code"], check["attestation"]) == ("UNDECIDED", "LFCI308", None)
    assert "error[LFCI308]" in shown.err
    assert "the run printed nothing" in shown.err
    assert inbox(project) == before


def test_without_attesting_nothing_is_kept_and_no_key_is_needed(project: Worker) -> None:
    project.edit({"check.sh": script(GREEN) + b"# again\n"})
    before = inbox(project)
    shown = project.lfci("check", "--no-attest", env={"LFCI_KEY": "/nowhere"})
    assert shown.status == 0, shown.text
    assert shown.out.startswith("test: passed, 1 test passed, 0 failed, 0 skipped, ")
    assert "attestation" not in shown.out
    assert inbox(project) == before


def test_a_run_of_the_working_copy_lands_as_the_commit_of_it(project: Worker) -> None:
    """Checked before it is committed: the commit has the same tree, so nothing runs again."""
    project.repo.git("reset", "-q", "--hard", "origin/main")
    project.repo.write("check.sh", script(GREEN) + b"# better\n")
    shown = project.lfci("check")
    assert shown.status == 0, shown.text
    assert "not HEAD; commit exactly this to land it" in shown.err
    project.repo.commit("better")
    answer: Any = landed(project)
    assert answer["checks"][0]["known"]
    assert tip(project) == project.head()
