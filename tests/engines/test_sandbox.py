"""What the sandbox shows and allows. Probes only look, or write where nothing of the host can be hit."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lfci_gate.engines.sandbox import DEFAULT_LIMITS, Limits, sandbox_digest
from lfci_gate.model import Outcome
from tests.support.world_project import Project, definition

PLAIN = 'world.lib.shell "plain"'


def shell(extra: str) -> str:
    return f"{{ devShells.x86_64-linux.default = {PLAIN} {{ {extra} }}; }}"


@pytest.fixture
def listener() -> Iterator[int]:
    """A TCP port of this test on the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server.getsockname()[1]


def test_the_root_holds_what_nix_sandboxes_hold(project: Project) -> None:
    seen = project.said("cd /; echo *; echo /usr/* /usr/bin/* /bin/*; ls -1a /build").split("\n")
    assert seen[0] == "bin build dev etc nix proc tmp usr"
    assert seen[1] == "/usr/bin /usr/bin/env /bin/sh"
    assert seen[2:-1] == [".", "..", "home", "out", "source", "tmp"]


def test_only_the_closure_of_the_environment_is_in_the_store(project: Project) -> None:
    names = [name.split("-", 1)[1] for name in project.said("cd /nix/store; echo *").split()]
    # The project's source, the world's flake (which holds stdenv/setup), its tools and its python.
    assert sorted(names) == ["source", "source", "world-python", "world-tools"]


def test_files_of_the_host_are_not_there(project: Project, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o644)
    places = (
        f"{secret} {Path(__file__)} /root /home /var /run /sys /etc/shadow /nix/var /boot /proc/1/root/home"
    )
    assert project.said(f'for place in {places}; do [ -e "$place" ] && echo "$place"; done; true') == ""


def test_nothing_but_build_tmp_and_shm_can_be_written(project: Project) -> None:
    script = (
        "for place in / /bin /dev /etc /nix /nix/store $src /usr /usr/bin /proc /proc/sys /proc/sys/kernel"
        " /build /tmp /dev/shm; do (: > $place/probe) 2>/dev/null && echo $place; done; true"
    )
    assert project.said(script).split() == ["/build", "/tmp", "/dev/shm"]


def test_the_settings_of_the_kernel_are_read_only(project: Project) -> None:
    script = (
        "for file in $(find /proc/sys -type f 2>/dev/null) /proc/sysrq-trigger; do"
        " [ -w $file ] && echo $file; done; grep ' /proc/sys ' /proc/self/mountinfo | cut -d ' ' -f 6"
    )
    assert project.said(script).strip().split(",")[0] == "ro"


def test_the_environment_is_that_of_a_nix_builder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LFCI_SECRET", "leaked")
    monkeypatch.setenv("NIX_REMOTE", "")
    said = project.said("env | sort; cat /proc/$PPID/environ | tr '\\0' '\\n'")
    assert "leaked" not in said
    variables = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    expected = {
        "HOME": "/build/home",
        "TMPDIR": "/build/tmp",
        "NIX_STORE": "/nix/store",
        "NIX_BUILD_TOP": "/build",
        "TERM": "xterm-256color",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = dict(line.split("=", 1) for line in project.said("env").splitlines() if "=" in line)
    assert {name: command.get(name) for name in expected} == expected
    assert command["out"] == "/build/out"
    assert not {name for name in variables if name.startswith(("LFCI", "XDG_", "GIT_", "PYTEST", "SSH_"))}


def test_the_check_s_own_variables_win_over_the_defaults(project: Project) -> None:
    said = project.said('echo "$TZ $WORD"', env={"TZ": "Asia/Tokyo", "WORD": "it's $HOME"})
    assert said == "Asia/Tokyo it's $HOME\n"


def test_processes_of_the_host_are_not_seen(project: Project) -> None:
    seen = [int(each) for each in project.said("cd /proc; echo [0-9]*").split()]
    assert len(seen) <= 6
    assert os.getpid() not in seen or os.getpid() < 20


def test_descriptors_of_the_host_are_not_inherited(project: Project, tmp_path: Path) -> None:
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        seen = project.said("for fd in /proc/$$/fd/*; do readlink $fd || true; done")
    targets = set(seen.splitlines())
    assert {target for target in targets if not target.startswith("/proc/")} <= {
        "/dev/null",
        _terminal(targets),
    }


def _terminal(targets: set[str]) -> str:
    return next(target for target in targets if target.startswith("/dev/pts/"))


def test_the_run_script_s_socket_is_closed_for_the_command(project: Project) -> None:
    assert project.run("echo begin >&9").outcome is Outcome.FAILED
    # Nor can the outer shell's be opened: a socket has no path.
    outer = "$(cut -d ' ' -f 4 /proc/$PPID/stat)"
    assert project.run(f"echo 'end x 0' > /proc/{outer}/fd/9").outcome is Outcome.FAILED


def test_the_network_of_the_host_is_not_reached(project: Project, listener: int) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {listener}), 5)"
    assert project.run(("python3", "-c", code)).outcome is Outcome.FAILED
    assert b"refused" in project.heard.output
    assert project.said("grep -c : /proc/net/dev") == "1\n"


def test_loopback_works(project: Project) -> None:
    code = (
        "import socket; s = socket.create_server(('localhost', 0));"
        "socket.create_connection(s.getsockname()).close(); print(socket.gethostname())"
    )
    assert project.said(("python3", "-c", code)) == "localhost\n"


def test_a_check_with_network_reaches_it_and_is_not_hermetic(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = threading.Thread(target=lambda: server.accept()[0].close())
        accepted.start()
        code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        result = project.run(definition(("python3", "-c", code), network=True))
        accepted.join(timeout=10)
    assert result.outcome is Outcome.PASSED
    assert not result.hermetic
    assert result.sandbox == sandbox_digest(True, DEFAULT_LIMITS) != sandbox_digest(False, DEFAULT_LIMITS)


def test_identity_is_that_of_a_nix_builder(project: Project) -> None:
    said = project.said("id -u; id -g; umask; hostname; pwd; whoami; cat /proc/self/uid_map | wc -l")
    assert said.split() == ["1000", "100", "0022", "localhost", "/build/source", "nixbld", "1"]


def test_there_are_no_capabilities_and_none_to_gain(project: Project) -> None:
    status = dict(
        line.split(":\t", 1) for line in project.said("cat /proc/self/status").splitlines() if ":\t" in line
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"


def test_no_further_user_namespace_can_be_made(project: Project) -> None:
    assert project.run("unshare -U true").outcome is Outcome.FAILED


def test_there_is_no_controlling_terminal_to_push_input_into(project: Project) -> None:
    assert project.run("echo x > /dev/tty").outcome is Outcome.FAILED


def test_standard_input_is_empty(project: Project) -> None:
    assert project.said("wc -c") == "0\n"


def test_output_is_a_terminal_that_changes_nothing(project: Project) -> None:
    """As in Nix's sandbox, where the builder's output is a pseudoterminal in raw mode."""
    assert project.said("[ -t 1 ] && printf 'a\\nb\\tc\\n'") == "a\nb\tc\n"


def test_scripts_that_start_with_env_or_sh_run(project: Project) -> None:
    project.write({"a": "#!/usr/bin/env python3\nprint('env')\n", "b": "#!/bin/sh\necho sh\n"})
    (project.place / "a").chmod(0o755)
    (project.place / "b").chmod(0o755)
    assert project.said("./a && ./b") == "env\nsh\n"


def test_the_source_is_writable_and_the_tree_is_not_touched(project: Project) -> None:
    project.write({"file": "x", "dir/file": "y"})
    tree = project.tree()
    assert project.said("echo z > dir/file; rm file; touch dir/new; ls -1") == "dir\nflake.lock\nflake.nix\n"
    assert project.tree() == tree


def test_a_library_to_preload_is_loaded_inside_only(make_project: Callable[..., Project]) -> None:
    """Entering the project's environment outside would load it into the supervisor."""
    project = make_project(shell('LD_PRELOAD = "/nix/store/none/lib.so";'))
    result = project.run("echo $LD_PRELOAD")
    assert (result.outcome, project.heard.output.splitlines()[-1]) == (
        Outcome.PASSED,
        b"/nix/store/none/lib.so",
    )


def test_functions_of_the_environment_are_not_run_outside(
    make_project: Callable[..., Project], tmp_path: Path
) -> None:
    """`nix develop` of this shell would run them as the user, before and around its command."""
    mark = tmp_path / "mark"
    setup = f'builtins.toFile "setup" "exec() {{ echo > {mark}; }}; trap \'echo > {mark}\' EXIT DEBUG"'
    project = make_project(
        shell(
            f'"BASH_FUNC_exec%%" = "() {{ echo > {mark}; }}"; BASH_ENV = {setup};'
            f' PROMPT_COMMAND = "echo > {mark}"; PYTHONPATH = "/build/source"; PYTHONSTARTUP = "/build/x";'
        )
    )
    project.write({"sitecustomize.py": f"open({str(mark)!r}, 'w')"})
    project.run("true")
    assert not mark.exists()


def test_process_limits_are_inherited(project: Project) -> None:
    result = project.run("ulimit -u; ulimit -c", limits=Limits(processes=2000))
    assert result.outcome is Outcome.PASSED
    assert project.heard.output == b"2000\n0\n"


def test_a_fork_bomb_is_bounded(project: Project) -> None:
    """60 processes more than there are: every further fork fails, and the run ends."""
    code = (
        "import os, time\nmade = 0\n"
        "try:\n while made < 400:\n  pid = os.fork()\n"
        "  if pid == 0:\n   time.sleep(60); os._exit(0)\n  made += 1\n"
        "except BlockingIOError:\n print('bounded', made < 100)\n"
    )
    result = project.run(definition(("python3", "-c", code)), limits=Limits(processes=60))
    assert (result.outcome, project.heard.output) == (Outcome.PASSED, b"bounded True\n")
