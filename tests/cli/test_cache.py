"""`lfci cache`, `lfci doctor` and `lfci env verify` over two machines: one pushes, the other takes.

Both use this machine's Nix; what the second one has of its own is its store.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfci_gate import cli
from lfci_gate.engines import machine as machine_room
from lfci_gate.engines.run import Doubt
from lfci_gate.errors import Undecided
from lfci_gate.model import Engine, Outcome
from tests.support.world_fixtures import make_project, work, world
from tests.support.world_project import Project, definition

__all__ = ["make_project", "work", "world"]

BODY = """{
  devShells.x86_64-linux.default = world.lib.shell "plain" {
    PATH = "${world.lib.tools}/bin";
    own = derivation (world.lib.base // {
      name = "own"; random = "@random@"; args = [ "-euc" "echo $random > $out" ];
    });
  };
}"""
"""With a path that no other test has, so that it may be altered."""

CONFIG = 'version = 1\n\n[checks.test]\nrun = "echo kept > $out/x; exit 3"\n'


class Home:
    """Somebody's configuration and clone."""

    def __init__(self, place: Path, project: Project) -> None:
        self.place = place
        self.project = project
        self.config = place / "config/lfci/config.toml"
        self.config.parent.mkdir(parents=True)

    def lfci(self, *words: str) -> tuple[int, Any, str]:
        """Exit status, the object on stdout, and what people would read on stderr."""
        out, err = io.StringIO(), io.StringIO()
        environ = {**os.environ, "XDG_CONFIG_HOME": str(self.place / "config")}
        status = cli.run(
            (*words, "--format", "json"),
            environ=environ,
            directory=self.project.place,
            stdout=out,
            stderr=err,
        )
        return status, json.loads(out.getvalue()), err.getvalue()


@pytest.fixture
def home(make_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(machine_room, "OPERATOR", str(tmp_path / "etc/config.toml"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = make_project(BODY.replace("@random@", str(tmp_path)))
    project.write({".lfci/config.toml": CONFIG, "random": str(tmp_path)})
    project.git("add", "-Af")
    project.git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first")
    return Home(tmp_path, project)


def test_one_machine_pushes_and_another_takes_what_runs_are_made_of(home: Home, tmp_path: Path) -> None:
    secret, public, cache = tmp_path / "secret", tmp_path / "public", tmp_path / "cache"
    assert home.lfci("cache", "status")[1]["caches"] == []
    status, said, _ = home.lfci("cache", "push")
    assert (status, said["code"]) == (2, "LFCI531")
    subprocess.run(["nix-store", "--generate-binary-cache-key", "team-1", secret, public], check=True)
    key = public.read_text().strip()
    pushing = f'push = "file://{cache}"\nsigning-key = "{secret}"\n'
    home.config.write_text(f'version = 1\n[cache]\nnix = ["file://{cache}"]\nkeys = ["{key}"]\n{pushing}')
    status, said, _ = home.lfci("cache", "status")
    assert (status, said["caches"][0]["answers"], cache.exists()) == (3, False, False)
    assert home.lfci("cache", "push", "--to", f"file://{cache}?trusted=1")[1]["code"] == "LFCI531"

    ran = home.project.run(definition("echo kept > $out/x; exit 3"), engine=Engine.BUILD)
    assert (ran.outcome, ran.exit_code) == (Outcome.FAILED, 3)
    status, said, _ = home.lfci("cache", "push")
    assert status == 0, said
    [pushed] = said["pushed"]
    assert (pushed["check"], len(pushed["run"])) == ("test", 1)
    entries = [path.read_text() for path in cache.glob("*.narinfo")]
    assert len(entries) == pushed["environment"] + 1
    assert all(f"Sig: {key.partition(':')[0]}:" in entry for entry in entries)
    assert home.lfci("cache", "status")[0] == 0
    status, said, _ = home.lfci("cache", "show")
    assert (status, said["results"]) == (
        0,
        [{"check": "test", "path": pushed["run"][0], "exitCode": 3}],
    )

    # The other machine: nothing can be built for its environment, and the run is made there all the same.
    second = tmp_path / "second"
    doubt = Doubt(ran.drv_path, second, lambda _version: None)
    again = home.project.run(definition("echo kept > $out/x; exit 3"), engine=Engine.BUILD, doubt=doubt)
    assert (again.outcome, again.result) == (ran.outcome, ran.result)
    assert home.project.heard.output == b""
    asked = ("nix", "--extra-experimental-features", "nix-command", "path-info", "--json", "--all")
    taken = subprocess.run((*asked, "--store", str(second)), capture_output=True, check=True)
    by_path = {each["path"]: each for each in json.loads(taken.stdout)}
    assert by_path[pushed["run"][0]].get("ultimate"), "built there, although the cache has it"
    signed = [
        each for each in by_path.values() if any(s.startswith("team-1:") for s in each.get("signatures", ()))
    ]
    assert signed, "the environment came from the cache"


def test_environments_are_hashed_on_demand(home: Home, tmp_path: Path) -> None:
    status, said, _ = home.lfci("env", "verify")
    assert (status, said["paths"]) == (0, 0)
    home.project.run(definition("true"))
    # Where the clone keeps what it knows; the tests' runs keep it elsewhere.
    (home.project.place / ".git/lfci").mkdir()
    (home.project.place / ".git/lfci/gcroots").symlink_to(home.project.work / "gcroots")
    status, said, _ = home.lfci("env", "verify")
    assert (status, said["paths"] > 0) == (0, True)
    paths = {
        line for each in home.project.work.glob("gcroots/*/closure") for line in each.read_text().split()
    }
    owns = [Path(path) for path in paths if path.endswith("-own")]
    file = next(path for path in owns if path.read_text().strip() == str(tmp_path))
    before = file.read_bytes()
    file.chmod(0o644)
    try:
        file.write_bytes(before + b"\n")
        status, said, _ = home.lfci("env", "verify")
        # Not before each run, but where that is asked for: by a runner, or by the configuration.
        assert home.project.run(definition("true")).outcome is Outcome.PASSED
        with pytest.raises(Undecided, match="LFCI326"):
            home.project.run(definition("true"), verify=True)
        home.config.write_text("version = 1\n[store]\nverify = true\n")
        with pytest.raises(Undecided, match="LFCI326"):
            home.project.run(definition("true"))
    finally:
        file.write_bytes(before)
        file.chmod(0o444)
    assert (status, said["code"]) == (3, "LFCI326")


def test_doctor_says_which_builders_and_caches_answer(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "client"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    host_key = " ".join(key.with_name("client.pub").read_text().split()[:2])
    home.config.write_text(
        'version = 1\n[cache]\nnix = ["file:///nonexistent/cache"]\n'
        f'keys = ["x-1:{"A" * 43}="]\n[[builders.machine]]\nuri = "ssh-ng://127.0.0.1:9"\n'
        f'systems = ["x86_64-linux"]\nssh-key = "{key}"\nhost-key = "{host_key}"\n'
    )
    _, said, _ = home.lfci("doctor")
    found = {each["name"]: each for each in said["findings"] if each["name"] in ("builder", "cache")}
    assert found["builder"]["status"] == "warn"
    assert "127.0.0.1:9 for x86_64-linux: ssh: connect to host" in found["builder"]["detail"]
    assert (found["cache"]["status"], found["cache"]["detail"]) == (
        "warn",
        "file:///nonexistent/cache: no binary cache is there",
    )
    home.config.write_text("version = 2\n")
    _, said, _ = home.lfci("doctor")
    [machine] = [each for each in said["findings"] if each["name"] == "machine"]
    assert (machine["status"], "LFCI531" in machine["detail"]) == ("fail", True)
