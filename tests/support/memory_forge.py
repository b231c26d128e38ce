"""A forge in memory: objects, refs and the rules, for every clause that needs no transport."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.attest.statement import parse_statement, subject_of
from lfci_gate.config.policy import parse_policy, rule_for
from lfci_gate.gate.facts import History, Limits, PolicyFloor, Push
from lfci_gate.gate.rules import evaluate
from lfci_gate.gate.view import by_subject
from lfci_gate.git.commit import Commit, Identity, format_commit, parse_commit
from lfci_gate.git.inbox import build_inbox_tree, inbox_ref
from lfci_gate.model import ObjectId, RefUpdate, Sha256, Verdict
from tests.support.evidence import NOW, TestSigner
from tests.support.forge import AGENT, CONFIG, MAINTAINER, policy_text
from tests.support.memory_objects import MemoryObjects
from tests.support.statements import approvals_of, bundle, passing_run

MAIN = "refs/heads/main"
WHO = Identity(b"Ada", b"ada@example.org", 1767268800, b"+0000")

FILES: dict[str, bytes] = {
    ".lfci/config.toml": CONFIG,
    ".lfci/policy.toml": policy_text(),
    "flake.nix": b"{ outputs = _: { }; }\n",
    "flake.lock": b'{"nodes":{"root":{}},"root":"root","version":7}\n',
    "src/lib.py": b"answer = 42\n",
    "tests/test_lib.py": b"def test_answer():\n    assert True\n",
}
"""What the first commit holds."""


@dataclass
class MemoryForge:
    """Implements :class:`lfci_gate.gate.facts.View`; refs move only when a test moves them."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    refs: dict[str, ObjectId] = field(default_factory=dict)
    symrefs: dict[str, str] = field(default_factory=dict)
    head: str | None = MAIN
    shallow: bool = False
    server_policy: bytes | None = None
    bootstrap_policy: bytes | None = None
    policy_floor: PolicyFloor | None = None
    junk: tuple[Sha256, frozenset[str]] | None = None
    used: set[tuple[str, ObjectId]] = field(default_factory=set)
    """(bypass, commit) of landings by break-glass."""
    landed: set[ObjectId] = field(default_factory=set)
    """Commits that the record says were the tip of HEAD's branch."""

    # -- the view -------------------------------------------------------------------------

    def ref(self, name: str) -> ObjectId | None:
        return self.refs.get(name)

    def symref(self, name: str) -> str | None:
        return self.symrefs.get(name)

    def inbox(self) -> Mapping[ObjectId, tuple[tuple[str, ObjectId], ...]]:
        return by_subject((ref, oid) for ref, oid in self.refs.items() if ref.startswith("refs/lfci/inbox/"))

    def unverified(self, policy: Sha256) -> frozenset[str]:
        return self.junk[1] if self.junk is not None and self.junk[0] == policy else frozenset()

    def spent(self, bypass: str, commit: ObjectId) -> bool:
        return (bypass, commit) in self.used

    def history(self, base: ObjectId | None, new: ObjectId, limit: int) -> History:
        landed = set() if base is None else set(self._ancestors(base))
        commits = tuple(oid for oid in self._ancestors(new) if oid not in landed)
        line: list[ObjectId] = []
        at: ObjectId | None = new
        while at is not None and at not in landed:
            line.append(at)
            at = next(iter(self.parsed(at).parents), None)
        return History(commits, tuple(line), base is None or base in self._ancestors(new))

    def merge_base(self, one: ObjectId, other: ObjectId) -> ObjectId | None:
        mine = set(self._ancestors(one))
        return next((oid for oid in self._ancestors(other) if oid in mine), None)

    def has_landed(self, commit: ObjectId) -> bool:
        return commit in self.landed

    def _ancestors(self, oid: ObjectId) -> list[ObjectId]:
        found = [oid]
        for each in found:
            found += [parent for parent in self.parsed(each).parents if parent not in found]
        return found

    def parsed(self, oid: ObjectId) -> Commit:
        return parse_commit(self.objects.objects[oid].data, self.objects.hash_name)

    # -- making ------------------------------------------------------------------------------

    def commit(
        self,
        changes: dict[str, bytes | None] | None = None,
        *,
        parents: Iterable[ObjectId] | None = None,
        message: bytes = b"change\n",
    ) -> ObjectId:
        """A commit on ``parents`` (the tip of main by default) whose tree is that of the first commit
        of this test with ``changes``; None removes a file."""
        if parents is None:
            parents = (self.refs[MAIN],) if MAIN in self.refs else ()
        files = {path: data for path, data in (FILES | (changes or {})).items() if data is not None}
        tree = self.objects.files({path.encode(): (0o100644, data) for path, data in files.items()})
        return self.commit_of(tree, parents, message)

    def commit_of(
        self, tree: ObjectId, parents: Iterable[ObjectId] = (), message: bytes = b"change\n"
    ) -> ObjectId:
        return self.objects.add("commit", format_commit(Commit(tree, tuple(parents), WHO, WHO, message)))

    def tag(self, target: ObjectId, kind: str = "commit") -> ObjectId:
        who = b"Ada <ada@example.org> 1767268800 +0000"
        data = b"object %b\ntype %b\ntag v1\ntagger %b\n\nv1\n" % (target.encode(), kind.encode(), who)
        return self.objects.add("tag", data)

    def tree(self, commit: ObjectId) -> ObjectId:
        return self.parsed(commit).tree

    # -- evidence ------------------------------------------------------------------------------

    def run(self, commit: ObjectId, signer: TestSigner = AGENT, **changes: Any) -> RefUpdate:
        """The delivery of a passing run at ``commit``, a minute old."""
        moment = NOW - timedelta(minutes=1)
        statement, data = passing_run(self.objects, self.tree(commit), moment, **changes)
        return self.delivery(bundle(statement, signer), data)

    def approvals(
        self,
        commit: ObjectId,
        signer: TestSigner = MAINTAINER,
        *,
        to: str = MAIN,
        base: ObjectId | None = None,
        policy: bytes | None = None,
        **changes: Any,
    ) -> list[RefUpdate]:
        """Deliveries of approvals of what ``commit`` changes of the protected parts."""
        rule = rule_for(parse_policy(policy or FILES[".lfci/policy.toml"]), to)
        assert rule is not None
        old = base or self.refs.get(MAIN)
        trees = (None if old is None else self.tree(old), self.tree(commit))
        made = approvals_of(self.objects, rule, to, trees, NOW - timedelta(minutes=1), **changes)
        return [self.delivery(bundle(each, signer)) for each in made]

    def delivery(self, line: bytes, result: bytes | None = None) -> RefUpdate:
        """The push of one inbox ref."""
        envelope = parse_bundle(line).envelope
        ref = inbox_ref(subject_of(parse_statement(envelope.payload)), attestation_id(envelope))
        return RefUpdate(ref, None, build_inbox_tree(line, result, self.objects.add))

    # -- judging -------------------------------------------------------------------------------

    def to_main(self, commit: ObjectId) -> RefUpdate:
        return RefUpdate(MAIN, self.refs.get(MAIN), commit)

    def judge(self, *updates: RefUpdate, now: datetime = NOW, limits: Limits | None = None) -> Verdict:
        return evaluate(Push(updates, now, limits or Limits()), self)

    def land(self, *updates: RefUpdate) -> None:
        """Moves refs without asking anybody."""
        for update in updates:
            if update.new is None:
                self.refs.pop(update.ref, None)
            else:
                self.refs[update.ref] = update.new


def started(policy: bytes | None = None) -> MemoryForge:
    """A forge on which the first commit has landed."""
    forge = MemoryForge(bootstrap_policy=policy or FILES[".lfci/policy.toml"])
    changes: dict[str, bytes | None] = {} if policy is None else {".lfci/policy.toml": policy}
    forge.refs[MAIN] = forge.commit(changes)
    return forge


def codes(verdict: Verdict) -> set[str]:
    """Codes of all reasons."""
    return {reason.code for ref in verdict.refs for reason in ref.reasons}
