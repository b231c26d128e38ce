"""What a runner refuses to start with, and its configuration."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from lfci_gate.attest.keys import format_public
from lfci_gate.config.runner import Limits, parse_runner
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.runner.peers import Peer, Peers
from lfci_gate.runner.place import Place, listen, load_config, load_key, refuse_root
from tests.support.evidence import REPOSITORY, ed25519_signer
from tests.support.runner import IS_ROOT, RUNNER, UID, House, need_root, private_text

MINIMAL: dict[str, Any] = {
    "version": 1,
    "name": "runner-1",
    "key": format_public(RUNNER.public),
    "state": "/var/lib/lfci-runner",
    "socket": {"path": "/run/lfci-runner/socket"},
    "repositories": {REPOSITORY: {}},
    "allow": [{"users": [1000]}],
}


def parsed(**changes: Any) -> Any:
    value = {name: each for name, each in (MINIMAL | changes).items() if each is not None}
    return parse_runner(tomli_w.dumps(value).encode())


def test_defaults() -> None:
    config = parsed()
    assert (config.workers, config.longest_s, config.socket_mode) == (1, 3600, 0o660)
    assert config.repositories[0].packs
    assert config.allowed[0].limits == Limits()


ALLOW = {"users": ["agent-7", 1000], "groups": ["agents"], "queued": 3, "running": 2, "per-hour": 9}
WRONG: dict[str, dict[str, Any]] = {
    "another version": {"version": 2},
    "an unknown key": {"sandbox": False},
    "no key": {"key": None},
    "a private key": {"key": private_text(RUNNER).decode()},
    "a name with a space": {"name": "runner 1"},
    "a relative state": {"state": "state"},
    "a state that goes up": {"state": "/var/../x"},
    "no workers": {"workers": 0},
    "workers as text": {"workers": "2"},
    "a socket of a long path": {"socket": {"path": "/" + "x" * 101}},
    "a mode that executes": {"socket": {"path": "/run/x", "mode": "0777"}},
    "a mode as number": {"socket": {"path": "/run/x", "mode": 0o660}},
    "an unknown key of the socket": {"socket": {"path": "/run/x", "tcp": "0.0.0.0:1"}},
    "no repositories": {"repositories": {}},
    "a repository that is no UUID": {"repositories": {"project": {}}},
    "a repository from nowhere": {"repositories": {REPOSITORY: {"packs": False}}},
    "a source that runs a program": {"repositories": {REPOSITORY: {"sources": ["ext::sh -c id"]}}},
    "a source that is an option": {"repositories": {REPOSITORY: {"sources": ["--upload-pack=id"]}}},
    "a source that is relative": {"repositories": {REPOSITORY: {"sources": ["../x"]}}},
    "nobody": {"allow": [{}]},
    "a user of a float": {"allow": [{"users": [True]}]},
    "a user of odd letters": {"allow": [{"users": ["x y"]}]},
    "an unknown repository": {"allow": [{"users": [1], "repositories": ["x"]}]},
    "a limit of nothing": {"allow": [{"users": [1], "queued": 0}]},
    "an unknown limit": {"allow": [{"users": [1], "cpus": 1}]},
}


@pytest.mark.parametrize("name", WRONG)
def test_configurations_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="LFCI524"):
        parsed(**WRONG[name])


def test_who_is_allowed_is_decided_by_the_first_entry() -> None:
    config = parsed(
        repositories={REPOSITORY: {"sources": ["https://forge.example.com/p.git"], "packs": False}},
        allow=[{"users": [5], "queued": 1}, {"groups": [7], "repositories": [REPOSITORY]}, {"users": [5, 6]}],
    )
    peers = Peers(config)
    assert peers.limits(Peer(5, frozenset({7}))).queued == 1
    assert peers.allowed(Peer(8, frozenset({7, 9}))) == config.allowed[1]
    assert peers.limits(Peer(6, frozenset())) == Limits()
    assert peers.allowed(Peer(8, frozenset({9}))) is None
    with pytest.raises(UsageError, match=r"LFCI524.*nosuchuser"):
        Peers(parsed(allow=[{"users": ["nosuchuser"]}]))
    with pytest.raises(UsageError, match=r"LFCI524.*nosuchgroup"):
        Peers(parsed(allow=[{"groups": ["nosuchgroup"]}]))
    assert Peers(parsed(allow=[{"users": ["root"]}])).allowed(Peer(0, frozenset())) is not None


# -- files ---------------------------------------------------------------------------------------------


def refused(code: str, call: Callable[[], object]) -> LfciError:
    with pytest.raises(LfciError, match=code) as caught:
        call()
    return caught.value


def test_the_configuration_is_no_business_of_others(tmp_path: Path) -> None:
    path = tmp_path / "runner.toml"
    refused("LFCI524", lambda: load_config(path))
    path.write_text(tomli_w.dumps(MINIMAL))
    for mode in (0o644, 0o620, 0o602, 0o660):
        path.chmod(mode)
        assert "chmod 640" in refused("LFCI524", lambda: load_config(path)).hint
    path.chmod(0o640)
    assert load_config(path).name == "runner-1"
    link = tmp_path / "link"
    link.symlink_to(path)
    refused("LFCI524", lambda: load_config(link))
    if IS_ROOT:
        os.chown(path, UID, -1)
        refused("LFCI524", lambda: load_config(path))


def key_given(data: bytes) -> Any:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    try:
        found = load_key(parsed(), reader)
        assert os.readlink(f"/proc/self/fd/{reader}") == "/dev/null"
        return found
    finally:
        os.close(reader)


def test_the_key_comes_where_the_runner_cannot_fetch_it_again(tmp_path: Path) -> None:
    assert key_given(private_text(RUNNER)).public == RUNNER.public
    refused("LFCI511", lambda: key_given(b""))
    refused("LFCI511", lambda: key_given(b"no key"))
    refused("LFCI511", lambda: key_given(private_text(RUNNER)[:-60]))
    other = refused("LFCI511", lambda: key_given(private_text(ed25519_signer("another"))))
    assert RUNNER.public.fingerprint in other.facts[0]
    file = tmp_path / "key"
    file.write_bytes(private_text(RUNNER))
    for mode in (0o644, 0o640, 0o600):  # this user can open the last one, too
        file.chmod(mode)
        with open(file, "rb") as opened:
            error = refused("LFCI512", lambda: load_key(parsed(), opened.fileno()))
            assert b"OPENSSH" not in str(error).encode()
    main, worker = os.openpty()
    assert "lfci runner serve" in refused("LFCI511", lambda: load_key(parsed(), worker)).hint
    os.close(main)
    os.close(worker)
    refused("LFCI511", lambda: load_key(parsed(agent=str(tmp_path / "no-agent")), 0))


def test_the_key_may_stay_in_an_ssh_agent(tmp_path: Path) -> None:
    place = tempfile.mkdtemp(prefix="lfci-agent-", dir="/tmp")  # the path of a socket is short
    path = f"{place}/socket"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        config = parsed(agent=path)
        refused("LFCI511", lambda: load_key(config))  # it does not hold the key
        key = tmp_path / "key"
        key.write_bytes(private_text(RUNNER))
        key.chmod(0o600)
        environ = {**os.environ, "SSH_AUTH_SOCK": path}
        subprocess.run(["ssh-add", "-q", str(key)], env=environ, check=True)
        assert load_key(config).public == RUNNER.public
    finally:
        agent.terminate()
        agent.wait()
        shutil.rmtree(place)


def test_one_runner_for_one_state(tmp_path: Path) -> None:
    config = parsed(state=str(tmp_path / "state"))
    with Place(config):
        refused("LFCI524", lambda: Place(config).__enter__())
    with Place(config) as place:
        assert sorted(path.name for path in place.top.iterdir()) == ["incoming", "lock", "work"]
    (tmp_path / "state").chmod(0o750)
    assert "chmod 700" in refused("LFCI524", lambda: Place(config).__enter__()).hint
    other = tmp_path / "other"
    other.symlink_to(tmp_path / "state")
    refused("LFCI524", lambda: Place(parsed(state=str(other))).__enter__())
    if IS_ROOT:
        (tmp_path / "state").chmod(0o700)
        os.chown(tmp_path / "state", UID, -1)
        refused("LFCI524", lambda: Place(config).__enter__())


def test_the_socket_s_name_is_not_taken_from_anybody(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    path = folder / "s"
    config = parsed(socket={"path": str(path), "mode": "0660", "group": os.getegid()})

    def tried() -> None:
        with listen(config):
            pass

    path.write_text("a file of somebody's")
    refused("LFCI524", tried)
    assert path.read_text() == "a file of somebody's"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    refused("LFCI524", tried)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        refused("LFCI524", tried)
    assert path.exists()  # what a killed one left is taken away
    with listen(config):
        assert (path.lstat().st_mode & 0o777, path.lstat().st_gid) == (0o660, os.getegid())
    assert not path.exists()
    for mode in (0o775, 0o757, 0o777):
        folder.chmod(mode)
        assert "chmod go-w" in refused("LFCI524", tried).hint
    assert list(folder.iterdir()) == []
    refused("LFCI524", lambda: listen(parsed(socket={"path": "/nonexistent/x"})).__enter__())


def test_never_as_root(runner: House) -> None:
    need_root()
    refused("LFCI524", refuse_root)
    done = runner.run("runner", "serve", "--config", str(runner.config), user=0)
    assert (done.returncode, "error[LFCI524]" in done.stderr) == (2, True), done.stderr


def test_a_second_runner_is_refused_and_the_first_goes_on(runner: House) -> None:
    with runner.open_key() as key:
        done = runner.run("runner", "serve", "--config", str(runner.config), stdin=key)
    assert (done.returncode, "another runner works" in done.stderr) == (2, True), done.stderr
    assert runner.answers(b'{"schema":"lfci.runner/1","ask":"status"}\n')[0]["event"] == "status"
