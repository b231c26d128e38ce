"""The model made real: a bare repository with the gate, a clone, and pushes from the one to the other.

A push is always a real ``git push`` to a real receive-pack with its quarantine. For most of them the
pre-receive hook is a stub that hands git's input to this process, where the hook's own code judges it
at the clock of the model; the others go over git daemon to the installed hook, at the real clock.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pygit2

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.errors import LfciError
from lfci_gate.gate import fold as folding
from lfci_gate.gate import receive
from lfci_gate.git.commit import Commit as GitCommit
from lfci_gate.git.commit import Identity, format_commit
from lfci_gate.git.inbox import build_inbox_tree, inbox_ref
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.process import Git
from lfci_gate.git.tree import GITLINK, TREE, TreeEntry, format_tree
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId, VerdictKind
from tests.properties import model
from tests.properties.documents import Writer, document_text, moment

WHO = Identity(b"Ada", b"ada@example.org", 1767268800, b"+0000")
_STUB = """\
#!/bin/sh
exec 3>"{asked}"
printf '%s\\n' "$GIT_OBJECT_DIRECTORY" "$GIT_ALTERNATE_OBJECT_DIRECTORIES" "$GIT_QUARANTINE_PATH" >&3
cat >&3
exec 3>&-
IFS= read -r status <"{answer}"
exit "$status"
"""


@dataclass(frozen=True)
class Answer:
    """What came of a push."""

    accepted: bool
    codes: frozenset[str]
    text: str
    complete: bool = True
    """All reasons are in ``codes``: the installed hook prints six at most."""
    counted: frozenset[str] | None = frozenset()
    """Ids of the evidence that counted for what landed; None when nobody told."""


class Objects:
    """Objects of the clone, written in one go before they are needed."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._written: set[ObjectId] = set()
        self._writer = PackWriter(git, durable=False)
        self._trees: dict[model.Tree, ObjectId] = {}
        self._commits: dict[model.Commit, ObjectId] = {}
        self.texts = Writer(self.tree, self.commit)

    def add(self, kind: str, data: bytes) -> ObjectId:
        oid = oid_of(kind, data, self._git.hash_name)
        if oid not in self._written:
            self._written.add(oid)
            self._writer.add(kind, data)
        return oid

    def flush(self) -> None:
        self._writer.flush()

    def tree(self, tree: model.Tree) -> ObjectId:
        if tree not in self._trees:
            self._trees[tree] = self._folder(dict(tree.items))
        return self._trees[tree]

    def _folder(self, files: dict[bytes, model.File]) -> ObjectId:
        nested: dict[bytes, dict[bytes, model.File]] = {}
        entries = []
        for path, (mode, data) in files.items():
            first, slash, rest = path.partition(b"/")
            if slash:
                nested.setdefault(first, {})[rest] = (mode, data)
            else:
                oid = ObjectId(data.decode()) if mode == GITLINK else self.add("blob", data)
                entries.append(TreeEntry(mode, first, oid))
        entries += [TreeEntry(TREE, name, self._folder(below)) for name, below in nested.items()]
        if not entries:
            return empty_tree(self._git.hash_name)
        return self.add("tree", format_tree(entries))

    def commit(self, commit: model.Commit) -> ObjectId:
        if commit not in self._commits:
            parents = tuple(self.commit(each) for each in commit.parents)
            made = GitCommit(self.tree(commit.tree), parents, WHO, WHO, self._message(commit))
            self._commits[commit] = self.add("commit", format_commit(made))
        return self._commits[commit]

    def _message(self, commit: model.Commit) -> bytes:
        from lfci_gate.attest.trailer import format_inline

        text = f"change {commit.number}\n"
        if commit.trailers:
            lines = [
                f"Lfci-Attestation: {format_inline(parse_bundle(self.texts.line(each)))}\n"
                for each in commit.trailers
            ]
            text += "\n" + "".join(lines)
            if commit.early_trailer:
                text += "\nand more\n"
        return text.encode()

    def target(self, target: model.Target) -> ObjectId:
        if isinstance(target, model.Commit):
            return self.commit(target)
        if isinstance(target, model.Odd):
            return self.add("blob", b"odd") if target.kind == "blob" else self.tree(model.EMPTY)
        inner = target.target
        kind = {model.Commit: "commit", model.Tag: "tag"}.get(type(inner)) or getattr(inner, "kind", "")
        data = f"object {self.target(inner)}\ntype {kind}\ntag t{target.number}\n".encode()
        return self.add("tag", data + b"tagger Ada <ada@example.org> 1767268800 +0000\n\ntag\n")

    def delivery(self, delivery: model.Delivery) -> tuple[ObjectId, str]:
        """The object of an inbox ref and its name."""
        evidence = delivery.evidence
        line = self.texts.line(evidence)
        statement = evidence.statement
        result = document_text(statement.document) if isinstance(statement, model.Run) else None
        if delivery.fault == "no document":
            result = None
        elif delivery.fault == "other document" and result is not None:
            result += b" "
        elif delivery.fault == "no bundle":
            line = b"{}"
        tree = build_inbox_tree(line, result, self.add)
        ref = self.inbox_name(statement)
        if delivery.fault == "other subject":
            _, _, identifier = ref.rpartition("/")
            ref = inbox_ref(oid_of("blob", b"no tree", self._git.hash_name), identifier)
        return tree, ref

    def inbox_name(self, statement: model.Statement) -> str:
        return inbox_ref(self.subject(statement), self.texts.identifier(statement))

    def subject(self, statement: model.Statement) -> ObjectId:
        if isinstance(statement, model.Approval):
            return self.tree(statement.to)
        if isinstance(statement, model.Bypass):
            return self.commit(statement.commit)
        return self.tree(statement.subject)


class World:
    """A forge and a clone below one folder."""

    def __init__(self, base: Path, template: Path, *, url: str | None = None) -> None:
        """``template`` is a fresh forge; ``url`` is where git daemon serves ``base``: then the
        installed hooks judge, at the real clock."""
        self.base = base
        self.path = base / "forge.git"
        self.url = url
        self.pushes = 0
        shutil.copytree(template, self.path)
        self.git = Git(self.path)
        clone = base / "clone"
        clone.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "--bare", "--template=", "."], cwd=clone, check=True)
        self.clone = clone
        self.objects = Objects(Git(clone))
        self._asked, self._answer = base / "asked", base / "answer"
        if url is None:
            os.mkfifo(self._asked)
            os.mkfifo(self._answer)
            hook = self.path / "hooks/pre-receive"
            hook.write_text(_STUB.format(asked=self._asked, answer=self._answer))
            (self.path / "hooks/post-receive").unlink()

    def close(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)

    # -- what an operator does --------------------------------------------------------------------

    def set_bootstrap(self, policy: bytes) -> None:
        (self.path / "lfci/bootstrap-policy.toml").write_bytes(policy)

    def set_server_policy(self, policy: bytes | None) -> None:
        if policy is None:
            self.git.run("config", "--unset", "lfci.policy")
        else:
            (self.path / "lfci/server-policy.toml").write_bytes(policy)
            self.git.run("config", "lfci.policy", "lfci/server-policy.toml")

    def name_pushers(self) -> None:
        self.git.run("config", "lfci.pusherVariable", "REMOTE_USER")

    def set_alias(self, name: str, target: str) -> None:
        self.git.run("symbolic-ref", name, target)

    def move(self, ref: str, target: model.Target) -> None:
        """As an operator who restores an old state."""
        self.git.run("update-ref", ref, self.objects.target(target))

    # -- pushing ------------------------------------------------------------------------------------

    def push(self, push: model.Push, clock: int) -> Answer:
        self.pushes += 1
        specs = []
        for update in push.updates:
            new = "" if update.new is None else "+" + self.objects.target(update.new)
            specs.append(f"{new}:{update.ref}")
        for delivery in push.deliveries:
            oid, ref = self.objects.delivery(delivery)
            specs.append(f"+{oid}:{ref}")
        self.objects.flush()
        if self.url is not None:
            return self._over_the_wire(specs)
        with self._at(clock):
            return self._judged_here(specs, push.pusher)

    @contextmanager
    def _at(self, clock: int) -> Iterator[None]:
        with (
            patch.object(receive, "clock", lambda: moment(clock)),
            patch.object(folding, "clock", lambda: moment(clock)),
        ):
            yield

    def _over_the_wire(self, specs: list[str]) -> Answer:
        done = subprocess.run(
            ["git", "push", "-q", f"{self.url}/forge.git", *specs],
            cwd=self.clone,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        codes = frozenset(re.findall(r"error\[(LFCI\d+)\]", done.stderr))
        return Answer(done.returncode == 0, codes, done.stderr, done.stderr.count("error[LFCI") < 6, None)

    def _judged_here(self, specs: list[str], pusher: str | None) -> Answer:
        asked = os.open(self._asked, os.O_RDONLY | os.O_NONBLOCK)
        try:
            running = subprocess.Popen(
                ["git", "push", "-q", str(self.path), *specs],
                cwd=self.clone,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            question = _question(asked, running)
        finally:
            os.close(asked)
        if not question:
            output = running.communicate(timeout=60)[0]
            return Answer(running.returncode == 0, frozenset(), output)
        *quarantine, updates = question.split(b"\n", 3)
        answer = self._verdict([each.decode() for each in quarantine], updates, pusher)
        with open(self._answer, "w") as out:
            out.write("0\n" if answer.accepted else "1\n")
        output = running.communicate(timeout=60)[0]
        assert (running.returncode == 0) == answer.accepted, output
        if answer.accepted:
            said = io.StringIO()
            receive.post_receive(str(self.path), self._environment(), io.BytesIO(updates), said)
            assert not said.getvalue(), said.getvalue()
        return answer

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "GIT_DIR": "."}

    def _verdict(self, quarantine: list[str], updates: bytes, pusher: str | None) -> Answer:
        names = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
        given = zip(names, quarantine, strict=True)  # a push that only deletes has no quarantine
        environ = self._environment() | {name: value for name, value in given if value}
        if pusher is not None:
            environ["REMOTE_USER"] = pusher
        try:
            verdict = receive._judge(str(self.path), environ, receive.parse_updates(updates), _NoBudget())
        except LfciError as error:
            return Answer(False, frozenset({error.code}), error.message)
        reasons = [(ref.update.ref, reason) for ref in verdict.refs for reason in ref.reasons]
        text = "\n".join(f"{ref} {each.code} {each.message} {each.facts}" for ref, each in reasons)
        codes = frozenset(each.code for _, each in reasons)
        counted = frozenset(each for ref in verdict.refs for each in ref.evidence)
        return Answer(verdict.kind is VerdictKind.ACCEPTED, codes, text, counted=counted)

    def fold(self, clock: int) -> None:
        with self._at(clock):
            folding.fold(Git(self.path))

    # -- looking ------------------------------------------------------------------------------------

    def refs(self) -> dict[str, str]:
        """What each ref leads to; a symbolic one that leads nowhere is none."""
        repository = pygit2.Repository(str(self.path))
        found = {}
        for name in repository.references:
            with contextlib.suppress(KeyError):
                found[name] = str(repository.lookup_reference(name).resolve().target)
        return found

    def noted(self) -> set[tuple[str, str, frozenset[bytes]]]:
        """(subject, attestation id, signatures) of everything in the notes."""
        found: dict[tuple[str, str], set[bytes]] = {}
        repository = pygit2.Repository(str(self.path))
        if "refs/notes/lfci" not in repository.references:
            return set()
        commit = repository.lookup_reference("refs/notes/lfci").peel(pygit2.Commit)
        for subject, data in _files(commit.tree, ""):
            for line in data.splitlines():
                envelope = parse_bundle(line).envelope
                found.setdefault((subject, attestation_id(envelope)), set()).update(envelope.signatures)
        return {(*key, frozenset(signatures)) for key, signatures in found.items()}

    def landed(self, commit: model.Commit) -> str:
        """The landing record of a commit."""
        repository = pygit2.Repository(str(self.path))
        note = repository.lookup_note(str(self.objects.commit(commit)), "refs/notes/lfci-landed")
        return str(note.message)

    def state(self) -> dict[str, bytes]:
        """Files of the gate's own folder."""
        here = self.path / "lfci"
        return {
            str(each.relative_to(here)): each.read_bytes()
            for each in here.rglob("*")
            if each.is_file() and not each.name.endswith(".lock")
        }

    def fsck(self) -> None:
        done = subprocess.run(
            ["git", "fsck", "--full", "--strict"], cwd=self.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def _files(tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in tree:
        name = prefix + (entry.name or "")
        if isinstance(entry, pygit2.Tree):
            yield from _files(entry, name)
        elif isinstance(entry, pygit2.Blob):
            yield name, entry.data


def _question(asked: int, running: subprocess.Popen[str]) -> bytes:
    """What the stub hook was given; empty when git never started it."""
    data = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([asked], [], [], 0.02)
        if ready:
            chunk = os.read(asked, 1 << 16)
            data += chunk
            if chunk:
                continue
            if data:
                return data
            time.sleep(0.001)  # nobody has opened it yet
        if running.poll() is not None and not data:
            return b""
    raise AssertionError("git push hangs")


class _NoBudget:
    """Time is not what is tried here; as :class:`lfci_gate.gate.receive._Extend`."""

    def __call__(self, seconds: float) -> None:
        """The budget stays what it is: none."""

    def decided(self) -> None:
        """Nothing to stop."""


def log(text: str) -> None:
    sys.stderr.write(text + "\n")
