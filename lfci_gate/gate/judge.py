"""Rules 4 to 14 and 16 for one protected ref whose update passed rules 1 to 3. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError, Refusal
from lfci_gate.gate.against_base import Sight, rule_14
from lfci_gate.gate.apart import Apart
from lfci_gate.gate.authority import Authority, policy_file, refuse_bad_proposal
from lfci_gate.gate.binding import roles_between
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import CONFIG_PATH, Push, View
from lfci_gate.gate.findings import APPROVALS, BASE, CHECKS, POLICY, Findings
from lfci_gate.gate.objects import file_sha256, read_commit
from lfci_gate.gate.protect import Change, Part, attested, changed_parts, rule_13_approvals
from lfci_gate.gate.quarantine import in_quarantine, told
from lfci_gate.gate.results import Results
from lfci_gate.gate.strength import Counted, Expected, count
from lfci_gate.git.check_tree import check_tree
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.names import empty_tree
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    ObjectId,
    Outcome,
    Policy,
    ProjectConfig,
    Reason,
    RefUpdate,
    Requirement,
    Rule,
)
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value


class Target(Value):
    """A protected ref whose update passed rules 1 to 3."""

    update: RefUpdate
    ref: str
    new: ObjectId
    """The commit, peeled when the ref is a tag."""
    base: ObjectId | None
    """The old tip, or for a new ref where it left the branch that HEAD names."""
    rule: Rule


class Judge:
    """Judges targets of one push with one policy; trees and evidence are looked at once."""

    def __init__(
        self, push: Push, view: View, authority: Authority, book: EvidenceBook, results: Results
    ) -> None:
        self._push = push
        self._view = view
        self._objects = view.objects
        self._authority = authority
        self._policy = authority.policy
        self._book = book
        self._results = results
        self._trees_checked: set[tuple[ObjectId, ObjectId | None, bool]] = set()

    def judge(self, target: Target, findings: Findings) -> None:
        """Rules 4 to 14, as many as can still be judged after one of them failed."""
        commits = self._rule_04_commits(target)
        old_tree = None if target.base is None else read_commit(self._objects, target.base).tree
        new_tree = read_commit(self._objects, target.new).tree
        self._rule_05_trees(commits, old_tree, target.rule)
        judged = self._scope(target)
        counted: list[tuple[ObjectId, tuple[Requirement, Counted]]] = []
        findings.begin(CHECKS)
        for commit in judged:
            counted += [(commit, pair) for pair in self._checks(commit, target, findings)]
        change = Change(target.ref, target.new, old_tree, new_tree)
        findings.begin(POLICY)
        self._policy_change(change, findings)
        findings.begin(APPROVALS)
        apart = attested(pair for _commit, pair in counted)
        self._protected(change, target, apart, findings)
        tip = [pair for commit, pair in counted if commit == target.new]
        if target.rule.pusher == "attester":
            from lfci_gate.gate.pusher import rule_12_pusher

            attesters = {name for _requirement, outcome in tip for name in outcome.attesters}
            rule_12_pusher(self._push, self._policy, attesters, target.new, findings)
        findings.begin(BASE)
        self._against_base(change, target, tip, apart, findings)
        self._bypass(change, target, findings)

    def _rule_04_commits(self, target: Target) -> tuple[ObjectId, ...]:
        base = target.base
        history = self._view.history(base, target.new, self._push.limits.new_commits)
        for commit in history.commits:
            read_commit(self._objects, commit)
        return history.commits

    def _rule_05_trees(self, commits: tuple[ObjectId, ...], landed: ObjectId | None, rule: Rule) -> None:
        limit = self._push.limits.tree_entries
        for commit in commits:
            tree = read_commit(self._objects, commit).tree
            if (tree, landed, rule.gitlinks) not in self._trees_checked:
                check_tree(self._objects, tree, landed=landed, gitlinks=rule.gitlinks, max_entries=limit)
                self._trees_checked.add((tree, landed, rule.gitlinks))

    def _scope(self, target: Target) -> tuple[ObjectId, ...]:
        """The commits that need evidence; the tip always, also when nothing is new about it."""
        if target.rule.scope == "tip":
            return (target.new,)
        history = self._view.history(target.base, target.new, self._push.limits.new_commits)
        return history.first_parents or (target.new,)

    # -- rules 6 to 12 --------------------------------------------------------------------------

    def _checks(self, oid: ObjectId, target: Target, findings: Findings) -> list[tuple[Requirement, Counted]]:
        counted: list[tuple[Requirement, Counted]] = []
        try:
            commit = read_commit(self._objects, oid)
            config = self._rule_06_config(commit.tree) if target.rule.require else None
            for requirement in target.rule.require:
                assert config is not None
                definition = _declared(config, requirement)
                expected = self._expected(oid, commit.tree, definition, target, requirement)
                found = self._book.about(expected.inputs_tree, commit)
                outcome = count(found, expected, requirement)
                if outcome.reasons:
                    outcome = count(
                        found.plus(self._book.beside(expected.inputs_tree)), expected, requirement
                    )
                findings.refused += outcome.reasons
                findings.evidence |= {evidence.id for evidence in outcome.keys.values()}
                findings.evidence |= set(outcome.vouching)
                findings.summary += (*_summary(outcome, self._policy), *outcome.confirmed)
                findings.remarks += (*_borne(outcome, expected), *outcome.remarks)
                counted.append((requirement, outcome))
        except LfciError as error:
            findings.catch(error, oid)
        return counted

    def _rule_06_config(self, tree: ObjectId) -> ProjectConfig:
        data = read_file(self._objects, tree, CONFIG_PATH, self._push.limits.config_bytes)
        if data is None:
            raise Refusal("LFCI404", "the pushed tree has no .lfci/config.toml")
        try:
            return parse_project(data)
        except LfciError as error:
            raise Refusal(error.code, error.message, facts=error.facts, hint=error.hint) from error

    def _expected(
        self,
        commit: ObjectId,
        tree: ObjectId,
        definition: CheckDefinition,
        target: Target,
        requirement: Requirement,
    ) -> Expected:
        subject = inputs_tree(self._objects, tree, PatternSet(definition.inputs)).oid
        if subject == empty_tree(self._objects.hash_name):
            raise Refusal("LFCI414", f"the inputs of check {definition.name} keep no file of the pushed tree")
        known: dict[str, str | None] = {}

        def sha256_of(path: str) -> str | None:
            if path not in known:
                known[path] = file_sha256(self._objects, tree, path)
            return known[path]

        return Expected(
            ref=target.ref,
            commit=commit,
            base=target.base,
            inputs_tree=subject,
            definition=definition,
            sha256_of=sha256_of,
            policy=self._policy,
            rule=target.rule,
            now=self._push.now,
            limits=self._push.limits,
            roles=roles_between(self._policy, target.ref, self._objects, target.base, tree, self._push.now),
            quarantine=in_quarantine(self._objects, target.base, requirement, definition, self._push.now),
            document=self._results.read,
        )

    # -- rule 13 -------------------------------------------------------------------------------

    def _policy_change(self, change: Change, findings: Findings) -> None:
        limits = self._push.limits
        old = None
        if change.old_tree is not None:
            old = policy_file(self._view, change.old_tree, limits)
        try:
            new = policy_file(self._view, change.new_tree, limits)
            head = self._view.head if change.ref == self._view.head else None
            first = change.old_tree is None
            findings.remarks += refuse_bad_proposal(
                self._authority, old, new, head, self._push, first_landing=first
            )
        except LfciError as error:
            findings.catch(error, change.commit)

    def _protected(
        self,
        change: Change,
        target: Target,
        apart: Apart,
        findings: Findings,
    ) -> None:
        first = change.old_tree is None
        for part in changed_parts(self._objects, change, target.rule):
            if first and self._policy.bootstrap == "report":
                findings.remarks.append("first landing: protected parts were not approved")
                return
            try:
                findings.refused += self._approved(part, change, target.rule, apart, findings)
            except LfciError as error:
                findings.catch(error, change.commit)

    def _approved(
        self,
        part: Part,
        change: Change,
        rule: Rule,
        apart: Apart,
        findings: Findings,
    ) -> tuple[Reason, ...]:
        reasons, approvals = rule_13_approvals(
            part,
            change,
            self._objects,
            self._book,
            self._policy,
            rule,
            apart,
            self._push.now,
            self._push.limits,
        )
        findings.evidence |= set(approvals)
        return reasons

    # -- rule 14 -------------------------------------------------------------------------------

    def _against_base(
        self,
        change: Change,
        target: Target,
        counted: list[tuple[Requirement, Counted]],
        apart: Apart,
        findings: Findings,
    ) -> None:
        def approved(part: Part) -> bool:
            return not self._approved(part, change, target.rule, apart, findings)

        sight = Sight(self._view, self._book, self._results, self._policy, self._push.limits)
        rule_14(sight, change, target.base, target.rule, counted, approved, findings)

    # -- rule 16 -------------------------------------------------------------------------------

    def _bypass(self, change: Change, target: Target, findings: Findings) -> None:
        if not findings.refused and target.rule.break_glass is None:
            return
        from lfci_gate.gate.bypass import Offer, rule_16_bypass  # few pushes come this far

        offer = Offer(
            change=change,
            old=None if target.update.old is None else target.base,
            source=self._objects,
            policy=self._policy,
            rule=target.rule,
            now=self._push.now,
            limits=self._push.limits,
            roles=roles_between(
                self._policy, change.ref, self._objects, target.base, change.new_tree, self._push.now
            ),
        )
        rule_16_bypass(offer, self._book, self._view, findings)


def _summary(outcome: Counted, policy: Policy) -> Iterator[str]:
    names = {key.public: key.name for key in policy.keys}
    for public, evidence in outcome.keys.items():
        run = evidence.statement
        assert isinstance(run, CheckRun)
        tests = "no report" if run.tests is None else f"{run.tests.passed} passed"
        if run.tests is not None and run.tests.skipped:
            tests += f", {run.tests.skipped} skipped"
        if run.tests is not None and run.tests.failed:
            tests += f", {run.tests.failed} failed in quarantine"
        how = f"engine {run.engine.value}, key {names[public]}"
        yield f"check {run.check}: {run.result.value}, {tests}, {how}"


def _borne(outcome: Counted, expected: Expected) -> Iterator[str]:
    """What counts although it failed: each run of it is named, loudly."""
    runs = [each.statement for each in outcome.keys.values()]
    failed = [run for run in runs if isinstance(run, CheckRun) and run.result is not Outcome.PASSED]
    yield from dict.fromkeys(told(run, expected) for run in failed)


def _declared(config: ProjectConfig, requirement: Requirement) -> CheckDefinition:
    definition = config.check(requirement.check)
    if definition is None:
        raise Refusal(
            "LFCI406",
            f"the policy requires check {requirement.check}, and the pushed tree does not declare it",
        )
    return definition
