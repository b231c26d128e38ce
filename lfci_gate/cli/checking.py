"""Checks of one tree on their way to one ref: answered, or run and attested. For `check` and `land`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from lfci_gate.cli.context import Context
from lfci_gate.clone.check import (
    Attester,
    attester_kind,
    chosen_checks,
    known_line,
    project_config,
)
from lfci_gate.clone.evidence import is_as_seen
from lfci_gate.clone.known import Known, Question, ask, asked_of, known_result, quarantine_of
from lfci_gate.clone.settings import Settings, key_in_policy
from lfci_gate.clone.target import Target
from lfci_gate.clone.view import ForgeView, forge_view
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import UsageError
from lfci_gate.gate.quarantine import failed_in_quarantine
from lfci_gate.git.commit import Commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Assurance, CheckDefinition, Engine, ObjectId, Outcome, Policy, PublicKey, Rule
from lfci_gate.value import Value, replace

if TYPE_CHECKING:
    from lfci_gate.clone.repeat import Repeated
    from lfci_gate.engines.conditions import Conditions
    from lfci_gate.engines.outcome import Progress, RunResult


class Options(Value):
    """How to check: from the command line."""

    engine: Engine | None = None
    """None: develop, where the target's rule takes that."""
    force: bool = False
    attest: bool = True
    twice: bool = False
    runs: int = 0
    """So many fresh runs; 0: one, where the result is not known."""
    runner: str | None = None
    """Socket of the runner that runs and signs instead."""

    @property
    def repeats(self) -> bool:
        return self.twice or self.runs > 0


class Checked(Value):
    """How one check ended."""

    definition: CheckDefinition
    known: Known | None
    run: RunResult | None
    attestation: str | None
    line: bytes | None
    """The bundle, when there is an attestation."""
    log: str | None = None
    """File with the run's output, when it was kept."""
    lacking: tuple[str, ...] = ()
    """What the target's rule wants beyond this result, in words: others have to bring it."""
    attempt: int = 1
    """Counts from 1, as it is attested."""
    repeated: Repeated | None = None
    """With several runs: all of them; ``run`` stands for them."""
    quarantined: tuple[str, ...] = ()
    """Ids of the tests that failed, when only such failed that the target's base has in quarantine."""

    @property
    def is_good(self) -> bool:
        """Passed, or failed in a way that the target's rule bears."""
        return self.outcome is Outcome.PASSED or bool(self.quarantined)

    @property
    def outcome(self) -> Outcome:
        if self.run is not None:
            return self.run.outcome
        assert self.known is not None
        return self.known.run.result


class Checker:
    """Answers or runs checks in one clone."""

    def __init__(self, context: Context, settings: Settings, objects: BatchReader, options: Options) -> None:
        self._context = context
        self._settings = settings
        self._objects = objects
        self._options = options
        self._git = context.git
        self._attester: Attester | None = None

    def check(
        self,
        tree: ObjectId,
        target: Target,
        policy: Policy | None,
        names: tuple[str, ...] = (),
        commit: Commit | None = None,
        wait: Callable[[CheckDefinition, ObjectId], bool] | None = None,
    ) -> list[Checked]:
        """All named checks of ``tree`` (those that the target requires, or all), one after another.

        Arguments: ``commit`` is what the tree is of, if anything: its message may carry evidence;
        ``wait(check, inputs)`` says whether an unknown result may be known by now. Raises
        UsageError LFCI201 without a policy when an attestation is wanted, LFCI404 to LFCI406, LFCI511;
        what an engine raises when there was no run.
        """
        if policy is None and self._options.attest:
            raise UsageError(
                "LFCI201",
                "there is no policy, so no repository to attest for",
                hint="lfci init, or without an attestation: lfci check --no-attest",
            )
        rule = rule_for(policy, target.ref) if policy is not None else None
        definitions = chosen_checks(project_config(self._objects, tree), names, rule)
        view = forge_view(self._git, self._objects, target, {})
        self._look_back(view, target)
        checked = []
        for definition in definitions:
            question = ask(self._objects, tree, definition, target.ref, target.tip, _system())
            known = self._known(view, question, policy, commit)
            while known is None and wait is not None and wait(definition, question.inputs):
                view = forge_view(self._git, self._objects, target, {})
                known = self._known(view, question, policy, commit)
            if known is None:
                ran = self._run(question, policy, self._engine(rule, definition), commit)
                ran = replace(ran, quarantined=self._quarantined(ran, question, rule))
                checked.append(replace(ran, lacking=self._lacking(ran, question, target, policy, commit)))
            else:
                self._context.output.note(f"{definition.name}: {known_line(known)}")
                line = known.evidence.line
                answered = Checked(definition, known, None, known.evidence.id, line, lacking=known.lacking)
                checked.append(replace(answered, quarantined=known.quarantined))
            for each in checked[-1].lacking:
                self._context.output.note(f"{definition.name}: not enough yet for {target.ref}: {each}")
        return checked

    def _lacking(
        self, ran: Checked, question: Question, target: Target, policy: Policy | None, commit: Commit | None
    ) -> tuple[str, ...]:
        """What a fresh pass is still too little for; looked for where a rule asks for more than one word."""
        asked = asked_of(rule_for(policy, target.ref), question.definition.name) if policy else None
        if asked is None or policy is None or ran.attestation is None or not ran.is_good:
            return ()
        if asked.max_attempts is not None and ran.attempt > asked.max_attempts:
            return (f"this is attempt {ran.attempt}, and the rule takes at most {asked.max_attempts}",)
        if asked.threshold == 1 and asked.assurance is Assurance.CLAIMED:
            return ()
        view = forge_view(self._git, self._objects, target, {})
        found = known_result(view, question, policy, self._own_key(), self._context.now(), commit=commit)
        return () if found is None else found.lacking

    def _quarantined(self, ran: Checked, question: Question, rule: Rule | None) -> tuple[str, ...]:
        """What failed, where that is borne."""
        if ran.run is None or ran.run.result is None or ran.outcome is Outcome.PASSED:
            return ()
        asked = asked_of(rule, question.definition.name)
        known = quarantine_of(self._objects, question, asked, self._context.now())
        return failed_in_quarantine(ran.run.result, known)

    def _look_back(self, view: ForgeView, target: Target) -> None:
        """Says it when the forge has gone back behind what this clone has seen there."""
        if is_as_seen(view.refs, target):
            return
        from lfci_gate.clone.seen import look, remember, went_back  # after a fetch only

        found = look(self._git, self._objects, target, view.refs, fresh=False)
        if not found.back:
            remember(self._git, found)
            return
        error = went_back(target, found.back)
        self._context.output.note(f"warning[{error.code}]: {error.message}")
        for line in (*error.facts, f"hint: {error.hint}"):
            self._context.output.note(f"  {line}")

    def _known(
        self, view: ForgeView, question: Question, policy: Policy | None, commit: Commit | None
    ) -> Known | None:
        if policy is None or self._options.force or self._options.repeats:
            return None
        own, now = self._own_key(), self._context.now()
        engine = self._options.engine
        return known_result(view, question, policy, own, now, engine=engine, commit=commit)

    def _own_key(self) -> PublicKey | None:
        if self._options.runner is not None:
            return self._settings.runner_key()
        if self._attester is not None:
            return self._attester.signer.public
        return self._settings.public_key()

    def _engine(self, rule: Rule | None, definition: CheckDefinition) -> Engine:
        if self._options.engine is not None:
            return self._options.engine
        asked = asked_of(rule, definition.name)
        if definition.flake is not None or (asked is not None and Engine.DEVELOP not in asked.engines):
            return Engine.BUILD
        return Engine.DEVELOP

    def _run(self, question: Question, policy: Policy | None, engine: Engine, of: Commit | None) -> Checked:
        if self._options.runner is not None and policy is not None:
            from lfci_gate.cli.runner_ask import Runner

            runner = Runner(self._context, self._settings, self._objects, self._options)
            return runner.check(question, policy, of, self._log)
        from lfci_gate.clone.attempts import Attempts
        from lfci_gate.clone.check import attest, store_inputs
        from lfci_gate.clone.environments import NO_SESSION, Profile
        from lfci_gate.session import current

        # What cannot be had should not cost a run.
        attester = self._who(policy) if self._options.attest and policy is not None else None
        session = current(self._git)
        store_inputs(self._git, self._objects, question)
        key = None if attester is None else attester.signer.public
        attempts = Attempts(self._git.common_dir)
        attempt = attempts.failed(question, key) + 1
        result, repeated = self._execute(question, engine)
        failures = int(result.outcome is Outcome.FAILED) if repeated is None else repeated.failures
        attempts.add(question, key, failures)
        if result.env_drv:
            profile = Profile(self._git.common_dir, NO_SESSION if session is None else session.id)
            check = question.definition
            profile.used(result.env_drv, check.name, check.shell, question.tree, self._context.now())
        decided = result.outcome is not Outcome.UNDECIDED
        name, line = None, None
        if attester is not None and policy is not None and decided:
            now = self._context.now()
            name, line = attest(
                self._git, self._objects, question, result, policy, attester, session, now, attempt
            )
        log = self._log(result)
        return Checked(question.definition, None, result, name, line, log, (), attempt, repeated)

    def _execute(self, question: Question, engine: Engine) -> tuple[RunResult, Repeated | None]:
        from lfci_gate.cli.repeating import execute
        from lfci_gate.clone.check import run_check

        def run(progress: Progress, conditions: Conditions | None) -> RunResult:
            return run_check(self._objects, question, engine, self._git.common_dir, progress, conditions)

        return execute(self._context.output, question.definition.name, self._options, engine, run)

    def _log(self, result: RunResult) -> str | None:
        """Where `ContentStore` keeps it, for the user to read."""
        stored = result.log_stored
        if stored is None:
            return None
        return os.path.join(self._git.common_dir, "lfci/cas/sha256", stored[:2], stored[2:])

    def _who(self, policy: Policy) -> Attester:
        if self._attester is None:
            signer = self._settings.signer(self._context.ask_passphrase)
            held = key_in_policy(policy, signer.public)
            if held is None:
                self._context.output.note(
                    "warning: the policy does not know your key, so the forge will not count this attestation"
                )
            name = self._settings.agent_name(policy, signer.public)
            self._attester = Attester(signer, name, attester_kind(policy, held or name))
        return self._attester


def _system() -> str:
    from lfci_gate.system import current_system

    return current_system()
