"""What a receive hook sees: the pushed objects in their quarantine, over real transports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.git.refs import list_refs
from tests.support.repos import Repo, make_repo

CHECKOUT = Path(__file__).resolve().parents[2]

HOOK = """\
#!{python} -I
import json, os, sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.git.history import is_ancestor, is_shallow, new_commits
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import list_refs
from lfci_gate.git.writer import PackWriter

old, new, ref = sys.stdin.read().split()
git = Git.receive_hook(Path.cwd(), os.environ)
said = {{"refs": list_refs(git), "config": git.config("user.name"), "bare": git.is_bare}}
said["shallow"] = is_shallow(git)
try:
    base = None if set(old) == {{"0"}} else old
    said["commits"] = new_commits(git, new, base)
    said["forward"] = base is None or is_ancestor(git, base, new)
    with BatchReader(git) as reader:
        name = reader.resolve(new + ":file")
        if name is None:
            raise Undecided("LFCI501", "", facts=("not the name of an object",))
        said["file"] = reader.read(name).data.decode()
    writer = PackWriter(git)
    made = writer.add("blob", b"made in the hook")
    writer.flush()
    with BatchReader(git) as reader:
        said["made"] = [made, reader.exists(made)]
except LfciError as error:
    said["error"] = [error.code, *error.facts]
Path({answer!r}).write_text(json.dumps(said))
sys.exit(int(git.config("test.refuse") or 0))
"""


@pytest.fixture
def forge(bare_repo: Repo, tmp_path: Path) -> Repo:
    """A bare repository whose pre-receive hook is our code and writes down what it saw."""
    text = HOOK.format(python=sys.executable, checkout=str(CHECKOUT), answer=str(tmp_path / "answer.json"))
    bare_repo.write("hooks/pre-receive", text.encode(), mode=0o755)
    return bare_repo


@pytest.fixture(params=["file", "daemon"])
def url(request: pytest.FixtureRequest, forge: Repo) -> Iterator[str]:
    """The forge's address by path and by ``git daemon``."""
    if request.param == "file":
        yield str(forge.path)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["git", "daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1"]
    command += [f"--port={port}", f"--base-path={forge.path.parent}"]
    daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield f"git://127.0.0.1:{port}/{forge.path.name}"
    finally:
        # git is a wrapper: its child is what listens.
        os.killpg(daemon.pid, 15)
        daemon.wait()


@pytest.fixture
def clone(tmp_path: Path, hash_name: str) -> Repo:
    made = make_repo(tmp_path / "clone", hash_name)
    made.write("file", b"one")
    made.commit()
    return made


def push(clone: Repo, url: str, *args: str) -> tuple[int, dict[str, Any]]:
    command = ["git", "push", "-q", *args, url, "HEAD:refs/heads/main"]
    done = subprocess.run(command, cwd=clone.path, check=False)
    answer = clone.path.parent / "answer.json"
    said = json.loads(answer.read_text()) if answer.exists() else {}
    answer.unlink(missing_ok=True)
    return done.returncode, said


def test_the_hook_reads_what_is_pushed_before_it_is_there(forge: Repo, clone: Repo, url: str) -> None:
    first = clone.line("rev-parse", "HEAD")
    status, said = push(clone, url)
    assert status == 0
    assert (said["commits"], said["file"], said["refs"]) == ([first], "one", {})
    assert (said["forward"], said["bare"], said["shallow"]) == (True, True, False)
    assert said["made"][1] is True
    clone.write("file", b"two")
    second = clone.commit()
    status, said = push(clone, url)
    assert status == 0
    assert (said["commits"], said["file"], said["refs"]) == ([second], "two", {"refs/heads/main": first})
    assert said["forward"]


def test_a_refused_push_leaves_neither_its_objects_nor_ours(forge: Repo, clone: Repo, url: str) -> None:
    forge.git("config", "test.refuse", "1")
    before = sorted((forge.path / "objects").rglob("*"))
    status, said = push(clone, url)
    assert status != 0
    assert said["file"] == "one"
    assert said["made"][1] is True
    assert list_refs(forge.tool) == {}
    assert sorted((forge.path / "objects").rglob("*")) == before


def test_the_home_of_the_server_and_the_pusher_decide_nothing(
    forge: Repo, clone: Repo, hermetic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hermetic / ".gitconfig").write_text("[user]\n\tname = from-home\n[test]\n\trefuse = 0\n")
    forge.git("config", "test.refuse", "1")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'test.refuse'='0'")
    status, said = push(clone, str(forge.path), "--receive-pack=git -c test.refuse=0 receive-pack")
    assert status != 0
    assert said["config"] is None


def test_a_push_that_brings_a_shallow_boundary_is_seen(forge: Repo, clone: Repo, tmp_path: Path) -> None:
    clone.write("file", b"two")
    clone.commit()
    short = tmp_path / "short"
    clone.git("clone", "-q", "--depth=1", clone.path.as_uri(), str(short))
    shallow = Repo(short, clone.hash_name)
    status, said = push(shallow, str(forge.path))
    assert status != 0, "git refuses it after the hook"
    assert said["error"][0] == "LFCI501", "and the hook cannot follow history either"
    forge.git("config", "receive.shallowUpdate", "true")
    forge.git("config", "test.refuse", "1")
    status, said = push(shallow, str(forge.path))
    assert status != 0
    assert said["shallow"] is True, "now git would take it, and only the hook can tell"


def test_a_file_that_is_not_in_the_push_is_not_made_up(forge: Repo, clone: Repo) -> None:
    (clone.path / "file").rename(clone.path / "other")
    clone.commit()
    status, said = push(clone, str(forge.path))
    assert status == 0
    assert said["error"] == ["LFCI501", "not the name of an object"]
