"""`make demo`: the main job on real input, as a story. Exits non-zero when a step ends otherwise
than announced.

The project is pluggy's own sdist with its unmodified test suite, the transport is git daemon on
loopback, the environment is Nix: the offline world of the tests, or nixpkgs where it can be reached
(``DEMO_WORLD=nixpkgs``).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lfci_gate.attest.bundle import format_bundle, make_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.results import parse_result
from lfci_gate.attest.signers import load_signer
from lfci_gate.attest.statement import format_statement
from lfci_gate.cli.context import utc_now
from lfci_gate.clone.check import project_config
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.config.policy import parse_policy
from lfci_gate.errors import LfciError
from lfci_gate.git.export import export_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file
from lfci_gate.model import ResultDocument
from lfci_gate.nix.derivation import derive
from lfci_gate.nix.process import Nix
from lfci_gate.system import current_system
from tests.support.forge import git_daemon
from tests.support.statements import passing_run
from tests.support.world import make_world, pluggy_source, project_flake

COMMAND = "PYTHONPATH=src python3 -m pytest -q -p no:cacheprovider testing --junitxml=$out/junit.xml"

NIXPKGS_FLAKE = """\
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";
  outputs = { self, nixpkgs }:
    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ (pkgs.python3.withPackages (p: [ p.pytest ])) ];
      };
    };
}
"""

LFCI = str(Path(sys.executable).parent / "lfci")


class DemoError(SystemExit):
    """A step did not end as announced."""


class Person:
    """Somebody with a home, a key and a clone."""

    def __init__(self, base: Path, name: str) -> None:
        self.name = name
        self.home = base / f"home-{name}"
        self.home.mkdir()
        self.clone = base / name
        self.env = {
            "PATH": f"{Path(LFCI).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            "USER": name,
        }
        self.git("config", "--global", "user.name", name, where=base)
        self.git("config", "--global", "user.email", f"{name}@example.com", where=base)
        self.git("config", "--global", "init.defaultBranch", "main", where=base)

    def git(self, *args: str, where: Path | None = None) -> str:
        """Stage work that the story does not show."""
        done = subprocess.run(
            ["git", *args], cwd=where or self.clone, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DemoError(f"git {' '.join(args)} failed:\n{done.stderr}")
        return done.stdout.strip()

    def does(
        self,
        *argv: str,
        ends: int = 0,
        says: Sequence[str] = (),
        lines: int = 8,
        where: Path | None = None,
        progress: bool = True,
    ) -> str:
        """A command of the story: shown, run, and held against what was announced.

        Arguments: ``ends`` is the announced exit status; ``says`` must all be in the output; ``lines``
        is how much of the output is shown; without ``progress`` only what goes to standard output.
        """
        print(f"  {self.name}$ {' '.join(_shown(word) for word in argv)}", flush=True)
        done = subprocess.run(
            argv,
            cwd=where or self.clone,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if progress else subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=300,
        )
        _print(done.stdout, lines)
        missing = [word for word in says if word not in done.stdout]
        if done.returncode != ends or missing:
            raise DemoError(
                f"\nDEMO FAILED: announced status {ends} and {list(says)}; got status {done.returncode}"
                + (f", without {missing}" if missing else "")
                + f"\nthe whole output was:\n{done.stdout}"
            )
        return done.stdout

    def write(self, path: str, old: str, new: str) -> None:
        """An edit, shown in one line."""
        file = self.clone / path
        text = file.read_text() if file.exists() else ""
        if old not in text:
            raise DemoError(f"{path} has not the text to edit")
        file.write_text(text.replace(old, new, 1))
        print(f"  {self.name} edits {path}", flush=True)


def main() -> int:
    started = time.monotonic()
    base = Path(tempfile.mkdtemp(prefix="lfci-demo-"))
    try:
        with git_daemon(_server(base)) as url:
            _story(base, f"{url}/project.git")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"\nEverything ended as announced, in {time.monotonic() - started:.0f} s.")
    return 0


def _story(base: Path, url: str) -> None:
    mara, agent, stranger = (Person(base, name) for name in ("mara", "agent-7", "stranger"))
    _project(base, mara, agent)
    key = _forge(base, mara, url)
    first = _agent_lands(agent, url)
    _refusals(base, agent, stranger, url)
    _approval(mara, agent)
    reader = _second_clone(base, first, url, key)
    _made_up(agent, reader)


# -- the project and its forge ----------------------------------------------------------------


def _server(base: Path) -> Path:
    server = base / "server"
    server.mkdir()
    return server


def _project(base: Path, mara: Person, agent: Person) -> None:
    _title("A real project: pluggy 1.7.0 with its own test suite, unmodified")
    shutil.copytree(pluggy_source(), mara.clone, symlinks=True)
    if os.environ.get("DEMO_WORLD") == "nixpkgs":
        (mara.clone / "flake.nix").write_text(NIXPKGS_FLAKE)
        subprocess.run(["nix", "flake", "lock"], cwd=mara.clone, check=True)
    else:
        nix, lock = project_flake(make_world())
        (mara.clone / "flake.nix").write_text(nix)
        (mara.clone / "flake.lock").write_text(lock)
    mara.git("init", "-q", ".")
    print("  Mara maintains it. She declares its check, and who may land what.")
    mara.does("lfci", "init", "--run", COMMAND, "--report", "junit:junit.xml", "--name", "test", lines=14)
    agent.does("lfci", "key", "generate", where=base, lines=3)
    line = (agent.home / ".config/lfci/key.pub").read_text().strip()
    policy = mara.clone / ".lfci/policy.toml"
    text = policy.read_text() + f'\n[keys.agent-7]\npublic = "{line}"\nroles = ["agent"]\n'
    policy.write_text(text)
    print("  She enrols agent-7's public key; the policy's keys, and what they may:")
    _print(_keys_of(text), 12)
    mara.git("add", "-A")
    mara.git("commit", "-qm", "pluggy 1.7.0, with its checks declared")


def _forge(base: Path, mara: Person, url: str) -> str:
    _title("The forge: a bare repository with a gate, served by git daemon")
    forge = base / "server/project.git"
    mara.does(
        "lfci", "forge", "init", str(forge), "--policy", str(mara.clone / ".lfci/policy.toml"), lines=20
    )
    mara.git("remote", "add", "origin", url)
    return (forge / "lfci/key.pub").read_text().strip()


# -- the main job ---------------------------------------------------------------------------------


def _agent_lands(agent: Person, url: str) -> str:
    _title("The agent lands the project: its key has the role that runs must have")
    base = agent.clone.parent
    agent.git("clone", "-q", str(base / "mara"), str(agent.clone), where=base)
    agent.git("remote", "set-url", "origin", url)
    agent.git("update-ref", "-d", "refs/remotes/origin/main")
    agent.git("remote", "set-head", "origin", "-d")
    agent.does("lfci", "install", lines=8)
    agent.does("lfci", "session", "start", "--agent", "agent-7", "--goal", "say what a hook is", lines=6)
    agent.does("lfci", "land", says=("landed",), lines=12)
    agent.git("remote", "set-head", "origin", "main")

    _title("The agent makes an edit, checks it in the sandbox, lands it")
    agent.write("src/pluggy/__init__.py", "__all__ = [", "# What plugins and hosts may import.\n__all__ = [")
    agent.does("lfci", "check", says=("passed",), lines=12)
    agent.git("commit", "-qam", "Say what may be imported")
    print("  The commit has the tree that was checked, so nothing runs again:")
    agent.does("lfci", "check", says=("known",), lines=4)
    agent.does("lfci", "land", says=("known", "landed"), lines=6)
    return agent.git("rev-parse", "HEAD")


# -- what the gate refuses ------------------------------------------------------------------------


def _refusals(base: Path, agent: Person, stranger: Person, url: str) -> None:
    _title("Refused: a commit without an attestation")
    agent.write("src/pluggy/_tracing.py", "", "# a note\n")
    agent.git("commit", "-qam", "Without a check")
    _refused(agent, "LFCI101", "git", "push", "--no-verify", "origin", "HEAD:main")

    _title("Refused: an attestation of another tree")
    agent.does("lfci", "check", says=("passed",), lines=3)
    evidence = _evidence(agent)
    agent.write("src/pluggy/_tracing.py", "# a note\n", "# another note\n")
    agent.git("commit", "-qam", "Not what was checked")
    _refused(agent, "LFCI104", "git", "push", "--no-verify", "origin", "HEAD:main", *evidence)
    agent.git("reset", "-q", "--hard", "origin/main")

    _title("Refused: a run signed by a key that the policy does not know")
    stranger.git("clone", "-q", url, str(stranger.clone), where=base)
    stranger.does("lfci", "key", "generate", lines=2)
    stranger.write("src/pluggy/_tracing.py", "", "# from outside\n")
    stranger.git("commit", "-qam", "From outside")
    stranger.does("lfci", "check", says=("passed",), lines=4)
    _refused(stranger, "LFCI103", "git", "push", "--no-verify", "origin", "HEAD:main", *_evidence(stranger))

    _title("Refused: a changed test without approval")
    agent.write("testing/test_tracer.py", "", "# Fewer doubts.\n")
    agent.git("commit", "-qam", "Change a test")
    agent.does("lfci", "check", says=("passed",), lines=3)
    _refused(agent, "LFCI206", "git", "push", "--no-verify", "origin", "HEAD:main", *_evidence(agent))

    _title("Refused: a policy edit in the same push that it should allow")
    agent.git("branch", "-f", "changed-test")
    agent.git("reset", "-q", "--hard", "origin/main")
    agent.write(".lfci/policy.toml", 'roles = ["agent"]', 'roles = ["agent", "maintainer"]')
    agent.write(".lfci/policy.toml", "version = 1", "version = 2")
    agent.git("commit", "-qam", "Everybody is a maintainer")
    agent.does("lfci", "check", says=("passed",), lines=3)
    _refused(agent, "LFCI206", "git", "push", "--no-verify", "origin", "HEAD:main", *_evidence(agent))
    print("  `lfci land` would have said so before it sent anything:")
    agent.does("lfci", "land", ends=1, says=("LFCI206", "known"), lines=14)
    agent.git("reset", "-q", "--hard", "origin/main")

    _title("Refused: deletion of the notes")
    _refused(agent, "LFCI209", "git", "push", "--no-verify", "origin", ":refs/notes/lfci")


def _evidence(person: Person) -> list[str]:
    """What the clone has attested and the forge has not taken yet, as refspecs for a push by hand."""
    return person.git("for-each-ref", "--format=%(objectname):%(refname)", "refs/lfci/inbox").split("\n")


def _refused(person: Person, code: str, *argv: str) -> None:
    person.does(*argv, ends=1, says=(code,), lines=14)


def _approval(mara: Person, agent: Person) -> None:
    _title("A maintainer approves, and the changed test lands")
    agent.git("reset", "-q", "--hard", "changed-test")
    agent.does("git", "push", "--quiet", "origin", "HEAD:refs/heads/review/changed-test")
    mara.git("fetch", "-q", "origin")
    mara.git("remote", "set-head", "origin", "main")
    mara.does("lfci", "approve", "origin/review/changed-test", "--reason", "a comment only",
              says=("approved",), lines=8)  # fmt: skip
    agent.does("lfci", "land", says=("landed",), lines=8)


def _second_clone(base: Path, first: str, url: str, key: str) -> Person:
    _title("Anybody verifies, in a fresh clone")
    reader = Person(base, "reader")
    reader.git("clone", "-q", url, str(reader.clone), where=base)
    reader.does("lfci", "install", lines=4)
    reader.git("fetch", "-q", "origin")
    print("  It trusts the forge's key for the time of a landing, and for nothing else:")
    reader.does("git", "config", "--add", "lfci.forgeKey", key)
    reader.does("lfci", "verify", first, says=("accepted", "claimed"), lines=8)
    print("  and evaluates the flake again: is the derivation really the one that was attested?")
    reader.does("lfci", "verify", "HEAD", "--rederive", says=("the same derivation", "derived"), lines=10)
    print("  and runs it again, in Nix's own sandbox: is that really the result?")
    proven = ("the same result", "assurance: rebuilt")
    reader.does("lfci", "verify", "HEAD", "--rebuild", says=proven, progress=False)
    return reader


def _made_up(agent: Person, reader: Person) -> None:
    _title("A trusted key lies: it signs that tests passed which fail")
    agent.git("fetch", "-q", "origin")
    agent.git("reset", "-q", "--hard", "origin/main")
    agent.write("src/pluggy/_tracing.py", 'indent = "  "', 'indent = "    "')
    agent.git("commit", "-qam", "Indent more")
    agent.does("lfci", "check", "--no-attest", ends=1, says=("LFCI307",), lines=7)
    name, count = invent(agent.clone, agent.home / ".config/lfci/key", agent.env)
    print(f"  The agent knows how to write a statement, and signs one of {count} tests that all passed.")
    print("  The signature is good, the derivation is right, so the gate lets it in:")
    evidence = [each for each in _evidence(agent) if name in each]
    agent.does(
        "git", "push", "--no-verify", "origin", "HEAD:main", *evidence, says=("HEAD -> main",), lines=8
    )
    reader.git("pull", "-q")
    reader.does("lfci", "verify", "HEAD", says=("accepted", "claimed"), lines=8)
    print("  Whoever runs it again finds out, and knows whose key it was:")
    caught = ("attested by agent-7", "NOT REPRODUCED", "here failed")
    reader.does("lfci", "verify", "HEAD", "--rebuild", ends=1, says=caught, lines=16, progress=False)


def invent(clone: Path, key: Path, environ: Mapping[str, str]) -> tuple[str, int]:
    """Signs a passing run of HEAD that never was, with the tests of an honest one; its id, and how many."""
    with tempfile.TemporaryDirectory() as place, BatchReader(Git(clone, env=environ)) as objects:
        tree = objects.resolve("HEAD^{tree}")
        assert tree is not None
        [check] = project_config(objects, tree).checks
        export_tree(objects, tree, Path(place) / "source")
        (Path(place) / "nix").mkdir()
        nix = Nix(Path(place) / "nix")
        found = derive(nix, Path(place) / "source", check, current_system())
        policy = parse_policy(read_file(objects, tree, b".lfci/policy.toml", 1 << 20) or b"")
        honest = next(each for each in _results(clone) if each.exit_code == 0)
        signer = load_signer(str(key), environ=environ, ask_passphrase=None)
        run, document = passing_run(
            objects,
            tree,
            utc_now(),
            "test",
            document=honest,
            repository=policy.repository,
            drv_path=found.check_drv,
            system=found.system,
            nix_version=nix.version().version,
        )
        line = format_bundle(make_bundle(sign(format_statement(run), signer), signer.public))
        return store_evidence(Git(clone, env=environ), line, document), len(honest.tests)


def _results(clone: Path) -> Iterator[ResultDocument]:
    """The result documents that the clone keeps."""
    for file in (clone / ".git/lfci/cas/sha256").glob("*/*"):
        with contextlib.suppress(LfciError):
            yield parse_result(file.read_bytes())


# -- telling -------------------------------------------------------------------------------------


def _title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _print(text: str, lines: int) -> None:
    shown = [re.sub(r"\x1b\[[0-9;]*[mK]|\r", "", line) for line in text.splitlines() if line.strip()]
    if len(shown) > lines:
        shown = [*shown[: max(lines - 4, 1)], "...", *shown[-3:]] if lines > 3 else ["...", *shown[-lines:]]
    for line in shown:
        print(f"    {line[:160]}", flush=True)


def _shown(word: str) -> str:
    short = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b", r"\1..", word)
    return f"'{short}'" if " " in short else short


def _keys_of(policy: str) -> str:
    return "\n".join(re.findall(r"^\[keys\..*\n(?:public.*\n)?roles = .*", policy, re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
