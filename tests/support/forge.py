"""A forge with a gate behind real git daemon, and developers who push to it.

Evidence is signed with the published test keys and made without Nix: what the gate decides about is
the statement, whoever made it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.keys import format_public
from lfci_gate.attest.statement import subject_of
from lfci_gate.config.policy import parse_policy, rule_for
from lfci_gate.gate.fold import fold
from lfci_gate.gate.install import init_forge
from lfci_gate.git.inbox import build_inbox_tree, inbox_ref
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import (
    Approval,
    CheckRun,
    ObjectId,
    Statement,
)
from tests.support.evidence import REPOSITORY, TestSigner, ed25519_signer
from tests.support.repos import Repo, make_repo
from tests.support.statements import approvals_of, bundle, passing_run

MAINTAINER = ed25519_signer("maintainer")
AGENT = ed25519_signer("agent")
SECOND_AGENT = ed25519_signer("second agent")
STRANGER = ed25519_signer("stranger")

RULE: dict[str, Any] = {
    "refs": ["refs/heads/main", "refs/heads/release/*"],
    "require": [{"check": "test", "roles": ["agent"]}],
    "protect": [{"paths": ["flake.nix", "flake.lock", ".lfci/", "tests/"], "roles": ["maintainer"]}],
}
"""Main and release branches: a test run by an agent, approvals by a maintainer."""

CONFIG = b"""\
version = 1

[checks.test]
run = "pytest --junitxml=$out/junit.xml"
report = { format = "junit", path = "junit.xml" }
"""


def policy_text(*, version: int = 1, rules: tuple[dict[str, Any], ...] = (RULE,), **extra: Any) -> bytes:
    """A policy with the kit's keys; ``extra`` replaces top-level values."""
    import tomli_w

    def key(signer: TestSigner, *roles: str) -> dict[str, Any]:
        return {"public": format_public(signer.public), "roles": list(roles)}

    value: dict[str, Any] = {
        "version": version,
        "repository": REPOSITORY,
        "keys": {
            "maintainer": key(MAINTAINER, "maintainer"),
            "agent": key(AGENT, "agent"),
            "second-agent": key(SECOND_AGENT, "agent"),
        },
        "rules": list(rules),
    }
    return tomli_w.dumps(value | extra).encode()


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Pushed:
    """How a push ended, as the client sees it."""

    status: int
    output: str

    @property
    def codes(self) -> set[str]:
        """Codes of the gate in the output."""
        import re

        return set(re.findall(r"error\[(LFCI\d+)\]", self.output))


class Forge:
    """A bare repository with the gate installed, served by git daemon on loopback."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.url = url
        self.repo = Repo(path, Git(path).hash_name)

    @property
    def git(self) -> Git:
        return Git(self.path)

    def refs(self) -> dict[str, str]:
        lines = self.repo.git("for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        return dict(line.split(" ") for line in lines)

    def state(self) -> tuple[dict[str, str], frozenset[str]]:
        """Everything a refusal must leave as it was: all refs, and all files of the git directory.

        receive-pack answers the client before it removes its quarantine and its copy of the shallow
        file, so that is waited for.
        """
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and (
            list(self.path.glob("objects/tmp_objdir-*")) or list(self.path.glob("shallow_*"))
        ):
            time.sleep(0.01)
        files = frozenset(str(each.relative_to(self.path)) for each in self.path.rglob("*") if each.is_file())
        return self.refs(), files

    def waiting(self) -> list[str]:
        """Inbox refs that are not folded."""
        return [ref for ref in self.refs() if ref.startswith("refs/lfci/inbox/")]

    def set_policy(self, policy: bytes) -> None:
        """The operator's own policy file, in force from now on."""
        (self.path / "lfci/server-policy.toml").write_bytes(policy)
        self.repo.git("config", "lfci.policy", "lfci/server-policy.toml")

    def fsck(self) -> None:
        done = subprocess.run(
            ["git", "fsck", "--full", "--strict"], cwd=self.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def note(self, ref: str, target: str) -> bytes:
        """The bytes of a note, through git itself."""
        return self.repo.git("notes", f"--ref={ref}", "show", target)


class Developer:
    """A clone and the keys of whoever works in it."""

    def __init__(self, path: Path, forge: Forge) -> None:
        self.repo = make_repo(path, forge.repo.hash_name)
        self.repo.git("remote", "add", "origin", forge.url)
        self.forge = forge

    @classmethod
    def copied(cls, clone: Path, path: Path, forge: Forge) -> Developer:
        """A copy of a clone that works with another forge."""
        shutil.copytree(clone, path)
        made = cls.__new__(cls)
        made.repo = Repo(path, forge.repo.hash_name)
        made.repo.git("remote", "set-url", "origin", forge.url)
        made.forge = forge
        return made

    def start(self, tip: str = "") -> None:
        """Back to the forge's main (or another landed commit), whatever an earlier test left."""
        tip = tip or self.forge.refs()["refs/heads/main"]
        self.repo.git("fetch", "-q", str(self.forge.path), tip)
        self.repo.git("checkout", "-q", "-f", "-B", "main", tip)
        self.repo.git("clean", "-q", "-f", "-d", "-x")

    def edit(self, files: dict[str, bytes | None] | None = None, message: str = "change") -> str:
        """A commit with these files (None removes one), and a source that no other commit has."""
        for path, data in {"src/lib.py": os.urandom(8).hex().encode(), **(files or {})}.items():
            if data is None:
                (self.repo.path / path).unlink()
            else:
                self.repo.write(path, data)
        return self.repo.commit(message)

    def push(self, *args: str, env: dict[str, str] | None = None) -> Pushed:
        """A plain `git push` with our client hooks out of the way: the gate alone decides."""
        done = subprocess.run(
            ["git", "push", *args],
            cwd=self.repo.path,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            check=False,
            timeout=60,
        )
        return Pushed(done.returncode, done.stdout + done.stderr)

    def refused(self, code: str, *args: str, env: dict[str, str] | None = None) -> Pushed:
        """A push that the gate refuses with exactly this code, and that leaves nothing behind."""
        before = self.forge.state()
        pushed = self.push(*args, env=env)
        assert pushed.status != 0, pushed.output
        assert pushed.codes == {code}, pushed.output
        assert self.forge.state() == before
        self.forge.fsck()
        return pushed

    def lands_beside(self, *args: str) -> None:
        """A push that lands while something else waits in the inbox, which goes on waiting."""
        before = self.forge.waiting()
        pushed = self.push(*args)
        assert pushed.status == 0, pushed.output
        fold(self.forge.git)
        assert self.forge.waiting() == before

    def lands(self, *args: str, env: dict[str, str] | None = None) -> None:
        """A push that the gate lets through and the fold has folded: nothing waits in the inbox."""
        pushed = self.push(*args, env=env)
        assert pushed.status == 0, pushed.output
        assert not self.forge.waiting()
        self.forge.fsck()

    # -- evidence --------------------------------------------------------------------------

    def run_of(self, rev: str, check: str = "test", **changes: Any) -> tuple[CheckRun, bytes]:
        """A passing run of a check at ``rev`` with its result document; ``changes`` replace fields."""
        with BatchReader(self.repo.tool) as source:
            return passing_run(source, self.tree(rev), now() - timedelta(seconds=1), check, **changes)

    def tree(self, rev: str) -> ObjectId:
        return ObjectId(self.repo.line("rev-parse", f"{rev}^{{tree}}"))

    def approval_of(
        self,
        rev: str,
        base: str | None,
        ref: str = "refs/heads/main",
        *,
        policy: bytes | None = None,
        **changes: Any,
    ) -> list[Approval]:
        """Approvals of all protected parts that differ between ``base`` (None: nothing) and ``rev``, by the
        policy that is in force (that of ``base``, unless it is given)."""
        if policy is None:
            policy = self.repo.git("show", f"{base}:.lfci/policy.toml")
        rule = rule_for(parse_policy(policy), ref)
        assert rule is not None
        with BatchReader(self.repo.tool) as source:
            old = None if base is None else self.tree(base)
            return approvals_of(source, rule, ref, (old, self.tree(rev)), now(), **changes)

    def bundle(self, statement: Statement, signer: TestSigner) -> bytes:
        return bundle(statement, signer)

    def inbox(self, line: bytes, result: bytes | None = None) -> tuple[str, str]:
        """Stores a bundle as the object of an inbox ref; (object, ref)."""
        from lfci_gate.attest.bundle import parse_bundle
        from lfci_gate.attest.statement import parse_statement

        envelope = parse_bundle(line).envelope
        subject = subject_of(parse_statement(envelope.payload))
        writer = PackWriter(self.repo.tool)
        tree = build_inbox_tree(line, result, writer.add)
        writer.flush()
        return tree, inbox_ref(subject, attestation_id(envelope))

    def evidence(self, rev: str, signer: TestSigner = AGENT, check: str = "test", **changes: Any) -> str:
        """A refspec that delivers a passing run of ``check`` at ``rev``.

        The attester is named after the key: with the same words at the same second, two keys would
        sign the same statement, which has one id and one place in the inbox.
        """
        changes.setdefault("attester", signer.public.fingerprint)
        run, data = self.run_of(rev, check, **changes)
        tree, ref = self.inbox(self.bundle(run, signer), data)
        return f"{tree}:{ref}"

    def approvals(
        self, rev: str, base: str | None, signer: TestSigner = MAINTAINER, **changes: Any
    ) -> list[str]:
        """Refspecs that deliver the approvals."""
        specs = []
        for approval in self.approval_of(rev, base, **changes):
            tree, ref = self.inbox(self.bundle(approval, signer))
            specs.append(f"{tree}:{ref}")
        return specs


@contextmanager
def git_daemon(base: Path) -> Iterator[str]:
    """git daemon that takes pushes below ``base``; yields the URL prefix.

    One process a connection, as inetd and systemd start it (docs/operator-guide.md): a git daemon that
    listens by itself lets five connections wait, and resets others when many come at once.
    """
    words = ["git", "daemon", "--inetd", "--export-all", "--enable=receive-pack"]
    words += [f"--base-path={base}", str(base)]
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = threading.Thread(target=_serve, args=(listener, words))
        server.start()
        try:
            yield f"git://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join(timeout=30)
            assert not server.is_alive(), "a git daemon does not end"


def _serve(listener: socket.socket, words: list[str]) -> None:
    """Starts the program for each connection, until the listener is shut down; then ends what still runs."""
    running: list[subprocess.Popen[bytes]] = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            break
        with connection:
            running = [each for each in running if each.poll() is None]
            running.append(
                subprocess.Popen(
                    words,
                    stdin=connection,
                    stdout=connection,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
    for each in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGTERM)
        each.wait(timeout=20)


def new_forge(
    path: Path, policy: bytes | None = None, *, object_format: str = "sha1", on_server: bool = False
) -> None:
    """A bare repository at ``path``, installed as an operator would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    policy_file = path.with_suffix(".toml")
    policy_file.write_bytes(policy if policy is not None else policy_text())
    init_forge(path, policy_file, on_server=on_server, object_format=object_format, branch="refs/heads/main")


@contextmanager
def make_forge(
    base: Path, policy: bytes | None = None, *, object_format: str = "sha1", on_server: bool = False
) -> Iterator[Forge]:
    """A forge ``base/forge.git`` behind a git daemon of its own."""
    path = base / "forge.git"
    new_forge(path, policy, object_format=object_format, on_server=on_server)
    with git_daemon(base) as url:
        yield Forge(path, f"{url}/forge.git")
    shutil.rmtree(path, ignore_errors=True)


def first_landing(developer: Developer, policy: bytes | None = None, config: bytes = CONFIG) -> str:
    """The project's first commit, landed with evidence; returns it."""
    commit = first_commit(developer, policy, config)
    pushed = developer.push("origin", "main", developer.evidence("HEAD"))
    assert pushed.status == 0, pushed.output
    return commit


def first_commit(developer: Developer, policy: bytes | None = None, config: bytes = CONFIG) -> str:
    """The project's first commit, not pushed."""
    repo = developer.repo
    repo.write(".lfci/config.toml", config)
    repo.write(".lfci/policy.toml", policy if policy is not None else policy_text())
    repo.write("flake.nix", b"{ outputs = _: { }; }\n")
    repo.write("flake.lock", b'{"nodes":{"root":{}},"root":"root","version":7}\n')
    repo.write("src/lib.py", b"answer = 42\n")
    repo.write("tests/test_lib.py", b"def test_answer():\n    assert True\n")
    return repo.commit("first")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert process.poll() is None, "git daemon ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("git daemon does not listen")
