"""The build engine: it makes of a run what the develop engine makes of it, and Nix's sandbox is on."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.attest.results import result_document
from lfci_gate.engines.outcome import RunResult
from lfci_gate.engines.sandbox import Limits
from lfci_gate.errors import Undecided, UsageError
from lfci_gate.model import CheckDefinition, Engine, Outcome, ReportSpec
from lfci_gate.nix.process import Completed, Nix
from tests.support.world_project import (
    GREEN,
    JUNIT,
    RED,
    Project,
    definition,
    flake_check,
    left_behind,
    report,
)

Make = Callable[..., Project]

TEST = """
import os, pytest

@pytest.mark.parametrize("name", sorted(os.environ))
def test_variable(name):
    pass

def test_identity():
    assert (os.getuid(), os.getgid(), os.getcwd(), os.umask(0)) == (1000, 100, "/build/source", 0o22)

@pytest.mark.skipif(not os.isatty(1), reason="")
def test_terminal():
    pass
"""

SHELLS = ("plain", "stdenv", "structured", "devshell")


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    private = tmp_path / "private"
    private.mkdir()
    return Nix(private, options=(("substitute", "false"),))


def shell(kind: str, extra: str = "") -> str:
    return f'{{ devShells.x86_64-linux.default = world.lib.shell "{kind}" {{ {extra} }}; }}'


def by_both(project: Project, check: CheckDefinition | str) -> tuple[RunResult, RunResult, bytes]:
    """The results of both engines, and what the build engine showed."""
    develop = project.run(check)
    build = project.run(check, engine=Engine.BUILD)
    return develop, build, project.heard.output


def gist(result: RunResult) -> tuple[object, ...]:
    return (
        *(result.outcome, result.code, result.exit_code, result.counts, result.hermetic),
        *(result.drv_path, result.nar_hash, result.result and result_document(result.result)),
    )


def drv_of(nix: Nix, check_drv: str) -> str:
    """The run behind a check derivation."""
    asked = nix.run_store("-q", "--references", check_drv).stdout.decode().split()
    return next(path for path in asked if path.endswith("-lfci-run-1-test.drv"))


def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *lines: str) -> None:
    """The operator's nix.conf."""
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "nix.conf").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setenv("NIX_CONF_DIR", str(conf))


# -- the same result ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHELLS)
def test_both_engines_give_the_same_result(make_project: Make, tmp_path: Path, kind: str) -> None:
    project = make_project(shell(kind))
    project.write({"test_it.py": TEST, "random": str(tmp_path)})  # never built before
    command = "python3 -m pytest -q -s -p no:cacheprovider --junitxml=$out/junit.xml; env | sort > $out/env"
    check = definition(command, report=JUNIT, artifacts=("env",), env={"MADE": "x"})
    develop, build, output = by_both(project, check)
    assert build.outcome is Outcome.PASSED, output
    assert build.result is not None
    assert develop.result is not None
    here, there = (project.cas.read(each.artifacts[0].sha256) for each in (develop.result, build.result))
    assert json.dumps(here.decode().splitlines()) == json.dumps(there.decode().splitlines())  # type: ignore[union-attr]
    assert gist(build) == gist(develop)
    assert (build.engine, build.sandbox) != (develop.engine, develop.sandbox)
    assert b" passed" in output
    assert re.search(r"nix-store --realise /nix/store/\S+-lfci-run-1-test.drv$", project.heard.phases[-1][1])


@pytest.mark.parametrize(
    ("command", "spec", "artifacts", "code"),
    [
        (f"{report(RED)}; exit 3", JUNIT, (), "LFCI307"),
        ("exit 255", None, (), "LFCI307"),
        (report(RED), JUNIT, (), "LFCI312"),
        (":", JUNIT, (), "LFCI310"),
        (report("<testsuite/>"), JUNIT, (), "LFCI311"),
        ("kill -9 $$", None, (), "LFCI313"),
        ("kill -9 $PPID", None, (), "LFCI309"),
        ("printf '1..2\\nok 1 - a\\nnot ok 2 - b\\n'; exit 1", ReportSpec("tap", None), (), "LFCI307"),
        ("printf 'noise\\n1..1\\r\\nok 1 - ä # skip\\n'", ReportSpec("tap", None), (), "LFCI311"),
        ("printf 'ok 1 - ä\\n1..1'", ReportSpec("tap", None), (), None),
        ("echo one > $out/x", None, ("x", "y/z"), "LFCI320"),
        ("mkdir -p $out/y; head -c 70000 /bin/sh > $out/x; : > $out/y/z", None, ("x", "y/z"), None),
        # Nix's store takes neither these nor what cannot be read; the results beside them are kept.
        ("mkfifo $out/pipe; ln -s /none $out/link; : > $out/x; chmod 0 $out/x", None, ("x",), None),
        ("rm -r $out", None, (), None),
        ("rm -r $out; ln -s / $out", JUNIT, (), "LFCI310"),
        ("mkdir $out/lfci; echo 1 > $out/status; exit 0", None, ("status",), None),
        ("(while :; do echo late > $out/x; done) & sleep 0.2; echo > $out/x", None, (), None),
    ],
)
def test_both_engines_agree_on_every_end(
    project: Project,
    command: str,
    spec: ReportSpec | None,
    artifacts: tuple[str, ...],
    code: str | None,
) -> None:
    develop, build, _ = by_both(project, definition(command, report=spec, artifacts=artifacts))
    assert build.code == code, build
    assert gist(build) == gist(develop)


def test_the_log_of_a_failed_run_is_kept(project: Project, tmp_path: Path) -> None:
    develop, build, output = by_both(project, f"echo {tmp_path}; echo to stderr >&2; exit 1")
    assert output == f"{tmp_path}\nto stderr\n".encode()
    assert build.log_stored is not None
    assert project.cas.read(build.log_stored) == output
    assert (build.log_sha256, build.log_size) == (develop.log_sha256, develop.log_size)


@pytest.mark.parametrize("text", ["exit 0", "exec true", "trap 'exit 0' EXIT; exit 1", "builtin() { :; }"])
def test_no_trick_of_a_hook_makes_a_failing_command_pass(make_project: Make, text: str) -> None:
    project = make_project(shell("plain", f"shellHook = ''{text}'';"))
    develop, build, _ = by_both(project, "exit 1")
    assert build.outcome is not Outcome.PASSED
    assert gist(build) == gist(develop)


# -- every run is a run ---------------------------------------------------------------------------


def test_what_was_built_before_is_run_again(project: Project, tmp_path: Path) -> None:
    """Also when the new output differs from the one that the store has, or is equal to it."""
    project.write({"random": str(tmp_path)})
    command = "python3 -c 'import os; print(os.urandom(8).hex())' | tee $out/x"
    seen = set()
    for _ in range(3):
        result = project.run(definition(command, artifacts=("x",)), engine=Engine.BUILD)
        assert (result.outcome, result.code) == (Outcome.PASSED, None)
        assert result.result is not None
        artifact = project.cas.read(result.result.artifacts[0].sha256)
        assert artifact == project.heard.output
        seen.add(artifact)
    assert len(seen) == 3
    outputs = {project.run("echo again", engine=Engine.BUILD).outcome: project.heard.output for _ in "12"}
    assert outputs == {Outcome.PASSED: b"again\n"}


def test_an_output_that_somebody_altered_is_not_believed(project: Project, tmp_path: Path, nix: Nix) -> None:
    """Nix compares a second build with what it remembers, not with what lies there."""
    project.write({"random": str(tmp_path)})
    result = project.run("exit 4", engine=Engine.BUILD)
    assert result.exit_code == 4
    out = Path(nix.run_store("-q", "--outputs", drv_of(nix, result.drv_path)).stdout.decode().strip())
    status = out / "status"
    status.chmod(0o644)
    status.write_text("0\n")
    try:
        with pytest.raises(Undecided) as undecided:
            project.run("exit 4", engine=Engine.BUILD)
    finally:
        status.write_text("4\n")
        status.chmod(0o444)
    assert undecided.value.code == "LFCI326"
    assert str(out) in undecided.value.facts[0]
    assert project.run("exit 4", engine=Engine.BUILD).exit_code == 4


def test_a_check_derivation_can_be_built_when_the_command_succeeds_and_only_then(
    project: Project, tmp_path: Path, nix: Nix
) -> None:
    """So that Nix alone can tell, without us."""
    project.write({"random": str(tmp_path)})
    good, bad = (project.run(command).drv_path for command in ("echo kept > $out/x", "exit 7"))
    done = nix.run_store("--realise", good)
    assert done.status == 0, done.stderr
    kept = Path(Path(done.stdout.decode().strip()).read_text().strip())
    assert (kept / "out/x").read_text() == "kept\n"
    done = nix.run_store("--realise", bad)
    assert (done.status, b"exit code 7" in done.stderr) == (100, True)


# -- limits and interruption ----------------------------------------------------------------------


def test_time_and_output_are_limited(project: Project) -> None:
    slow = project.run(definition("echo begun; sleep 1618034", timeout_s=1), engine=Engine.BUILD)
    assert (slow.outcome, slow.code, project.heard.output) == (Outcome.UNDECIDED, "LFCI308", b"begun\n")
    loud = project.run("yes", engine=Engine.BUILD, limits=Limits(log_bytes=1 << 16))
    assert (loud.outcome, loud.code) == (Outcome.UNDECIDED, "LFCI313")
    assert loud.log_size <= 1 << 16
    assert left_behind() == []
    assert subprocess.run(["pgrep", "-f", "sleep 1618034"], capture_output=True).stdout == b""


def test_an_input_that_cannot_be_built_is_no_failure_of_the_check(
    make_project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, tmp_path, "substituters =")  # there is none to be reached
    broken = 'derivation (world.lib.base // { name = "broken"; args = [ "-c" "exit 1" ]; })'
    project = make_project(
        f'{{ devShells.x86_64-linux.default = world.lib.shell "plain" {{ x = {broken}; }};'
        f" checks.x86_64-linux.unit = derivation (world.lib.base // {{ x = {broken}; }}); }}"
    )
    for check in (definition("true"), flake_check("unit")):
        with pytest.raises(Undecided) as undecided:
            project.run(check, engine=Engine.BUILD)
        assert undecided.value.code == "LFCI306"


# -- the sandbox is on ----------------------------------------------------------------------------


def build_outside(nix: Nix, drv: str, *options: str) -> Completed:
    """With settings that this package never gives to Nix."""
    argv = [nix.nix_store, "--realise", *nix.flags(), *options, drv]
    done = subprocess.run(argv, env=nix.environment, capture_output=True, check=False)
    return Completed(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--option", "sandbox", "false"), b"no namespaces"),
        (("--option", "extra-sandbox-paths", "/var/tmp"), b"/var of the host"),
        (("--option", "extra-sandbox-paths", "/etc/shells"), b"/etc/shells of the host"),
        (("--option", "sandbox-build-dir", "/elsewhere"), b"no namespaces"),
    ],
)
def test_a_run_outside_nix_s_closed_sandbox_does_not_begin(
    project: Project, tmp_path: Path, nix: Nix, options: tuple[str, ...], word: bytes
) -> None:
    mark = tmp_path / "mark"
    drv = drv_of(nix, project.run(f"echo > {mark}; echo {mark}").drv_path)
    done = build_outside(nix, drv, *options)
    assert done.status != 0
    assert b"exit code 96" in done.stderr
    assert word in done.stderr
    assert not mark.exists()
    assert not Path("/build").exists()


@pytest.mark.parametrize("check", [definition("true"), flake_check("unit")], ids=["run", "flake"])
def test_a_sandbox_that_is_not_nix_s_alone_is_undecided(
    make_project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: CheckDefinition
) -> None:
    """A hook of the operator's adds a folder of the host, which no option of ours takes away."""
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\necho extra-sandbox-paths\necho /var/tmp\necho\n")
    hook.chmod(0o755)
    configure(monkeypatch, tmp_path, f"pre-build-hook = {hook}")
    unit = f'world.lib.base // {{ args = [ "-c" "echo > $out" ]; random = "{tmp_path}"; }}'
    project = make_project(
        '{ devShells.x86_64-linux.default = world.lib.shell "plain" { };'
        f" checks.x86_64-linux.unit = derivation ({unit}); }}"
    )
    result = project.run(check, engine=Engine.BUILD)
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI323")
    assert "/var of the host" in "".join(result.remarks) + project.heard.output.decode()


# -- checks of the flake's own --------------------------------------------------------------------


def unit(script: str, extra: str = "") -> str:
    tools = "PATH = world.lib.path;"
    return (
        "{ checks.x86_64-linux.unit = derivation (world.lib.base // {"
        f" {tools} {extra} args = [ \"-euc\" ''\n{script}\n'' ]; }}); }}"
    )


def test_a_flake_check_passes_when_it_can_be_built(make_project: Make, tmp_path: Path) -> None:
    project = make_project(unit(f"mkdir $out; {report(GREEN)}; echo {tmp_path} | tee $out/x"))
    check = flake_check("unit", report=JUNIT, artifacts=("x",))
    for _ in range(2):
        result = project.run(check, engine=Engine.BUILD)
        assert (result.outcome, result.code, result.exit_code) == (Outcome.PASSED, None, 0), result
        assert (result.engine, result.hermetic) == (Engine.BUILD, True)
        assert project.heard.output == f"{tmp_path}\n".encode()
        assert result.counts is not None
        assert result.counts.passed == 1
        assert result.result is not None
        assert [each.path for each in result.result.artifacts] == ["x"]


MESSAGE = """echo '@nix {"action":"msg","level":0,"msg":"%s"}'"""


@pytest.mark.parametrize(
    ("script", "code", "status"),
    [
        ("echo words; exit 5", "LFCI307", 5),
        # Its own, although the run script would mean something by it.
        ("exit 96", "LFCI307", 96),
        ("exec python3 -c 'import ctypes; ctypes.string_at(0)'", "LFCI307", 139),
        ("true", "LFCI309", None),  # no output
        ("sleep 60", "LFCI308", None),
        # What the builder prints is no word of Nix's, in whichever form.
        ("echo 'error: builder failed with exit code 3'", "LFCI309", None),
        (MESSAGE % "builder failed with exit code 3", "LFCI309", None),
        (MESSAGE % "timed out after" + "; exit 4", "LFCI307", 4),
    ],
)
def test_how_a_flake_check_fails_is_told_apart(
    make_project: Make, tmp_path: Path, script: str, code: str, status: int | None
) -> None:
    project = make_project(unit(script, f'random = "{tmp_path}";'))
    result = project.run(flake_check("unit", timeout_s=2, report=JUNIT), engine=Engine.BUILD)
    assert (result.code, result.exit_code) == (code, status), result
    assert result.outcome is (Outcome.FAILED if status else Outcome.UNDECIDED)


def test_a_flake_check_with_several_outputs_has_its_results_in_the_first(
    make_project: Make, tmp_path: Path
) -> None:
    outputs = f'outputs = [ "res" "out" ]; random = "{tmp_path}";'
    project = make_project(unit("mkdir $res $out; echo > $res/x", outputs))
    result = project.run(flake_check("unit", artifacts=("x",)), engine=Engine.BUILD)
    assert (result.outcome, result.code) == (Outcome.PASSED, None)


def test_each_engine_says_what_it_cannot_run(make_project: Make) -> None:
    project = make_project(unit("echo > $out"))
    for check, engine, hint in (
        (flake_check("unit"), Engine.DEVELOP, "--engine build"),
        (definition("true", network=True), Engine.BUILD, "--engine develop"),
    ):
        with pytest.raises(UsageError) as refused:
            project.run(check, engine=engine)
        assert refused.value.code == "LFCI322"
        assert hint in refused.value.hint
