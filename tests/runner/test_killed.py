"""A runner that is killed: nothing of it is left at the next start, and whoever waited gets their answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clone.conftest import Screen, Worker
from tests.runner.conftest import script
from tests.runner.test_happy import inbox
from tests.runner.test_many import STATUS, wait_until
from tests.support.runner import UID, House, house
from tests.support.world import World, project_flake


@pytest.fixture(scope="module")
def mortal() -> Iterator[House]:
    with house() as made:
        made.configure(setup="1s")
        made.start()
        yield made


def programs(house: House) -> list[str]:
    """Command lines of the runner's user that have to do with this house, the runner itself left out."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environ = Path("/proc", process, "environ").read_bytes().decode(errors="replace")
            mine = os.stat(f"/proc/{process}").st_uid == UID or "nix" in command
        except OSError:
            continue
        if mine and str(house.state) in environ + command and "runner serve" not in command:
            found.append(command)
    return found


def test_kill_9_in_the_middle_of_a_build(mortal: House, make_worker: Callable[..., Worker]) -> None:
    ada = make_worker(**{"check.sh": script("echo begun; sleep 2")})
    ada.env["LFCI_RUNNER"] = mortal.socket
    shown: list[Screen] = []
    client = threading.Thread(target=lambda: shown.append(ada.lfci("check", "--runner", "--format", "json")))
    client.start()
    wait_until(lambda: mortal.builds())
    mortal.kill()
    assert programs(mortal), "nothing to clean up: this test tries nothing"
    assert mortal.left()["work"], "nothing to clean up: this test tries nothing"
    # what a fetch and a transfer leave that end like this
    store = next((mortal.state / "repositories").iterdir())
    (store / "objects/pack/tmp_pack_x").write_bytes(b"half")
    (store / "refs/lfci").mkdir(parents=True, exist_ok=True)
    (store / "refs/lfci/x.lock").write_bytes(b"")
    (mortal.state / "incoming/half").write_bytes(b"PACK")
    (mortal.state / "work/gcroots/half").mkdir()
    mortal.start()
    assert not (store / "objects/pack/tmp_pack_x").exists()
    assert not (store / "refs/lfci/x.lock").exists()
    assert not (mortal.state / "work/gcroots/half").exists()
    client.join(60)
    # The client asked again by itself.
    [screen] = shown
    assert screen.status == 0, screen.text
    assert "the runner went away; asking again" in screen.err
    assert screen.json["checks"][0]["result"] == "PASSED"
    assert len(inbox(ada)) == 1
    assert len(mortal.evidence()) == 1
    wait_until(lambda: not programs(mortal))
    assert mortal.left() == {"incoming": [], "work": []}


def test_what_was_signed_survives(mortal: House, make_worker: Callable[..., Worker]) -> None:
    """Killed after the answer: the next runner remembers, and signs nothing twice."""
    ada = make_worker(**{"check.sh": script("echo survives")})
    ada.env["LFCI_RUNNER"] = mortal.socket
    assert ada.lfci("check", "--runner").status == 0
    kept, builds = mortal.evidence(), mortal.builds()
    mortal.kill()
    mortal.start()
    again = ada.lfci("check", "--runner", "--format", "json", "test", env={"LFCI_KEY": "/nonexistent"})
    assert again.status == 0, again.text
    assert (mortal.evidence(), mortal.builds()) == (kept, builds)


def test_an_environment_that_is_never_ready_holds_nobody_up(
    mortal: House, make_worker: Callable[..., Worker], world: World
) -> None:
    """The shell's own derivation never ends; nothing of the check has begun."""
    tools = "${world.lib.tools}/bin"
    never = (
        f'derivation {{ name = "never"; system = "x86_64-linux"; builder = "{tools}/sh"; PATH = "{tools}";'
        f' args = [ "-c" "sleep 1000; echo {os.urandom(8).hex()}" ]; }}'
    )
    body = f'{{ devShells.x86_64-linux.default = world.lib.shell "plain" {{ never = {never}; }}; }}'
    nix, lock = project_flake(world, body)
    config = b'version = 1\n[checks.test]\nrun = "true"\ntimeout = "1s"\n'
    ada = make_worker(**{"flake.nix": nix.encode(), "flake.lock": lock.encode(), ".lfci/config.toml": config})
    builds = len(mortal.builds())
    last = mortal.bring(ada.repo, ada.head())[-1]
    assert (last["event"], last["family"], last["code"]) == ("error", "undecided", "LFCI308"), last
    assert mortal.answers(STATUS)[0]["running"] == 0
    assert len(mortal.builds()) == builds
    assert mortal.left() == {"incoming": [], "work": []}


def test_stopped_in_good_order(
    mortal: House, make_worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfci_gate.runner.client._PAUSES_S", (0.1,))  # nobody starts it again
    ada = make_worker(**{"check.sh": script("echo begun; sleep 60")})
    ada.env["LFCI_RUNNER"] = mortal.socket
    shown: list[Screen] = []
    client = threading.Thread(target=lambda: shown.append(ada.lfci("check", "--runner")))
    before = len(mortal.builds())
    client.start()
    wait_until(lambda: len(mortal.builds()) > before)
    time.sleep(0.3)
    assert mortal.stop() == 0
    assert not os.path.exists(mortal.socket)
    assert programs(mortal) == []
    assert mortal.left() == {"incoming": [], "work": []}
    assert mortal.said().rstrip().endswith("LFCI526"), mortal.said()
    client.join(60)
    assert shown[0].status == 3
    assert "error[LFCI526]" in shown[0].err
    assert inbox(ada) == []
