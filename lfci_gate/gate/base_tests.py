"""Rule 14 for tests: what became of those that passed on the base. Pure.

A test vanished when it passed on the base and is gone, or skipped, or run less often, in the pushed
tree's result documents (`lfci_gate/gate/test_changes.py`). The base's documents are found by the base's
own declaration of the check, so no change of the configuration hides them.

"It cannot be told" is no acceptance: whoever pushes brings the result document of each run that counts,
and that of a landed run is the forge's to keep. Only where the base never had a result there is
nothing to compare, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from lfci_gate.config.project import parse_project
from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.gate.evidence import reason_of
from lfci_gate.gate.facts import CONFIG_PATH, RESULTS_REF
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Change
from lfci_gate.gate.quarantine import failed_in_quarantine
from lfci_gate.gate.renames import moved_ids
from lfci_gate.gate.results import Sight
from lfci_gate.gate.test_changes import TestChanges, before, compare, facts, message, now, renamings
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.tree import read_file
from lfci_gate.model import CheckRun, ObjectId, Outcome, Policy, PolicyKey, Reason, Requirement
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

LOOKED_BACK = 64
"""Commits in which the last result is looked for, where the base itself has none, e.g. because it landed by
a bypass."""


class Compared(Value):
    """What is known about the tests of one check."""

    reasons: tuple[Reason, ...] = ()
    """LFCI213, tests were weakened; LFCI221, it cannot be told."""
    remarks: tuple[str, ...] = ()
    changes: TestChanges | None = None
    """None where nothing was compared."""


def tests_against_base(
    sight: Sight, base: ObjectId, change: Change, requirement: Requirement, runs: list[CheckRun]
) -> Compared:
    """What became of the tests of one check from ``base`` to what ``runs`` are of: passing runs of the
    same inputs and definition. Raises Refusal LFCI115 for a malformed document, Undecided LFCI501."""
    check = requirement.check
    if not runs:
        return _nothing(check, "no run counts, so no tests were compared")
    tree, landed = _last_runs(sight, base, requirement)
    if _seen(landed) == _seen(runs):
        return Compared()  # the check sees what it saw before
    documents = [sight.results.read(run) for run in runs if run.tests is not None]
    if None in documents:
        return _unknown(check, "the result document of a run that counts is missing", "", change.commit)
    reported = [run for run in landed if run.tests is not None]
    if not reported:
        why = "no test report on the base" if landed else "no result of the base"
        return _nothing(check, f"{why}, so no tests were compared") if documents else Compared()
    known = {run.result_sha256: sight.results.read(run) for run in reported}
    there = {name: found for name, found in known.items() if found is not None}
    if len(there) < len(known):
        hint = f"ask the operator to restore {RESULTS_REF} (in a clone: git fetch)"
        return _unknown(check, "a result document of the base is missing", hint, change.commit)
    failed = {run.result_sha256 for run in reported if run.result is not Outcome.PASSED}
    old = before(there.values(), [there[name] for name in failed])
    has_report = len(documents) == len(runs)

    def renames(ids: Iterable[str]) -> dict[str, frozenset[str]]:
        return moved_ids(sight.view.objects, tree, change.new_tree, list(ids))

    changes = compare(old, now([*documents, *([] if has_report else [None])]), renames)
    names = renamings(changes)
    remarks = (f"check {check}: {names}",) if names else ()
    if not changes.weaker:
        return Compared((), remarks, changes)
    said = message(check, changes)
    if not has_report:
        said = f"check {check} has no test report now, and {changes.total} tests passed on the base"
    hint = "restore the tests: the policy lets none vanish"
    reason = reason_of("LFCI213", said, check=check, commit=change.commit, facts=facts(changes), hint=hint)
    return Compared((reason,), remarks, changes)


def passing_runs(sight: Sight, tree: ObjectId, requirement: Requirement) -> list[CheckRun]:
    """Passing runs of the check on a tree, as that tree declares it, by keys that may have a role for
    it; and failed ones that may have landed because the tree has all that failed in quarantine. How old they
    are does not matter, nor whether the key counts today: they are asked what was tested, and more of them
    only make a base larger. Empty also where the tree declares no such check, or what landed before the gate
    cannot be read. Raises Refusal LFCI115, Undecided LFCI501, LFCI503."""
    source = sight.view.objects
    try:
        data = read_file(source, tree, CONFIG_PATH, sight.limits.config_bytes)
        config = None if data is None else parse_project(data)
        definition = None if config is None else config.check(requirement.check)
        if config is None or definition is None:
            return []
        held = frozenset(each.test for each in config.quarantine if each.check == requirement.check)
        subject = inputs_tree(source, tree, PatternSet(definition.inputs)).oid
    except (Refusal, UsageError):
        return []
    roles = _roles_behind(sight.policy, requirement.roles)
    found = []
    for evidence in sight.book.about(subject).evidence:
        run = evidence.statement
        if (
            isinstance(run, CheckRun)
            and (run.check, run.definition, run.repository)
            == (requirement.check, definition.digest, sight.policy.repository)
            and (run.result is Outcome.PASSED or _was_borne(sight, run, held, requirement))
            and any(_has_one(key, roles) for key in evidence.keys)
        ):
            found.append(run)
    return found


def _was_borne(sight: Sight, run: CheckRun, held: frozenset[str], requirement: Requirement) -> bool:
    """Whether a failed run may have counted when its tree landed, however long ago that quarantine ended;
    also where its document is lost, so that nobody can tell."""
    if not requirement.quarantine or not held or run.exit_code != 0:
        return False
    document = sight.results.read(run)
    return document is None or bool(failed_in_quarantine(document, held))


def _last_runs(sight: Sight, base: ObjectId, requirement: Requirement) -> tuple[ObjectId, list[CheckRun]]:
    """The tree and the passing runs of the base; where it has none, of the nearest commit before it that
    has. The base's tree and none when none of LOOKED_BACK commits has one."""
    source = sight.view.objects
    waiting = [read_commit(source, base)]
    reached = {base}
    for commit in waiting:
        runs = passing_runs(sight, commit.tree, requirement)
        if runs:
            return commit.tree, runs
        for parent in commit.parents:
            if parent not in reached and len(reached) < LOOKED_BACK:
                reached.add(parent)
                try:
                    waiting.append(read_commit(source, parent))
                except Undecided as error:
                    if error.code != "LFCI501":  # a shallow clone ends here; a forge is never shallow
                        raise
    return waiting[0].tree, []


def _seen(runs: Iterable[CheckRun]) -> set[tuple[str, str]]:
    return {(run.inputs_tree, run.definition) for run in runs}


def _roles_behind(policy: Policy, roles: Iterable[str]) -> frozenset[str]:
    """These roles and those that any delegation ever made holders of them."""
    found = set(roles)
    gained = True
    while gained:
        more = {link.to for link in policy.delegations if link.granter in found} - found
        found |= more
        gained = bool(more)
    return frozenset(found)


def _has_one(key: PolicyKey, roles: frozenset[str]) -> bool:
    return not roles.isdisjoint(key.roles)


def _nothing(check: str, why: str) -> Compared:
    return Compared(remarks=(f"check {check}: {why}",))


def _unknown(check: str, why: str, hint: str, commit: ObjectId) -> Compared:
    said = f"the tests of check {check} cannot be compared with the base"
    return Compared((reason_of("LFCI221", said, check=check, commit=commit, facts=(why,), hint=hint),))
