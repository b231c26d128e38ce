"""The develop engine as an ordinary user, who reaches the store through a daemon of this test.

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
from collections.abc import Iterator
from pathlib import Path

import pytest

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
from tests.support.world_project import Project, definition, left_behind
world = World(Path(sys.argv[2]), sys.argv[3])
top = Path(sys.argv[4])
project = Project(world, top / "project", top / "work")
said = []
for command, timeout_s in json.loads(sys.argv[5]):
    try:
        result = project.run(definition(command, timeout_s=timeout_s))
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


@pytest.fixture
def daemon(place: Path) -> Iterator[dict[str, str]]:
    """The environment that leads to the store: through our own daemon as root, else as it is."""
    if os.geteuid() != 0:
        yield {name: value for name, value in os.environ.items() if name.startswith("NIX_")}
        return
    socket = place / "daemon" / "socket"
    child = subprocess.Popen(
        ["nix-daemon"],
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


def test_an_ordinary_user_runs_checks_in_the_same_sandbox(
    project: Project, world: World, place: Path, daemon: dict[str, str]
) -> None:
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
    commands = [
        ("id -u; id -g; echo $(( $(ls /nix/store | wc -l) ))", 60),
        ("exit 4", 60),
        ("mkdir closed; chmod 0 closed; sleep 1618033", 2),
        ("for p in / /etc /dev /nix/store $src; do (: > $p/x) 2>/dev/null && echo $p; done; :", 60),
        ("[ -w /proc/sys/kernel/core_pattern ] && echo writable; grep CapEff /proc/self/status", 60),
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        **daemon,
    }
    drop = {"user": UID, "group": UID, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [
            interpreter,
            "-c",
            SCRIPT,
            str(code),
            str(world.path),
            world.nar_hash,
            str(home),
            json.dumps(commands),
        ],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        **drop,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["uid"] == UID != 0
    identity, failed, slow, writes, privileges = found["said"]
    assert identity[:2] == ["PASSED", None], identity
    assert identity[3] == "1000\n100\n4\n"
    assert failed[:2] == ["FAILED", "LFCI307"]
    assert slow[:2] == ["UNDECIDED", "LFCI308"]
    assert writes[3] == ""
    assert privileges[3] == "CapEff:\t0000000000000000\n"
    assert (found["left"], found["work"]) == ([], ["gcroots"])
    # And what is run has the same name for everybody.
    assert project.run(commands[1][0]).drv_path == failed[2]
