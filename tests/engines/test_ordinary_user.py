"""Both engines as an ordinary user, who reaches the store through a daemon of this test.

Run by an ordinary user, the whole suite is this test; as root, another user is taken on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.model import Engine
from tests.support.escape import bait, probe_command, still_open
from tests.support.world import World
from tests.support.world_project import Project

CHECKOUT = Path(__file__).parents[2]
UID = 65534 if os.geteuid() == 0 else os.geteuid()

SCRIPT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from lfci_gate.errors import LfciError
from tests.support.world import World
from lfci_gate.engines.run import Doubt
from lfci_gate.model import Engine
from tests.support.world_project import Project, definition, left_behind
world = World(Path(sys.argv[2]), sys.argv[3])
top = Path(sys.argv[4])
project = Project(world, top / "project", top / "work", body=sys.argv[9])
for name, text in json.loads(sys.argv[7]).items():
    project.write({name: text})
    (project.place / name).chmod(0o755)
said = []
for command, timeout_s in json.loads(sys.argv[5]):
    try:
        run = command if isinstance(command, str) else tuple(command)
        result = project.run(definition(run, timeout_s=timeout_s), engine=Engine(sys.argv[6]))
        said.append([result.outcome.name, result.code, result.drv_path, project.heard.output.decode()])
        if sys.argv[8] == "fresh":
            doubt = Doubt(result.drv_path, top / "store", lambda version: None)
            result = project.run(definition(command, timeout_s=timeout_s), engine=Engine.BUILD, doubt=doubt)
            said.append([result.outcome.name, result.code, result.drv_path, project.heard.output.decode()])
    except LfciError as error:
        said.append([error.code, error.message, *error.facts])
print(json.dumps({"uid": os.getuid(), "said": said, "left": left_behind(), "work": os.listdir(top / "work")}))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that another user can reach, and that is theirs."""
    top = Path(tempfile.mkdtemp(prefix="lfci-user-", dir="/tmp"))
    top.chmod(0o755)
    try:
        yield top
    finally:
        shutil.rmtree(top)


@contextmanager
def daemon(place: Path, *options: str) -> Iterator[dict[str, str]]:
    """The environment that leads to the store: through our own daemon as root, else as it is."""
    if os.geteuid() != 0:
        yield {name: value for name, value in os.environ.items() if name.startswith("NIX_")}
        return
    socket = place / "daemon" / "socket"
    child = subprocess.Popen(
        ["nix-daemon", *options],
        env={"PATH": os.environ["PATH"], "NIX_DAEMON_SOCKET_PATH": str(socket), "HOME": str(place)},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield {"NIX_REMOTE": f"unix://{socket}"}
    finally:
        child.terminate()
        child.wait()


def as_user(
    world: World,
    place: Path,
    environment: Mapping[str, str],
    commands: Sequence[tuple[str | tuple[str, ...], int]],
    engine: Engine = Engine.DEVELOP,
    files: Mapping[str, str] | None = None,
    *,
    fresh: bool = False,
    body: str = "",
) -> dict[str, Any]:
    """What the ordinary user's runs say, each ``(command, timeout in seconds)``."""
    interpreter = sys.executable
    code = CHECKOUT
    if os.geteuid() == 0:
        # The tests' own interpreter and this checkout may be in a closed home.
        interpreter = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
        code = place / "code"
        for name in ("lfci_gate", "tests/support"):
            shutil.copytree(CHECKOUT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    home = place / "home"
    home.mkdir()
    os.chown(home, UID, -1)
    drop = {"user": UID, "group": UID, "extra_groups": []} if os.geteuid() == 0 else {}
    told = (world.path, world.nar_hash, home, json.dumps(commands), engine.value, json.dumps(files or {}))
    how = "fresh" if fresh else "current"
    done = subprocess.run(
        [interpreter, "-c", SCRIPT, str(code), *map(str, told), how, body],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **environment},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        **drop,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["uid"] == UID != 0
    assert (found["left"], found["work"]) == ([], ["gcroots"])
    return found


def test_an_ordinary_user_runs_checks_in_the_same_sandbox(
    project: Project, world: World, place: Path
) -> None:
    commands = [
        ("id -u; id -g; echo $(( $(ls /nix/store | wc -l) ))", 60),
        ("exit 4", 60),
        ("mkdir closed; chmod 0 closed; sleep 1618033", 2),
        ("for p in / /etc /dev /nix/store $src; do (: > $p/x) 2>/dev/null && echo $p; done; :", 60),
        ("[ -w /proc/sys/kernel/core_pattern ] && echo writable; grep CapEff /proc/self/status", 60),
    ]
    with daemon(place) as environment:
        found = as_user(world, place, environment, commands)
    identity, failed, slow, writes, privileges = found["said"]
    assert identity[:2] == ["PASSED", None], identity
    assert identity[3] == "1000\n100\n4\n"
    assert failed[:2] == ["FAILED", "LFCI307"]
    assert slow[:2] == ["UNDECIDED", "LFCI308"]
    assert writes[3] == ""
    assert privileges[3] == "CapEff:\t0000000000000000\n"
    # And what is run has the same name for everybody.
    assert project.run(commands[1][0]).drv_path == failed[2]


def test_an_ordinary_user_s_check_gets_out_no_more_than_root_s(world: World, place: Path) -> None:
    with daemon(place) as environment, bait(place) as laid:
        laid.socket.chmod(0o777)
        found = as_user(world, place, environment, [(probe_command(laid), 60)])
        assert laid.heard() == []
    [said] = found["said"]
    assert said[:2] == ["PASSED", None], said
    assert still_open(json.loads(said[3])) == {}


SCRIPTS = {
    "with-env": "#!/usr/bin/env python3\nprint('env')\n",
    "with-sh": "#! /bin/sh -e\necho sh $1\n",
    "with-spaces and #!": "#! /usr/bin/env bash\necho spaces\n",
    "binary": "\x7fELF\n#!/bin/sh\n",
}


def test_the_build_engine_needs_a_daemon_that_has_its_sandbox_on(
    world: World, place: Path, tmp_path: Path
) -> None:
    """Nix takes `sandbox = true` from this user without a word, and does nothing about it."""
    if os.geteuid() != 0:
        pytest.fail("another daemon's settings are tried: run this test as root")
    with daemon(place, "--option", "sandbox", "false") as environment:
        found = as_user(world, place, environment, [("true", 60)], Engine.BUILD, {"random": str(tmp_path)})
    [said] = found["said"]
    assert said[:2] == ["UNDECIDED", "LFCI323"]
    assert "no namespaces" in said[3]
    assert not Path("/build").exists()


def test_the_build_engine_through_a_daemon_that_takes_no_sandbox_paths(
    project: Project, world: World, place: Path, tmp_path: Path
) -> None:
    """Then there is no /usr/bin/env and no /bin/sh: scripts get what they ask for by its own name."""
    if os.geteuid() != 0:
        pytest.fail("another daemon's settings are tried: run this test as root")
    files = {**SCRIPTS, "random": str(tmp_path)}
    commands = [
        ("./with-env; ./with-sh x; './with-spaces and #!'; ls /bin/sh /usr/bin/env; wc -c binary", 60),
        ("exit 4", 60),
        ("exit 4", 60),
        ("echo begun; sleep 1618035", 2),
    ]
    with daemon(place, "--option", "sandbox", "true") as environment:
        found = as_user(world, place, environment, commands, Engine.BUILD, files)
    scripts, failed, again, slow = found["said"]
    assert scripts[3].splitlines()[:3] == ["env", "sh x", "spaces"]
    assert scripts[3].count("No such file") == 2
    assert failed == again
    assert failed[:2] == ["FAILED", "LFCI307"]
    assert (slow[1], slow[3]) == ("LFCI308", "begun\n")
    # The same check by root, who may name sandbox paths.
    for name, text in files.items():
        project.write({name: text})
        (project.place / name).chmod(0o755)
    assert project.run("exit 4", engine=Engine.BUILD).drv_path == failed[2]


def test_an_ordinary_user_rebuilds_in_a_store_of_their_own(world: World, place: Path) -> None:
    """Nothing of the machine's store, and nothing of its daemon's: this user's own Nix builds all of it."""
    shutil.copytree(world.path, place / "world", symlinks=True)  # where this user can read it
    world = World(place / "world", world.nar_hash)
    body = (
        '{ devShells.x86_64-linux.default = world.lib.shell "plain" { PATH = "${world.lib.tools}/bin"; }; }'
    )
    commands = [("'./with-spaces and #!'; exit 3", 60)]
    with daemon(place) as environment:
        found = as_user(world, place, environment, commands, files=SCRIPTS, fresh=True, body=body)
    here, there = found["said"]
    assert here == there, there
    assert here[:2] == ["FAILED", "LFCI307"]
    assert here[3] == "spaces\n"
