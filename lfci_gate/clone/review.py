"""What somebody is about to approve: the changed paths of each protected part, what became weaker, and
what became of the tests, as far as it is known in this clone."""

from __future__ import annotations

from collections.abc import Iterator

from lfci_gate.clone.preview import base_of
from lfci_gate.clone.target import Target
from lfci_gate.clone.view import forge_view
from lfci_gate.config.policy import parse_policy, rule_for
from lfci_gate.config.policy_diff import CHANGED, Difference, differences
from lfci_gate.config.weakening import Weakening
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.gate.against_base import WHOLE, Sight, whole_change
from lfci_gate.gate.base_tests import passing_runs, tests_against_base
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import POLICY_PATH, Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Change, Part, changed_parts, changed_paths
from lfci_gate.gate.results import Results
from lfci_gate.gate.weaker import weaker_checks
from lfci_gate.git.history import merge_base
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import EXECUTABLE, GITLINK, SYMLINK, TreeEntry, diff, read_file, shown, walk
from lfci_gate.model import ObjectId, Policy, RefUpdate, Rule
from lfci_gate.value import Value

_POLICY = POLICY_PATH.decode()
_NO_RESULT = "no result of this change is here (who made it: lfci attestation send)"


class ChangedPath(Value):
    path: str
    """As it may be printed."""
    kind: str
    """``added``, ``removed``, ``changed``, ``mode`` (the same bytes) or ``type``."""
    detail: str
    """What a word does not say, e.g. ``now executable``; mostly empty."""


class Review(Value):
    change: Change
    base: ObjectId | None
    """The commit that the change is compared with; None for a first landing."""
    rule: Rule
    parts: tuple[Part, ...]
    """The protected parts that differ, and the whole change when tests may vanish by it."""
    weaker: tuple[Weakening, ...]
    policy: tuple[Difference, ...]
    """What the policy of the tree says otherwise."""
    tests: tuple[str, ...]
    """What became of tests that passed on the base, or why it is not known."""


def review(
    git: Git,
    objects: BatchReader,
    target: Target,
    policy: Policy,
    commit: ObjectId,
    *,
    vanished_tests: bool = False,
) -> Review:
    """What landing ``commit`` on the target would change that somebody must approve.

    When the target has moved on, the base is where the change left it: an approval survives a
    rebase that does not touch what was approved. With ``vanished_tests`` the whole change is a part
    too (rule 14). Raises UsageError LFCI216 when no rule covers the target.
    """
    rule = rule_for(policy, target.ref)
    if rule is None:
        raise UsageError("LFCI216", f"the policy has no rule for {target.ref}: nothing to approve")
    base = _base(git, objects, target, commit)
    old = None if base is None else read_commit(objects, base).tree
    change = Change(target.ref, commit, old, read_commit(objects, commit).tree)
    parts = changed_parts(objects, change, rule)
    if vanished_tests and old is not None and old != change.new_tree:
        parts += (whole_change(change, rule),)

    def files() -> Iterator[bytes]:
        for tree in (old, change.new_tree):
            yield from (path for path, _entry in (walk(objects, tree) if tree is not None else ()))

    weaker = weaker_checks(objects, old, change.new_tree, files)
    tests: tuple[str, ...] = ()
    if base is not None and rule.tests_removed != "allow":
        tests = tuple(_tests(git, objects, target, policy, rule, change, base))
    of_policy = _policy_differences(objects, old, change.new_tree, target.head)
    return Review(change, base, rule, parts, weaker, of_policy, tests)


def changed_in(objects: BatchReader, review_: Review, part: Part) -> tuple[ChangedPath, ...]:
    """The changed paths of one part, in tree order."""
    change = review_.change
    wanted = set(changed_paths(objects, change, part.protection))
    return tuple(
        _changed(path, before, after)
        for path, before, after in diff(objects, change.old_tree, change.new_tree)
        if path in wanted
    )


def is_whole(part: Part) -> bool:
    """Whether a part is the whole change, approved so that tests may vanish."""
    return part.protection.paths == WHOLE


def _base(git: Git, objects: BatchReader, target: Target, commit: ObjectId) -> ObjectId | None:
    if target.tip is not None:
        return merge_base(git, target.tip, commit) or target.tip
    view = forge_view(git, objects, target, {})
    return base_of(view, RefUpdate(target.ref, None, commit))


def _policy_differences(
    objects: BatchReader, old: ObjectId | None, new: ObjectId, head: str
) -> tuple[Difference, ...]:
    """Nothing on a first landing, and where the file is as it was; that a file cannot be read is told."""
    if old is None:
        return ()
    try:
        before, after = (read_file(objects, tree, POLICY_PATH, Limits().policy_bytes) for tree in (old, new))
        if before == after:
            return ()
        if before is None or after is None:
            what = "is new" if before is None else "is removed, which the gate refuses"
            return (Difference(CHANGED, _POLICY, what),)
        return differences(parse_policy(before), parse_policy(after), head=head)
    except LfciError as error:
        return (Difference(CHANGED, _POLICY, f"what it says otherwise is not known: {error.message}"),)


def _changed(path: bytes, before: TreeEntry | None, after: TreeEntry | None) -> ChangedPath:
    name = shown(path)
    if before is None:
        assert after is not None
        return ChangedPath(name, "added", _is(after))
    if after is None:
        return ChangedPath(name, "removed", _is(before))
    if _type(before) != _type(after):
        return ChangedPath(name, "type", f"{_type(before)} before, {_type(after)} now")
    mode = ""
    if before.mode != after.mode:
        mode = "now executable" if after.mode == EXECUTABLE else "no longer executable"
    return ChangedPath(name, "changed" if before.oid != after.oid else "mode", mode or _is(after))


def _is(entry: TreeEntry) -> str:
    """What is worth to be told of an entry: that it is no common file."""
    if entry.mode == EXECUTABLE:
        return "executable"
    return "" if _type(entry) == "a file" else _type(entry)


def _type(entry: TreeEntry) -> str:
    return {SYMLINK: "a link", GITLINK: "a submodule"}.get(entry.mode, "a file")


def _tests(
    git: Git,
    objects: BatchReader,
    target: Target,
    policy: Policy,
    rule: Rule,
    change: Change,
    base: ObjectId,
) -> Iterator[str]:
    """A line for each way in which tests of the base became fewer, by all results that are here."""
    view = forge_view(git, objects, target, {})
    limits = Limits()
    book = EvidenceBook(view, policy, limits, {})
    sight = Sight(view, book, Results(view, {}, limits), policy, limits)
    for requirement in rule.require:
        check = requirement.check
        try:
            runs = passing_runs(sight, change.new_tree, requirement)
            if not runs:
                yield f"check {check}: which tests vanish is not known: {_NO_RESULT}"
                continue
            compared = tests_against_base(sight, base, change, requirement, runs)
        except LfciError as error:
            yield f"check {check}: not compared: {error.message} ({error.code})"
            continue
        for reason in compared.reasons:
            yield from (f"check {check}: {fact}" for fact in reason.facts)
        yield from compared.remarks
        if compared.changes is not None and not compared.changes.weaker:
            yield f"check {check}: every test that passed before is executed ({compared.changes.total})"
