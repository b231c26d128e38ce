"""Runs on another machine: they happen there and now, in its sandbox, or nothing is said about them."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lfci_gate.config.machine import parse_machine
from lfci_gate.engines import machine as machine_room
from lfci_gate.engines.outcome import RunResult
from lfci_gate.errors import Undecided, UsageError
from lfci_gate.model import CheckDefinition, Engine, Outcome
from lfci_gate.nix.builders import configure_ssh, uri_of
from lfci_gate.nix.elsewhere import HERE, refuse_unknown_builder
from lfci_gate.nix.process import Nix
from lfci_gate.nix.realise import Realised
from lfci_gate.value import replace
from tests.support.builder import UID, OtherMachine, other_machine
from tests.support.newer_nix import make_newer_nix
from tests.support.transports import until
from tests.support.world_project import Project, definition, flake_check, left_behind, processes_with

Make = Callable[..., Project]
Configure = Callable[..., None]

# With `preferLocalBuild`, as nixpkgs' mkShell has it: Nix would keep it here if it could.
BODY = """{
  devShells.x86_64-linux.default =
    world.lib.shell "plain" { PATH = "${world.lib.tools}/bin"; preferLocalBuild = true; };
  checks.x86_64-linux.unit = derivation (world.lib.base // {
    PATH = "${world.lib.tools}/bin"; args = [ "-euc" ". ${self}/unit.sh" ];
  });
}"""


@pytest.fixture(scope="module")
def builder() -> Iterator[OtherMachine]:
    with other_machine() as machine:
        yield machine


@pytest.fixture
def configure(builder: OtherMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Writes the user's configuration; by default with this builder and nothing of this machine."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(machine_room, "OPERATOR", str(tmp_path / "etc/config.toml"))
    # What a caller or a project's shell could put into the environment counts for nothing.
    monkeypatch.setenv("NIX_SSHOPTS", "-oStrictHostKeyChecking=no -oProxyCommand=false")
    monkeypatch.setenv("NIX_REMOTE_SYSTEMS", "/nonexistent")
    monkeypatch.setenv("NIX_BUILD_HOOK", "/bin/false")
    monkeypatch.setenv("NIX_CONFIG", "builders = ssh-ng://elsewhere.example.com")

    def write(machines: str = "", head: str = "local = false") -> None:
        file = tmp_path / "config/lfci/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"version = 1\n\n[builders]\n{head}\n{machines or builder.table()}")

    write()
    yield write
    builder.configure()


@pytest.fixture
def project(make_project: Make, tmp_path: Path) -> Project:
    project = make_project(BODY)
    # Never built before in any store: the other machine's Nix 2.8 looks for `.check` outputs in this one's.
    project.write({"random": os.urandom(16).hex(), "unit.sh": f"echo {tmp_path}; echo > $out\n"})
    return project


def build(project: Project, check: CheckDefinition | str) -> RunResult:
    return project.run(check, engine=Engine.BUILD)


def outputs(tmp_path: Path, check_drv: str) -> tuple[Nix, str]:
    """The output of the run behind a check derivation."""
    private = tmp_path / "private"
    private.mkdir(exist_ok=True)
    nix = Nix(private)
    asked = nix.run_store("-q", "--references", check_drv).stdout.decode().split()
    drv = next(path for path in asked if path.endswith("-lfci-run-1-test.drv"))
    return nix, nix.run_store("-q", "--outputs", drv).stdout.decode().strip()


def config(builder: OtherMachine) -> bytes:
    return f"version = 1\n[builders]\n{builder.table()}".encode()


def uri(builder: OtherMachine) -> str:
    """By what name Nix knows it."""
    return uri_of(parse_machine(config(builder), "test")[0].builders[0])


def test_a_run_elsewhere_happens_there_and_every_time_anew(
    project: Project, builder: OtherMachine, tmp_path: Path, configure: Configure
) -> None:
    """Neither an output here nor one there is taken for a run of now."""
    configure(f'machines = ["{builder.line()}"]\n')
    check = definition("echo begun; echo $RANDOM$RANDOM$RANDOM > $out/x", artifacts=("x",))
    seen = set()
    for _ in range(2):
        result = build(project, check)
        assert (result.outcome, result.code) == (Outcome.PASSED, None), (result, project.heard.output)
        assert project.heard.output == b"begun\n"
        assert project.heard.phases[-1][1].endswith(f"(on 127.0.0.1:{builder.port})")
        assert result.result is not None
        seen.add(result.result.artifacts[0].sha256)
    assert len(seen) == 2
    nix, out = outputs(tmp_path, result.drv_path)
    assert builder.has(out)
    assert (builder.store / out.lstrip("/")).stat().st_uid == UID
    # The other machine alone has it: what is there from before is handed out, unless it is forgotten.
    assert nix.run_store("--delete", out).status == 0
    result = build(project, check)
    assert result.result is not None
    assert result.result.artifacts[0].sha256 not in seen
    # What cannot be forgotten there would be handed out instead of a run.
    root = builder.store / "nix/var/nix/gcroots/kept"
    root.symlink_to(out)
    with pytest.raises(Undecided) as undecided:
        build(project, check)
    assert (undecided.value.code, undecided.value.facts[0]) == ("LFCI330", out)
    root.unlink()
    # Where this machine may build, it compares the two itself.
    configure(builder.table(), "local = true")
    assert build(project, check).outcome is Outcome.PASSED
    assert "(on " not in project.heard.phases[-1][1]


def test_failures_elsewhere_are_the_check_s_own(project: Project, configure: Configure) -> None:
    result = build(project, "echo words; exit 7")
    assert (result.outcome, result.exit_code, project.heard.output) == (Outcome.FAILED, 7, b"words\n")
    project.write({"unit.sh": "echo words; exit 5\n"})
    result = build(project, flake_check("unit"))
    assert (result.outcome, result.code, result.exit_code) == (Outcome.FAILED, "LFCI307", 5), result
    project.write({"unit.sh": "echo words\n"})
    result = build(project, flake_check("unit"))
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI309"), "no output: the builder is well"


def test_a_run_elsewhere_that_takes_too_long_is_ended_there(
    project: Project, builder: OtherMachine, configure: Configure
) -> None:
    waits = f"sleep 161803.{os.getpid()}"
    result = build(project, definition(f"echo begun; {waits}", timeout_s=1))
    assert (result.outcome, result.code, project.heard.output) == (Outcome.UNDECIDED, "LFCI308", b"begun\n")
    until(lambda: not processes_with(waits))
    until(lambda: not builder.processes())
    assert left_behind() == []


@pytest.mark.parametrize(("kind", "what"), [("flake", "daemon"), ("run", "machine")])
def test_a_builder_that_dies_in_the_middle_leaves_it_undecided(
    project: Project, builder: OtherMachine, configure: Configure, kind: str, what: str
) -> None:
    """Nix says then that a builder failed with exit code 1, which is no failure of the check."""
    waits = f"sleep 577215.{os.getpid()}"
    command = f"echo begun; {waits}"
    project.write({"unit.sh": f"{command}\n"})

    def kill() -> None:
        until(lambda: f"{waits} " in processes_with(waits), 60)
        if what == "machine":
            builder.stop()
        else:
            for pid in builder.processes():
                os.kill(pid, 9)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        result = build(project, flake_check("unit") if kind == "flake" else definition(command))
    finally:
        thread.join()
        subprocess.run(["pkill", "-9", "-fx", waits])  # the other machine's, not ours to end
        if what == "machine":
            builder.start()
    assert (result.outcome, result.code, result.result) == (Outcome.UNDECIDED, "LFCI329", None), result
    assert result.exit_code is None
    assert left_behind() == []


def test_a_lost_run_is_made_again_here_where_that_is_configured(
    project: Project, builder: OtherMachine, configure: Configure
) -> None:
    configure(builder.table(), "retry = true")
    # Whose user the sandbox's is tells it where it is.
    waits = f"sleep 141421.{os.getpid()}"
    there = f"read -r _ outer _ </proc/self/uid_map; if [ $outer = 65534 ]; then {waits}; fi"
    project.write({"unit.sh": f"echo begun; {there}; echo > $out\n"})

    def kill() -> None:
        until(lambda: f"{waits} " in processes_with(waits), 60)
        builder.stop()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        result = build(project, flake_check("unit"))
    finally:
        thread.join()
        builder.start()
    assert (result.outcome, result.code) == (Outcome.PASSED, None), result
    assert project.heard.output == (
        b"begun\nlfci: the builder was lost; the check is run once more, here\nbegun\n"
    )
    assert result.log_size == len(b"begun\n"), "the log is that of the run that counts"


def test_a_builder_that_is_not_there_or_not_itself_is_not_used(
    project: Project, builder: OtherMachine, configure: Configure
) -> None:
    for machines, words in (
        (builder.table(port=9), "Connection refused"),
        (builder.table(host_key=builder.other_key), "its host key is not the one that is configured"),
        (builder.table(**{"ssh-key": f'"{builder.place}/other"'}), "it does not take the ssh key"),
        (builder.table(systems='["aarch64-linux"]'), ""),
    ):
        configure(machines)
        with pytest.raises(Undecided) as undecided:
            build(project, "true")
        assert undecided.value.code == "LFCI329"
        assert words in " ".join(undecided.value.facts)
    assert not builder.processes()
    # Where this machine may build, it does.
    configure(builder.table(port=9), "local = true")
    assert build(project, "true").outcome is Outcome.PASSED
    assert any("Connection refused; the check runs here" in detail for _, detail in project.heard.phases)


def test_a_builder_whose_sandbox_is_open_is_found_out(
    project: Project, builder: OtherMachine, configure: Configure
) -> None:
    """By the probe, for a check of the flake's own; by the run itself see below."""
    hook = builder.place / "hook"
    hook.write_text("#!/bin/sh\necho extra-sandbox-paths\necho /var/tmp\necho\n")
    hook.chmod(0o755)
    builder.configure(f"pre-build-hook = {hook}")
    result = build(project, flake_check("unit"))
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI323"), result
    assert "/var of the host" in "".join(result.remarks)
    assert project.heard.output == b""


def test_a_run_is_given_to_no_builder_but_those_configured_for_lfci(
    project: Project,
    builder: OtherMachine,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A daemon has builders of its own, and whether a run there was one of now could not be told."""
    ssh = configure_ssh([parse_machine(config(builder), "test")[0].builders[0]], tmp_path)
    line = f"{uri(builder)} x86_64-linux - 2 1 - - -"
    socket = builder.place / "daemon-socket"
    conf = f"trusted-users = nobody\nbuilders = {line}\nsandbox = true\nsubstituters ="
    daemon = subprocess.Popen(
        ["nix-daemon"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "NIX_CONFIG": conf,
            "NIX_DAEMON_SOCKET_PATH": str(socket),
            "NIX_SSHOPTS": f"-F {ssh}",
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        until(socket.exists)
        monkeypatch.setenv("NIX_REMOTE", f"unix://{socket}")
        with pytest.raises(UsageError) as refused:
            build(project, "echo words")
        assert refused.value.code == "LFCI531"
        (tmp_path / "config/lfci/config.toml").unlink()
        result = build(project, "echo words")
        assert result.outcome is Outcome.PASSED, (result, project.heard.output)
        assert "(on " not in project.heard.phases[-1][1]
        _, out = outputs(tmp_path, result.drv_path)
        assert not builder.has(out)
    finally:
        daemon.terminate()
        daemon.wait()
        socket.unlink(missing_ok=True)


def test_a_machine_that_lfci_did_not_choose_is_told_by_name() -> None:
    done = Realised(0, True, "exit", None, None, (), 1, "ssh://elsewhere.example.com")
    with pytest.raises(Undecided) as undecided:
        refuse_unknown_builder(done, HERE)
    assert (undecided.value.code, undecided.value.facts) == ("LFCI331", ("ssh://elsewhere.example.com",))
    refuse_unknown_builder(replace(done, elsewhere=""), HERE)


def test_a_newer_nix_on_both_sides(
    project: Project, builder: OtherMachine, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hands none of its settings to builders, and is not given to one that is older."""
    newer = make_newer_nix("sid")
    monkeypatch.setenv("PATH", f"{newer}:{os.environ['PATH']}")
    with pytest.raises(Undecided) as undecided:
        build(project, "true")
    assert "older than this machine's" in undecided.value.facts[0]
    builder.configure("sandbox = true", nix=f"{newer}/nix daemon")
    project.write({"unit.sh": "echo words; exit 5\n"})
    result = build(project, flake_check("unit"))
    assert (result.outcome, result.code, result.exit_code) == (Outcome.FAILED, "LFCI307", 5), result
    builder.configure("sandbox = false", nix=f"{newer}/nix daemon")
    result = build(project, "echo words")
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI323"), result
    assert not project.heard.output.startswith(b"words")
