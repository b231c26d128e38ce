"""How runs end, each really run: what passes, what fails, and all that must be neither."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lfci_gate.engines.outcome import Ended, RunResult, judge
from lfci_gate.engines.sandbox import Limits
from lfci_gate.model import Outcome, ReportSpec, TestCase
from lfci_gate.value import replace
from tests.support.world_project import GREEN, JUNIT, RED, Project, definition, processes_with, report

MIB = 1 << 20
MARKER = f"77000{os.getpid()}"
"""Seconds that nobody else sleeps."""


def assert_undecided(result: RunResult, code: str) -> None:
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, code), result
    assert result.result is None


def test_a_failing_command_fails_with_its_own_status(project: Project) -> None:
    result = project.run("echo before; exit 7")
    assert (result.outcome, result.code, result.exit_code) == (Outcome.FAILED, "LFCI307", 7)
    assert result.result is not None
    assert result.result.exit_code == 7
    assert project.heard.output == b"before\n"


def test_errexit_and_nounset_hold_in_the_command(project: Project) -> None:
    assert project.run("false; true").outcome is Outcome.FAILED
    assert project.run("echo $nothing_of_that_name; true").outcome is Outcome.FAILED


def test_a_list_is_an_argv_that_no_shell_reads(project: Project) -> None:
    assert project.said(("printf", "%s|", "a b", "$HOME", "it's", "*")) == "a b|$HOME|it's|*|"


def test_failed_tests_with_a_failing_command_are_failed(project: Project) -> None:
    result = project.run(definition(f"{report(RED)}; exit 1", report=JUNIT))
    assert (result.outcome, result.code) == (Outcome.FAILED, "LFCI307")
    assert result.remarks == ()


def test_a_command_that_fails_outside_its_tests_is_failed_with_a_remark(project: Project) -> None:
    result = project.run(definition(f"{report(GREEN)}; exit 1", report=JUNIT))
    assert (result.outcome, result.code) == (Outcome.FAILED, "LFCI307")
    assert "no failed test" in result.remarks[0]


def test_failed_tests_with_status_0_are_undecided(project: Project) -> None:
    assert_undecided(project.run(definition(report(RED), report=JUNIT)), "LFCI312")


def test_failed_tests_with_status_0_are_failed_where_the_report_tells(project: Project) -> None:
    told = replace(definition(report(RED), report=JUNIT), failures="report")
    result = project.run(told)
    assert (result.outcome, result.code, result.exit_code) == (Outcome.FAILED, "LFCI307", 0)
    assert result.message == "the report has 1 failed test(s)"
    assert result.result is not None
    assert [case.outcome for case in result.result.tests] == ["failed"]


@pytest.mark.parametrize(
    ("status", "xml", "artifact", "outcome", "code"),
    [
        (0, ("passed",), True, Outcome.PASSED, None),
        (0, ("passed", "failed"), True, Outcome.FAILED, "LFCI307"),
        (1, ("passed", "failed"), True, Outcome.FAILED, "LFCI307"),
        (1, ("passed",), True, Outcome.FAILED, "LFCI307"),
        (0, ("skipped",), True, Outcome.UNDECIDED, "LFCI311"),
        (0, (), True, Outcome.UNDECIDED, "LFCI311"),
        (0, None, True, Outcome.UNDECIDED, "LFCI310"),
        (0, ("passed", "failed"), False, Outcome.UNDECIDED, "LFCI320"),
        (137, ("failed",), True, Outcome.UNDECIDED, "LFCI313"),
    ],
)
def test_where_the_report_tells_everything_else_is_as_ever(
    status: int, xml: tuple[str, ...] | None, artifact: bool, outcome: Outcome, code: str | None
) -> None:
    check = replace(definition("x", report=JUNIT), failures="report")
    cases = None if xml is None else tuple(TestCase(str(at), each) for at, each in enumerate(xml))
    found = judge(check, Ended("exit", True, status), cases, () if artifact else ("a",))
    assert (found.outcome, found.code) == (outcome, code)


@pytest.mark.parametrize(
    "command",
    [
        "true",
        ": > $out/junit.xml",
        report("<testsuite"),
        report("<html/>"),
        report('<!DOCTYPE x [<!ENTITY e "v">]><testsuite><testcase name="&e;"/></testsuite>'),
        "ln -s /etc/passwd $out/junit.xml",
        "mkdir $out/junit.xml",
        "mkfifo $out/junit.xml",
    ],
    ids=["missing", "empty", "cut", "html", "entity", "link", "directory", "pipe"],
)
def test_a_report_that_cannot_be_read_is_undecided(project: Project, command: str) -> None:
    assert_undecided(project.run(definition(command, report=JUNIT)), "LFCI310")


def test_a_test_that_ends_the_interpreter_leaves_no_report_and_is_undecided(project: Project) -> None:
    project.write({"test_it.py": "import os\ndef test_one():\n    os._exit(0)\n"})
    command = "python3 -m pytest -q -p no:cacheprovider --junitxml=$out/junit.xml"
    assert_undecided(project.run(definition(command, report=JUNIT)), "LFCI310")


def test_a_report_without_executed_tests_is_undecided(project: Project) -> None:
    skipped = '<testsuite><testcase name="one"><skipped/></testcase></testsuite>'
    for xml in ("<testsuite/>", skipped):
        assert_undecided(project.run(definition(report(xml), report=JUNIT)), "LFCI311")


def test_tap_is_read_from_the_output(project: Project) -> None:
    check = definition(
        "echo noise; printf '1..2\\nok 1 - a\\nok 2 - b # SKIP\\n'", report=ReportSpec("tap", None)
    )
    result = project.run(check)
    assert result.outcome is Outcome.PASSED
    assert result.result is not None
    assert [(case.id, case.outcome) for case in result.result.tests] == [("a", "passed"), ("b", "skipped")]


def test_artifacts_are_stored_by_content(project: Project) -> None:
    result = project.run(definition("mkdir $out/d; printf data > $out/d/file", artifacts=("d/file",)))
    assert result.result is not None
    [artifact] = result.result.artifacts
    assert artifact.path == "d/file"
    assert project.cas.read(artifact.sha256) == b"data"


@pytest.mark.parametrize("command", ["true", "ln -s /etc/passwd $out/file", "mkdir $out/file"])
def test_a_missing_artifact_is_undecided(project: Project, command: str) -> None:
    assert_undecided(project.run(definition(command, artifacts=("file",))), "LFCI320")


def test_a_run_that_takes_too_long_is_killed_and_undecided(project: Project) -> None:
    started = time.monotonic()
    assert_undecided(project.run(definition(f"sleep {MARKER}", timeout_s=1)), "LFCI308")
    assert time.monotonic() - started < 20
    assert processes_with(MARKER) == []


def test_what_runs_in_the_background_ends_with_the_command(project: Project) -> None:
    """Also when it left the session, ignores signals and has closed its files."""
    command = f"(trap '' HUP TERM; setsid sleep {MARKER} >/dev/null 2>&1 &); (sleep {MARKER} &); echo done"
    result = project.run(command)
    assert result.outcome is Outcome.PASSED
    assert processes_with(MARKER) == []


@pytest.mark.parametrize(
    "command",
    ["kill -9 $PPID", "kill -9 $(cut -d ' ' -f 4 /proc/$PPID/stat)", "kill -9 -1"],
    ids=["inner shell", "outer shell", "all"],
)
def test_killing_the_run_script_from_inside_is_undecided(project: Project, command: str) -> None:
    assert_undecided(project.run(f"{command}; sleep 5"), "LFCI309")


def test_a_command_ended_by_a_signal_from_outside_is_undecided(project: Project) -> None:
    assert_undecided(project.run("kill -KILL $$"), "LFCI313")
    assert_undecided(project.run("kill -TERM $$"), "LFCI314")


def test_a_crash_is_a_failure_of_the_program(project: Project) -> None:
    assert project.run("kill -SEGV $$").outcome is Outcome.FAILED


def test_more_output_than_allowed_is_undecided(project: Project) -> None:
    result = project.run("yes flood", limits=Limits(log_bytes=4 * MIB, log_stored_bytes=MIB))
    assert_undecided(result, "LFCI313")
    assert 4 * MIB < result.log_size < 5 * MIB
    assert result.log_stored is not None
    assert len(project.cas.read(result.log_stored) or b"") == MIB


def test_a_long_log_is_hashed_whole_and_stored_up_to_the_cap(project: Project) -> None:
    result = project.run("yes 0123456789 | head -c 300000", limits=Limits(log_stored_bytes=1000))
    assert result.outcome is Outcome.PASSED
    assert result.log_size == 300000
    assert result.log_stored != result.log_sha256


def test_a_full_disk_is_undecided(project: Project) -> None:
    """The disk of the sandbox: what /build may hold."""
    fill = "head -c 64000000 /dev/zero > big; sleep 20"
    assert_undecided(project.run(fill, limits=Limits(build_bytes=32 * MIB)), "LFCI313")


def test_a_full_temporary_directory_fails_the_command_only(project: Project) -> None:
    write = "open('/tmp/big', 'wb').write(bytes(8 << 20))"
    result = project.run(f'python3 -c "{write}"', limits=Limits(tmp_bytes=4 * MIB))
    assert result.outcome is Outcome.FAILED
    assert b"No space left" in project.heard.output


def test_a_file_larger_than_allowed_is_undecided(project: Project) -> None:
    result = project.run("head -c 8000000 /dev/zero > big", limits=Limits(file_bytes=4 * MIB))
    assert_undecided(result, "LFCI313")


def test_more_memory_than_allowed_is_undecided(project: Project) -> None:
    command = "python3 -c 'import time; x = bytearray(96 << 20); time.sleep(30)'"
    assert_undecided(project.run(command, limits=Limits(memory_bytes=64 * MIB)), "LFCI313")


def test_what_a_run_leaves_is_removed_however_it_is_closed_or_nested(project: Project) -> None:
    hostile = (
        "mkdir -p closed/in; touch closed/in/file; chmod 000 closed/in closed;"
        "python3 -c \"import os\nfor _ in range(3000):\n os.mkdir('d'); os.chdir('d')\";"
        "ln -s / root; mkfifo pipe"
    )
    assert project.run(hostile).outcome is Outcome.PASSED


def test_two_runs_give_the_same_result_document(project: Project) -> None:
    check = definition(f"echo $RANDOM; {report(GREEN)}; echo x > $out/a", report=JUNIT, artifacts=("a",))
    first, second = project.run(check), project.run(check)
    assert first.result == second.result
    assert first.drv_path == second.drv_path
    assert first.log_sha256 != second.log_sha256


def test_the_exact_nix_command_is_told(project: Project) -> None:
    project.run("true")
    detail = dict(project.heard.phases)["run"]
    assert "nix develop" in detail
    assert "--ignore-environment" in detail
    assert Path(detail.split()[0]).is_absolute()
