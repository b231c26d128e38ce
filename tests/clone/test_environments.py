"""The environments that checks ran in: listed, gone back to, entered again, with real Nix."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lfci_gate.clone.environments import NO_SESSION, Profile, profiles
from lfci_gate.errors import Undecided, UsageError
from lfci_gate.model import ObjectId
from tests.clone.conftest import PROGRAM, Worker, save_key
from tests.gate.conftest import Farm
from tests.support.forge import AGENT, Developer, policy_text
from tests.support.world import World, project_flake

pytestmark = pytest.mark.nix

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TREE = ObjectId("1" * 40)
CONFIG = b"""\
version = 1

[checks.test]
run = "echo $WORD"
"""


def shell(word: str) -> str:
    hook = f'export HOOKED="{word} hook"; alias nothing=true'
    made = f"world.lib.shell \"plain\" {{ WORD = \"{word}\"; shellHook = ''{hook}''; }}"
    return f"{{ devShells.x86_64-linux.default = {made}; }}"


@pytest.fixture(scope="module")
def project(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """A clone whose flake has two states, one a commit."""
    place = tmp_path_factory.mktemp("environments")
    worker = Worker(Developer(place / "clone", farm.empty()), save_key(AGENT, place / "key"))
    for word in ("one", "two"):
        nix, lock = project_flake(world, shell(word))
        worker.edit(
            {
                ".lfci/config.toml": CONFIG,
                ".lfci/policy.toml": policy_text(),
                "flake.nix": nix.encode(),
                "flake.lock": lock.encode(),
            },
            word,
        )
    return worker


def entered(
    worker: Worker, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`lfci env shell` as a program: the shell talks to the terminal itself."""
    return subprocess.run(
        [str(PROGRAM), "env", "shell", *words],
        cwd=worker.path,
        env=worker.environ(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_checks_number_their_environments_and_any_of_them_is_entered_again(project: Worker) -> None:
    assert project.lfci("check", "--rev", "HEAD~", "--no-attest").status == 0
    assert project.lfci("check", "--no-attest").status == 0
    assert project.lfci("check", "--no-attest", "--force").status == 0  # the same again
    [profile] = project.lfci("env", "list", "--format", "json").json["profiles"]
    assert profile["session"] == NO_SESSION
    assert [(each["number"], each["current"]) for each in profile["environments"]] == [(1, False), (2, True)]

    now = entered(project, "-c", "bash", "-c", "echo $WORD, $HOOKED, $SECRET, $HOME", env={"SECRET": "s"})
    assert (now.returncode, now.stdout) == (0, f"two, two hook, , {project.environ()['HOME']}\n"), now.stderr

    shown = project.lfci("env", "rollback")
    assert shown.status == 0
    assert shown.out.startswith("current: 1, ")
    back = entered(project, "-c", "bash", "-c", "echo $WORD; exit 3")
    assert (back.returncode, back.stdout) == (1, "one\n")
    assert "status 3" in back.stderr
    assert project.lfci("env", "rollback").status == 2  # nothing is before the first
    assert project.lfci("env", "rollback", "2").status == 0

    # Of any commit, whatever ran here.
    of_commit = entered(project, "HEAD~", "--check", "test", "-c", "bash", "-c", "echo $WORD")
    assert of_commit.stdout == "one\n"
    assert project.repo.git("status", "--porcelain") == b""


def test_without_a_run_there_is_nothing_to_enter(project: Worker, clone_of: Callable[..., Worker]) -> None:
    fresh = Worker(Developer(project.path.parent / "fresh", project.forge), project.key)
    done = entered(fresh)
    assert done.returncode == 2
    assert "LFCI522" in done.stderr


def test_a_session_has_a_profile_of_its_own(tmp_path: Path) -> None:
    one, other = Profile(tmp_path, "one"), Profile(tmp_path, NO_SESSION)
    for number in range(3):
        one.used(f"/nix/store/{number}.drv", "test", "default", TREE, NOW)
    other.used("/nix/store/9.drv", "test", "default", TREE, NOW)
    assert [each.number for each in one.read()[0]] == [1, 2, 3]
    assert one.roll_back(None).number == 2
    assert one.current().env_drv == "/nix/store/1.drv"
    one.used("/nix/store/1.drv", "test", "default", TREE, NOW)
    assert one.current().number == 2
    one.used("/nix/store/new.drv", "test", "default", TREE, NOW)
    assert one.current().number == 4
    assert one.roll_back(1).number == 1
    assert other.current().number == 1
    assert [each.name for each in profiles(tmp_path)] == [NO_SESSION, "one"]


def test_what_is_not_there_or_damaged_is_said(tmp_path: Path) -> None:
    profile = Profile(tmp_path, "one")
    for act in (profile.current, lambda: profile.roll_back(None), lambda: profile.roll_back(7)):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.code == "LFCI522"
    profile.used("/nix/store/1.drv", "test", "default", TREE, NOW)
    path = tmp_path / "lfci/environments/one.json"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(Undecided) as broken:
        profile.read()
    assert broken.value.code == "LFCI509"


def test_without_the_sandbox_a_command_is_run_and_nothing_is_attested(project: Worker) -> None:
    before = project.repo.git("for-each-ref")
    done = subprocess.run(
        [str(PROGRAM), "check", "--unsandboxed", "--format", "json"],
        cwd=project.path,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["attested"], answer["checks"]) == (False, [{"name": "test", "exitCode": 0}])
    assert "\ntwo\n" in done.stderr
    assert "WITHOUT the sandbox; nothing is attested" in done.stderr
    assert project.repo.git("for-each-ref") == before
    for option in ("--trailer", "--force", "--engine=develop"):
        assert project.lfci("check", "--unsandboxed", option).status == 2
