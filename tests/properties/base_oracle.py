"""Rule 14 from the facts: tests of the base that vanished, and dependencies that are not pinned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tests.properties.evidence_oracle import Judged, Moment, inputs_of
from tests.properties.model import (
    CONFIG,
    EXECUTABLE,
    PLAIN,
    Check,
    Commit,
    Document,
    Need,
    Policy,
    Run,
    Tree,
)

LOOKED_BACK = 64
LOCKFILES = (b"flake.lock", b"uv.lock")
_PLAIN = (PLAIN, EXECUTABLE)
Landed = tuple[Tree, Check]
"""What a check saw and how it was declared."""


def test_codes(moment: Moment, judged: Judged, runs: list[Run]) -> set[str]:
    """LFCI213 when tests of the base were weakened, LFCI221 when that cannot be told. ``runs`` are those
    that count for the new tip."""
    if moment.base is None or not runs:
        return set()
    commit, landed = _last_runs(moment, judged.need, moment.base)
    if {(run.subject, run.definition) for run in landed} == {(run.subject, run.definition) for run in runs}:
        return set()
    reported = [run for run in runs if run.counted]
    if any(not _known(moment, run) for run in reported):
        return {"LFCI221"}
    before = [run for run in landed if run.counted]
    if not before:
        return set()
    if any(not _known(moment, run) for run in before):
        return {"LFCI221"}
    documents: list[Document | None] = [run.document if run.counted else None for run in runs]
    weaker = _weakened([run.document for run in before], documents, commit.tree, judged.commit.tree)
    return {"LFCI213"} if weaker else set()


def _last_runs(moment: Moment, need: Need, base: Commit) -> tuple[Commit, list[Run]]:
    """The passing runs of the base, or of the nearest commit before it that has some."""
    near = [base]
    for commit in near:
        runs = _passing_runs(moment, need, commit)
        if runs:
            return commit, runs
        for parent in commit.parents:
            if parent not in near and len(near) < LOOKED_BACK:
                near.append(parent)
    return base, []


def _passing_runs(moment: Moment, need: Need, commit: Commit) -> list[Run]:
    """Of the check as the commit declares it, by keys that have a role or were ever delegated it."""
    declared = commit.tree.get(CONFIG)
    config = None if declared is None or declared[0] != PLAIN else moment.documents.configs.get(declared[1])
    definition = None if config is None else config.check(need.check)
    if definition is None:
        return []
    subject = inputs_of(commit.tree, definition.inputs)
    roles = _roles_behind(moment.policy, need.roles)
    return [
        run
        for item in moment.pool()
        if isinstance(run := item.statement, Run)
        and (run.subject, run.check, run.definition, run.repository)
        == (subject, need.check, definition, moment.policy.repository)
        and run.passed
        and any(roles & set(key.roles) for key in moment.keys(item.good))
    ]


def _roles_behind(policy: Policy, roles: Collection[str]) -> set[str]:
    found = set(roles)
    while True:
        more = {each.to for each in policy.delegations if each.granter in found}
        if more <= found:
            return found
        found |= more


def _known(moment: Moment, run: Run) -> bool:
    """Whether the run's result document is somewhere."""
    waiting = (*moment.forge.inbox.values(), *moment.push.deliveries)
    return run.document in moment.forge.documents or any(
        isinstance(each.evidence.statement, Run)
        and (each.evidence.statement.subject, each.evidence.statement.document) == (run.subject, run.document)
        and not each.fault
        for each in waiting
    )


# -- what became of the tests --------------------------------------------------------------------------


def _weakened(before: list[Document], now: list[Document | None], old: Tree, new: Tree) -> bool:
    """Whether a test that passed is gone, or skipped, or executed less often."""
    passed: Counter[str] = Counter()
    for document in before:
        passed |= Counter(name for name, outcome in document.tests if outcome == "passed")
    known = {name for document in before for name, _ in document.tests}
    executed = _by_all(now, skipped=False)
    there = _by_all(now, skipped=True)
    taken: set[str] = set()
    for name in sorted(passed):
        now_called = name
        if not executed[name]:
            if there[name]:
                return True  # newly skipped
            now_called = _moved(name, old, new)
            if not executed[now_called] or now_called in known | taken:
                return True  # gone
            taken.add(now_called)
        if executed[now_called] < passed[name]:
            return True
    return False


def _by_all(documents: list[Document | None], *, skipped: bool) -> Counter[str]:
    """How often every document has a test; with ``skipped`` also those that were not executed."""
    found: Counter[str] | None = None
    for document in documents:
        tests = () if document is None else document.tests
        mine = Counter(name for name, outcome in tests if skipped or outcome != "skipped")
        found = mine if found is None else found & mine
    return found or Counter()


def _moved(name: str, old: Tree, new: Tree) -> str:
    """What a test is called whose id begins with the path of a file that moved as it was; empty when it did
    not move."""
    path, colons, rest = name.partition("::")
    was = old.get(path.encode())
    if not colons or was is None or was[0] not in _PLAIN or not was[1]:
        return ""
    gone, came = (
        sorted(
            each
            for each, (mode, data) in one.items
            if mode in _PLAIN and data == was[1] and not other.get(each)
        )
        for one, other in ((old, new), (new, old))
    )
    pairs: dict[bytes, bytes] = {}
    for same_name in (True, False):
        for each in gone:
            if each not in pairs:
                fit = [to for to in came if not same_name or _name(to) == _name(each)]
                if fit:
                    pairs[each] = fit[0]
                    came.remove(fit[0])
    to = pairs.get(path.encode())
    return "" if to is None else f"{to.decode()}::{rest}"


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


# -- dependencies --------------------------------------------------------------------------------------


def is_pinned(tree: Tree, runs: list[Run]) -> bool:
    """Whether of each lockfile some run that counts says that all is pinned, and none says otherwise."""
    said: dict[bytes, set[int | None]] = {}
    for run in runs:
        for path, _, unpinned in run.lockfiles:
            said.setdefault(path, set()).add(unpinned)
    return all(
        mode in _PLAIN and said.get(path) == {0}
        for path, (mode, _) in tree.items
        if path.rpartition(b"/")[2] in LOCKFILES
    )
