"""What one machine attests another reproduces: `lfci verify --rebuild --store fresh`, with real Nix.

Two roots (tests/support/machine.py) with other users, homes, host names, time zones, languages, umasks,
CPUs and stores. Of each other they know the forge's address only: all that the check is made of is in the
project. Its artifact tells what the check saw of its machine, so equal results mean that it saw the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.results import parse_result, result_document
from lfci_gate.errors import LfciError
from lfci_gate.model import ResultDocument
from tests.clone.conftest import save_key
from tests.clone.test_rebuild import VERIFIER, policy
from tests.gate.conftest import Farm
from tests.support.evidence import TestSigner
from tests.support.forge import AGENT, SECOND_AGENT, Forge
from tests.support.machine import Done, Kind, Machine, interpreter
from tests.support.world import World
from tests.support.world_project import processes_with

pytestmark = pytest.mark.nix

ALPHA = Kind(
    host="alpha",
    user="ada",
    uid=21001,
    home="/home/ada",
    software="/opt/lfci",
    cpus=None,
    umask="0077",
    environment={"TZ": "Pacific/Kiritimati", "LANG": "de_DE.UTF-8", "SOURCE_DATE_EPOCH": "1767268800"},
    forger=True,
)
OMEGA = Kind(
    host="omega.example.com",
    user="bob",
    uid=32002,
    home="/srv/people/bob",
    software="/srv/tools/lfci",
    cpus=1,
    umask="0002",
    environment={"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "out": "/x"},
    path=("/bin", "/usr/bin", "/usr/local/sbin", "/usr/games"),
)

FLAKE = """\
{
  outputs = { self }:
    let
      system = "x86_64-linux";
      # Apart from the project's other files: the environment stays when they change.
      seed = builtins.path { path = ./seed; name = "seed"; };
      tools = derivation {
        name = "tools";
        inherit system;
        builder = "${seed}/bash";
        args = [ "-euc" ''
          ${seed}/busybox mkdir -p $out/bin
          ${seed}/busybox cp ${seed}/bash ${seed}/busybox $out/bin/
          for applet in $(${seed}/busybox --list); do
            [ -e $out/bin/$applet ] || ${seed}/busybox ln -s busybox $out/bin/$applet
          done
        '' ];
      };
    in {
      devShells.${system}.default = derivation {
        name = "shell";
        inherit system;
        builder = "${tools}/bin/bash";
        outputs = [ "out" ];
        PATH = "${tools}/bin";
        stdenv = builtins.path { path = ./setup; name = "setup"; };
        args = [ "-c" "exit 1" ];
      };
    };
}
"""
LOCK = '{"nodes":{"root":{}},"root":"root","version":7}\n'

CONFIG = """\
version = 1

[checks.test]
run = "./check.sh"
report = { format = "junit", path = "junit.xml" }
artifacts = ["seen"]
"""

CHECK = """\
#!/usr/bin/env bash
set -eu
# How many CPUs there are is told to every builder, by Nix too.
unset NIX_BUILD_CORES
{
  id; hostname; date +%Z; umask; pwd; cat /etc/passwd /etc/hosts; env | sort
  ls -la /home /srv /opt /root /nix/store 2>&1 | wc -l
  find . ! -type d -exec stat -c '%n %a %U %s' {} + | sort
} > "$out/seen"
{
  # No two reports are equal byte by byte, as no two of a real test runner are.
  echo "<testsuite name='s' time='0.$RANDOM$RANDOM'><testcase classname='c' name='one'/>"
  cat more; echo '</testsuite>'
} > "$out/junit.xml"
exit "$(cat status)"
"""
PASSING = '<testcase classname="c" name="two"/>'
FAILING = '<testcase classname="c" name="two"><failure/></testcase>'

INVENT = """\
import sys
sys.path[:0] = sys.argv[1:3]
import os
from pathlib import Path
from tests.support.demo import invent
print(*invent(Path.cwd(), Path(sys.argv[3]), os.environ))
"""


@dataclass
class Person:
    """Whoever works on a machine, in one clone, with one key."""

    machine: Machine
    clone: str

    def lfci(self, *words: str, key: str = "key") -> Done:
        env = {"LFCI_KEY": f"{self.machine.kind.home}/{key}"}
        return self.machine.runs("lfci", *words, where=self.clone, env=env)

    def git(self, *words: str) -> str:
        return self.machine.does("git", *words, where=self.clone)

    def writes(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self.machine.write(f"{self.clone}/{path}", data, mode=mode)

    def takes(self, signer: TestSigner, name: str, temp: Path) -> None:
        """A key in the home."""
        data = save_key(signer, temp / name).read_bytes()
        self.machine.write(f"{self.machine.kind.home}/{name}", data)

    def left(self) -> list[str]:
        """What runs left on the machine."""
        places = (self.machine.file(f"{self.clone}/.git/lfci"), *map(self.machine.file, ("/tmp", "/var/tmp")))
        return [str(path) for place in places for path in place.glob("lfci-*")]


@dataclass
class Two:
    forge: Forge
    ada: Person
    bob: Person
    checks: tuple[dict[str, Any], dict[str, Any]]
    """What `lfci check` said on the first machine, by the develop engine and by the build engine."""

    def seen(self) -> str:
        """What the check saw of its machine: the artifact, as the first machine keeps it."""
        [file] = self._document().artifacts
        return self._stored(file.sha256).read_text()

    def result(self) -> str:
        return hashlib.sha256(result_document(self._document())).hexdigest()

    def _document(self) -> ResultDocument:
        """Of the runs on the first machine, which must agree: the one that passed."""
        found = []
        for file in self._stored("0" * 64).parents[1].glob("*/*"):
            with contextlib.suppress(LfciError):
                found.append(parse_result(file.read_bytes()))
        [passed] = [each for each in found if each.exit_code == 0]
        return passed

    def _stored(self, digest: str) -> Path:
        cas = self.ada.machine.file(f"{self.ada.clone}/.git/lfci/cas/sha256")
        return cas / digest[:2] / digest[2:]


@pytest.fixture(scope="module")
def two(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """A landing by the first machine; the second one has lfci and is otherwise new."""
    base = Path(tempfile.mkdtemp(prefix="lfci-machines-", dir="/tmp"))
    base.chmod(0o755)
    keys = tmp_path_factory.mktemp("keys")
    try:
        yield _land(farm.empty(policy()), base, world, keys)
    finally:
        shutil.rmtree(base)


def _land(forge: Forge, base: Path, world: World, keys: Path) -> Two:
    ada = Person(_machine(base, ALPHA), "/home/ada/src/project")
    bob = Person(_machine(base, OMEGA), "/srv/people/bob/work/a clone, of Bob's")
    ada.takes(AGENT, "key", keys)
    ada.takes(SECOND_AGENT, "second", keys)
    bob.takes(VERIFIER, "key", keys)
    for name in ("bash", "busybox"):
        ada.writes(f"seed/{name}", (world.path / "seed/bin" / name).read_bytes(), 0o755)
    ada.writes("check.sh", CHECK.encode(), 0o755)
    ada.writes(".lfci/policy.toml", policy())
    for name, text in {
        "flake.nix": FLAKE,
        "flake.lock": LOCK,
        ".lfci/config.toml": CONFIG,
        "setup/setup": "",
        "more": PASSING,
        "status": "0",
    }.items():
        ada.writes(name, text.encode())
    for words in (("init", "-q", "-b", "main"), ("remote", "add", "origin", forge.url), ("add", "-A")):
        ada.git(*words)
    ada.git("commit", "-q", "-m", "first")
    ran = ada.lfci("check", "--format", "json")
    assert ran.status == 0, ran.text
    built = ada.lfci("check", "--force", "--engine", "build", "--format", "json", key="second")
    assert built.status == 0, built.text
    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert not forge.waiting()
    bob.machine.does("git", "clone", "-q", forge.url, bob.clone)
    assert bob.lfci("install").status == 0
    bob.git("fetch", "-q")
    return Two(forge, ada, bob, (json.loads(ran.out)["checks"][0], json.loads(built.out)["checks"][0]))


def _machine(base: Path, kind: Kind) -> Machine:
    (base / kind.host).mkdir()
    machine = Machine(base / kind.host, kind)
    settings = f"[user]\n\tname = {kind.user}\n\temail = {kind.user}@example.com\n"
    machine.write(f"{kind.home}/.gitconfig", settings.encode())
    return machine


def _rebuilt(person: Person, *words: str) -> tuple[Done, dict[str, Any], list[dict[str, Any]]]:
    """`verify --rebuild` of HEAD in a store made for it: how it ended, the commit, the rebuilds."""
    shown = person.lfci("verify", "HEAD", "--rebuild", "--store", "fresh", *words, "--format", "json")
    [commit] = json.loads(shown.out)["commits"]
    return shown, commit, commit["rebuilds"]


def test_another_machine_reproduces_what_the_first_one_attested(two: Two) -> None:
    developed, built = two.checks
    assert (developed["engine"], built["engine"]) == ("develop", "build")
    assert (developed["known"], built["known"]) == (False, False)
    store = two.bob.machine.file("/nix")
    assert not (store / "store").exists(), "nothing was ever built on the second machine"

    shown, commit, rebuilds = _rebuilt(two.bob, "--attest")
    assert shown.status == 0, shown.text
    assert commit["assurance"] == "rebuilt"
    assert {tuple(each["keys"]): each["answer"] for each in rebuilds} == {
        ("agent",): "reproduced",
        ("second-agent",): "reproduced",
    }
    derivation, result = developed["derivation"], two.result()
    for each in rebuilds:
        assert each["attested"] == each["found"] == {"derivation": derivation, "result": result}
    assert built["derivation"] == derivation
    # What the verifier signed has arrived at the forge.
    assert (len(commit["signed"]), commit["delivered"]) == (2, True)
    assert not two.forge.waiting()

    # The check looked at its machine, and saw neither.
    seen = two.seen()
    assert seen.startswith("uid=1000(nixbld) gid=100(nixbld)\nlocalhost\nUTC\n0022\n/build/source\n")
    for kind in (ALPHA, OMEGA):
        for word in (kind.host, kind.user, str(kind.uid), kind.home, kind.environment["TZ"]):
            assert word not in seen
    assert (two.ada.left(), two.bob.left()) == ([], [])
    assert processes_with(str(two.ada.machine.base)) + processes_with(str(two.bob.machine.base)) == []


def test_a_made_up_result_is_not_reproduced_there_and_its_key_is_named(two: Two) -> None:
    """Signed on the first machine, by a trusted key, of the right derivation; the test that fails was
    run there, and the run that is attested never was."""
    ada, bob = two.ada, two.bob
    ada.writes("more", FAILING.encode())
    ada.writes("status", b"1")
    ada.git("commit", "-q", "-a", "-m", "a test fails")
    failed = ada.lfci("check", "--no-attest", "--format", "json")
    assert failed.status == 1, failed.text
    [check] = json.loads(failed.out)["checks"]
    assert (check["code"], check["tests"]["failed"]) == ("LFCI307", 1)
    code = [f"{ALPHA.software}/{name}" for name in ("code", "site")]
    made = ada.machine.does(
        interpreter(), "-I", "-c", INVENT, *code, f"{ALPHA.home}/key", where=ada.clone
    ).split()
    ref = ada.git("for-each-ref", "--format=%(objectname):%(refname)", f"refs/lfci/inbox/**/{made[0]}")
    ada.git("push", "-q", "--no-verify", "origin", "HEAD:main", ref)
    assert not two.forge.waiting(), "the gate has no way to know, and lets it land"

    bob.git("pull", "-q")
    shown, commit, [rebuild] = _rebuilt(bob, "--attest")
    assert shown.status == 1, shown.text
    assert (commit["verdict"]["verdict"], commit["assurance"]) == ("accepted", "claimed")
    assert (rebuild["attestation"], rebuild["keys"]) == (made[0], ["agent"])
    assert (rebuild["answer"], rebuild["code"]) == ("not reproduced", "LFCI327")
    assert rebuild["attested"]["derivation"] == rebuild["found"]["derivation"] == check["derivation"]
    assert rebuild["facts"][:2] == [
        "exit status: attested 0, here 1",
        "test c::two: attested passed, here failed",
    ]
    assert len(commit["signed"]) == 1
    # Said once, it is remembered: this asks Nix nothing.
    told = bob.lfci("verify", "HEAD", "--rebuild")
    assert told.status == 1, told.text
    assert "attested by agent" in told.out
    assert "NOT REPRODUCED: another result" in told.out
    assert (ada.left(), bob.left()) == ([], [])
