"""Judges recorded pushes again, in process and in milliseconds: ``python -m tests.attacks.replay DIR``.

A case is what the hook of one push saw: the push with the forge's time, the landed side, and all objects
(``python -m tests.attacks --record DIR``). :func:`load` it once and :func:`codes_of` it as often as the
rules change; with unchanged rules the answer is, word for word, what the hook said.
"""

from __future__ import annotations

import pickle
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.gate.facts import History
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.commit import parse_commit
from lfci_gate.git.objects import LIMITS
from lfci_gate.model import GitObject, ObjectId, Verdict, VerdictKind
from tests.attacks.targets import TARGETS

ACCEPTED, OTHER, CONTROL = "FALSE ACCEPT", "wrong answer", "control failed"
"""As :mod:`tests.attacks.kit` calls them."""


class Objects:
    """The objects of a case as an :class:`~lfci_gate.model.ObjectSource`."""

    def __init__(self, hash_name: str, held: dict[str, tuple[str, bytes]]) -> None:
        self.hash_name = hash_name
        self._held = held

    def stat(self, oid: ObjectId) -> tuple[str, int]:
        found = self._held.get(oid)
        if found is None:
            raise Undecided("LFCI501", f"object {oid} is missing")
        return found[0], len(found[1])

    def exists(self, oid: ObjectId) -> bool:
        return oid in self._held

    def read(self, oid: ObjectId, *, limit: int | None = None) -> GitObject:
        kind, size = self.stat(oid)
        most = LIMITS[kind] if limit is None else limit
        if size > most:
            raise Refusal("LFCI412", f"{kind} {oid} is too large", facts=(f"{size} bytes, limit {most}",))
        return GitObject(*self._held[oid])

    def read_many(self, oids: Any, *, limit: int | None = None) -> Iterator[tuple[ObjectId, GitObject]]:
        for oid in oids:
            yield oid, self.read(oid, limit=limit)


class View(RepositoryView):
    """The landed side of a case. What the hook had asked git is remembered; anything else follows from the
    commits."""

    objects: Any

    def __init__(self, objects: Objects, state: dict[str, Any]) -> None:
        vars(self).update(state, objects=objects, git=None)
        # A walk that the rules do must not find what an earlier evaluation left.
        self._histories = dict(state["_histories"])
        self._inbox = None
        self._used = lambda name: bool(state["used"].get(name))

    def _history(self, base: ObjectId | None, new: ObjectId, limit: int) -> History:
        landed = set() if base is None else set(self._ancestors(base))
        commits = tuple(oid for oid in self._ancestors(new) if oid not in landed)
        if len(commits) > limit:
            raise Refusal("LFCI411", f"more than {limit} new commits")
        line: list[ObjectId] = []
        at: ObjectId | None = new
        while at is not None and at not in landed:
            line.append(at)
            at = next(iter(self._parents(at)), None)
        return History(commits, tuple(line), base is None or base in self._ancestors(new))

    def merge_base(self, one: ObjectId, other: ObjectId) -> ObjectId | None:
        mine = set(self._ancestors(one))
        return next((oid for oid in self._ancestors(other) if oid in mine), None)

    def _ancestors(self, oid: ObjectId) -> list[ObjectId]:
        found = dict.fromkeys([oid])
        waiting = [oid]
        while waiting:
            for parent in self._parents(waiting.pop(0)):
                if parent not in found:
                    found[parent] = None
                    waiting.append(parent)
        return list(found)

    def _parents(self, oid: ObjectId) -> tuple[ObjectId, ...]:
        return parse_commit(self.objects.read(oid).data, self.objects.hash_name).parents


class Case:
    """One recorded push."""

    def __init__(self, data: bytes) -> None:
        held = pickle.loads(zlib.decompress(data))
        assert held["schema"] == "lfci.attack-case/1"
        self.name: str = held["name"]
        """The attack."""
        self.push = held["push"]
        self.said: str = held["said"]
        """What the hook wrote to the pusher."""
        self.verdict: Verdict | None = held["verdict"]
        """The hook's; None when the rules were stopped by the time or memory bound."""
        self.status: int = held["status"]
        self._objects = Objects(held["hash_name"], held["objects"])
        self._state = held["view"]

    def evaluate(self) -> Verdict:
        """The verdict of the rules as they are now."""
        from lfci_gate.gate import rules  # at each call: a campaign may have put in others

        return rules.evaluate(self.push, View(self._objects, self._state))

    @property
    def decided(self) -> bool:
        """Whether the hook's answer is the rules' answer (and not the time budget's)."""
        return self.verdict is not None


def load(path: Path) -> Case:
    """A case from its file."""
    return Case(path.read_bytes())


def codes_of(verdict: Verdict) -> tuple[str, frozenset[str]]:
    """(accepted, refused or undecided; all codes of its reasons)."""
    return verdict.kind.value, frozenset(reason.code for each in verdict.refs for reason in each.reasons)


def red(case: Case, verdict: Verdict) -> str:
    """What the kit would say about this verdict on the push of a case, by what an attack is fended off by
    (``Scene.refuses``, ``Scene.passes``): a push that was let through, other codes than the pusher read,
    or an honest push that was refused. Empty when nothing would be said."""
    assert case.verdict is not None
    accepted = verdict.kind is VerdictKind.ACCEPTED
    if case.verdict.kind is VerdictKind.ACCEPTED:
        return "" if accepted else CONTROL
    if accepted:
        return ACCEPTED
    return "" if _read(verdict) == _read(case.verdict) else OTHER


def _read(verdict: Verdict) -> set[str]:
    """The codes that a pusher reads: what the kit holds against the attack's."""
    from lfci_gate.gate.render import verdict_lines

    return TARGETS["lfci"].codes("\n".join(verdict_lines(verdict)))


def differs(case: Case) -> str:
    """Why a replay is not what the hook said; empty when it is the same, word for word."""
    from lfci_gate.gate.render import verdict_lines

    if case.verdict is None:
        return ""
    verdict = case.evaluate()
    if verdict != case.verdict:
        return f"{case.name}: {codes_of(verdict)} instead of {codes_of(case.verdict)}"
    accepted, _ = codes_of(verdict)
    said = "" if accepted == "accepted" else "".join(f"{line}\n" for line in verdict_lines(verdict))
    if said != case.said and case.status != 0:
        return f"{case.name}: the hook said {case.said!r}, the replay {said!r}"
    return ""


def main() -> int:
    cases = [load(path) for path in sorted(Path(sys.argv[1]).glob("*.case"))]
    problems = [problem for problem in map(differs, cases) if problem]
    for problem in problems:
        print(problem)
    print(f"{len(cases)} cases, {sum(case.decided for case in cases)} decided by the rules, "
          f"{len(problems)} replayed otherwise")  # fmt: skip
    return 1 if problems or not cases else 0


if __name__ == "__main__":
    raise SystemExit(main())
