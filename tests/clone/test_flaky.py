"""`lfci check --twice` and `--runs`, and attempts, with real runs of a project that is not steady."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.clone.attempts import Attempts
from lfci_gate.clone.check import project_config
from lfci_gate.clone.known import ask
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Outcome
from lfci_gate.system import current_system
from tests.clone.conftest import Worker, save_key
from tests.clone.test_land import landed, random_bytes, tip
from tests.clone.test_real_runs import inbox
from tests.gate.conftest import Farm
from tests.support.forge import AGENT, RULE, Developer, policy_text
from tests.support.world import World, project_flake
from tests.support.world_project import NO_MEMORY, runs_programs_in_memory

pytestmark = pytest.mark.nix

CONFIG = b"""\
version = 1
[checks.test]
run = "python3 suite.py"
report = { format = "junit", path = "junit.xml" }
artifacts = ["order"]
inputs = ["suite.py", "tests/", "setting"]
"""
SUITE = b"""\
import os, socket, sys, time
TESTS = {
    "steady": lambda: True,
    "broken": lambda: False,
    "processors": lambda: len(os.sched_getaffinity(0)) > 1,
    "host": lambda: socket.gethostname() == "localhost",
    "process": lambda: os.getpid() < 100,
    "chance": lambda: os.urandom(1)[0] < 128,
    "slow": lambda: time.sleep(1) or True,
}
wanted = open("setting").read().split()
listed = os.listdir("tests") if "order" in wanted else []
open(os.environ["out"] + "/order", "w").write(" ".join(listed))
failed, xml = 0, ""
for number, name in enumerate(wanted):
    if name in TESTS:
        good = TESTS[name]()
        failed += not good
        xml += f'<testcase name="{name}{number}" time="0.5">{"" if good else "<failure/>"}</testcase>'
open(os.environ["out"] + "/junit.xml", "w").write(f"<testsuite>{xml}</testsuite>")
print("ran")
sys.exit(failed > 0)
"""


@pytest.fixture(scope="module")
def project(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    place = tmp_path_factory.mktemp("flaky")
    nix, lock = project_flake(world)
    policy = policy_text(rules=({**RULE, "require": [{**RULE["require"][0], "max-attempts": 1}]},))
    worker = Worker(Developer(place / "clone", farm.empty(policy)), save_key(AGENT, place / "key"))
    worker.edit(
        {
            ".lfci/config.toml": CONFIG,
            ".lfci/policy.toml": policy,
            "flake.nix": nix.encode(),
            "flake.lock": lock.encode(),
            "suite.py": SUITE,
            "setting": b"steady",
            **{f"tests/{name}": b"" for name in "hgfedcba"},
        },
        "first",
    )
    return worker


def choose(project: Worker, tests: str) -> None:
    """A tree whose suite is of these tests, unlike those of other tests."""
    project.edit({"setting": f"{tests} {random_bytes().hex()}".encode()})


def answer(project: Worker, *words: str, status: int) -> Any:
    shown = project.lfci("check", "--format", "json", *words)
    assert shown.status == status, shown.text
    [check] = shown.json["checks"]
    return check


def test_what_depends_on_the_machine_is_named_and_not_attested(project: Worker) -> None:
    choose(project, "steady order processors host process")
    before = inbox(project)
    shown = project.lfci("check", "--twice")
    assert shown.status == 3, shown.text
    lines = shown.out.splitlines()
    assert lines[0].startswith("test: undecided, ")
    differences = [line.removeprefix("  differs: ") for line in lines if line.startswith("  differs: ")]
    assert differences[:4] == [
        "exit status: as usual 0, otherwise 1",
        "test host3: as usual passed, otherwise failed",
        "test process4: as usual passed, otherwise failed",
        "test processors2: as usual passed, otherwise failed",
    ]
    unvaried = [line for line in lines if "not varied" in line]
    if runs_programs_in_memory():
        assert differences[4].startswith("artifact 'order': as usual ")
        assert unvaried == []
    else:
        assert len(differences) == 4
        assert unvaried == [f"  not varied: {NO_MEMORY}"]
    in_memory = ", files in memory" if runs_programs_in_memory() else ""
    assert f"  the second run had: 1 processor{in_memory}, host name elsewhere, other process ids" in lines
    logs = [line.rpartition(" ")[2] for line in lines if line.startswith("  log of run ")]
    assert [Path(log).read_bytes() for log in logs] == [b"ran\n"] * 2
    assert "error[LFCI334]: check test is undecided: it ended otherwise under other settings" in shown.err
    assert "run 2 of 2, otherwise: 1 processor" in shown.err
    assert inbox(project) == before
    # What failed in the second run is remembered: the run that passes now is not the first attempt.
    check = answer(project, status=0)
    assert check["attempt"] == 2
    assert inbox(project)[check["attestation"]].attempt == 2


def test_what_is_steady_is_attested_as_the_normal_run_that_it_was(project: Worker) -> None:
    choose(project, "steady")
    before = inbox(project)
    check = answer(project, "--twice", status=0)
    [name] = inbox(project).keys() - before.keys()
    assert (check["attestation"], check["known"], check["attempt"]) == (name, False, 1)
    repeated = check["repeated"]
    assert [each["result"] for each in repeated["runs"]] == ["PASSED", "PASSED"]
    assert (repeated["differences"], repeated["stopped"]) == ([], None)
    run = inbox(project)[name]
    # It is the first of the two: their times differ by a second, and it says so.
    assert (run.result, run.attempt, run.duration_ms) == (Outcome.PASSED, 1, check["durationMs"])
    assert answer(project, status=0)["known"]
    # Known or not: who asks for two runs gets two.
    check = answer(project, "--twice", "--no-attest", "--engine", "build", status=0)
    assert (len(check["repeated"]["runs"]), check["attestation"]) == (2, None)
    assert check["repeated"]["settings"] == ["1 processor"]


def test_a_table_of_many_runs(project: Worker) -> None:
    choose(project, "steady " + "chance " * 40)
    before = inbox(project)
    shown = project.lfci("check", "--runs", "3", "--format", "json")
    assert shown.status == 3, shown.text
    [check] = shown.json["checks"]
    assert (check["code"], check["result"], check["attestation"]) == ("LFCI334", "UNDECIDED", None)
    repeated = check["repeated"]
    assert (repeated["passed"], repeated["failed"], repeated["undecided"]) == (0, 3, 0)
    unsteady = repeated["unsteadyTests"]
    assert all(each["passed"] + each["failed"] == 3 for each in unsteady)
    assert len(unsteady) + repeated["steadyTests"] == 41
    assert unsteady[0]["seconds"] == {"min": 0.5, "median": 0.5, "max": 0.5}
    assert "test (2 of 3): failed, " in shown.err
    assert inbox(project) == before


def test_runs_that_all_fail_alike_are_one_attested_failure(project: Worker) -> None:
    choose(project, "broken")
    before = inbox(project)
    check = answer(project, "--runs", "2", status=1)
    [name] = inbox(project).keys() - before.keys()
    assert (check["attestation"], check["result"]) == (name, "FAILED")
    assert (inbox(project)[name].result, inbox(project)[name].attempt) == (Outcome.FAILED, 1)
    check = answer(project, status=1)
    assert (check["attempt"], inbox(project)[check["attestation"]].attempt) == (3, 3)


def test_a_later_attempt_lands_only_where_the_rule_takes_it(project: Worker) -> None:
    choose(project, "steady")
    landed(project)
    choose(project, "steady")
    with BatchReader(project.repo.tool) as objects:
        tree = objects.resolve("HEAD^{tree}")
        assert tree is not None
        [definition] = project_config(objects, tree).checks
        asked = ask(objects, tree, definition, "refs/heads/main", None, current_system())
    Attempts(project.path / ".git").add(asked, None, 1)
    shown = project.lfci("check")
    assert shown.status == 0
    assert ", attempt 2, " in shown.out
    assert "not enough yet for refs/heads/main: this is attempt 2, and the rule takes at most 1" in shown.err
    before = tip(project)
    shown = project.lfci("land")
    assert shown.status == 1, shown.text
    assert "error[LFCI109]" in shown.err
    assert "it is attempt 2, and at most 1 counts" in shown.err
    assert tip(project) == before


def test_an_interrupted_table_shows_what_there_is(project: Worker) -> None:
    choose(project, "steady slow")
    program = project.start("check", "--runs", "1000", "--format", "json")
    assert program.stderr is not None
    for line in program.stderr:
        if line.startswith("test (2 of 1000): run: "):
            break
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 3, err
    [check] = json.loads(out)["checks"]
    assert (check["code"], check["attestation"], check["repeated"]["stopped"]) == ("LFCI314", None, "LFCI314")
    assert (check["repeated"]["passed"], check["repeated"]["wanted"]) == (1, 1000)
    assert "error[LFCI314]: check test is undecided: the run was interrupted, after 1 of 1000 runs" in err


@pytest.mark.parametrize(
    "words",
    [
        ("--runs", "1"),
        ("--runs", "0"),
        ("--runs", "1001"),
        ("--runs", "-2"),
        ("--runs", "x"),
        ("--twice", "--runs", "2"),
        ("--twice", "--trailer"),
        ("--runs", "2", "--trailer"),
        ("--twice", "--unsandboxed"),
        ("--runs", "2", "--unsandboxed"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_runs(
    project: Worker, words: tuple[str, ...]
) -> None:
    shown = project.lfci("check", *words)
    assert shown.status == 2, shown.text
    assert "error[LFCI514]" in shown.err
