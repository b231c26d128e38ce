"""A check that a runner does for this clone: asked, watched, verified, kept as evidence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.cli.checking import Checked, Options
from lfci_gate.cli.context import Context
from lfci_gate.cli.progress import RunProgress
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.clone.known import Question
from lfci_gate.clone.settings import Settings
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError
from lfci_gate.git.commit import Commit, format_commit
from lfci_gate.git.names import oid_of
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, Outcome, Policy
from lfci_gate.runner.client import Offer, ask, wrapped
from lfci_gate.runner.verify import Accepted, accept, result_of, undecided
from lfci_gate.runner.wire import Answer, Request
from lfci_gate.store import ContentStore

if TYPE_CHECKING:
    from lfci_gate.engines.outcome import RunResult

_MAX_LOG = 64 << 20


class Runner:
    """The runner behind one socket, for one clone."""

    def __init__(self, context: Context, settings: Settings, objects: BatchReader, options: Options) -> None:
        assert options.runner is not None
        self._context = context
        self._settings = settings
        self._objects = objects
        self._socket = options.runner
        self._fresh = options.force

    def check(
        self,
        question: Question,
        policy: Policy,
        commit: Commit | None,
        log_file: Callable[[RunResult], str | None],
    ) -> Checked:
        """What the runner found out, verified and kept in this clone.

        Arguments: ``commit`` is what the tree is of, if anything; ``log_file`` says where a log is. Raises
        Undecided LFCI525 and LFCI526, Refusal LFCI523 and LFCI527 to LFCI530, and what a run raises.
        """
        context, name = self._context, question.definition.name
        progress = RunProgress(context.output, name, None)
        cas = ContentStore(Path(context.git.common_dir) / "lfci" / "cas")
        with tempfile.TemporaryFile() as log:

            def hear(data: bytes) -> None:
                if log.tell() < _MAX_LOG:
                    log.write(data)

            try:
                answer = self._ask(question, policy, commit, progress, hear)
            finally:
                progress.close()
            stored = None
            if log.tell() and not answer.known:
                log.seek(0)
                stored = cas.put_bytes(log.read())
        if answer.outcome is Outcome.UNDECIDED:
            run = undecided(answer, question, stored, self._now())
            return Checked(question.definition, None, run, None, None, log_file(run))
        found = accept(answer, question, policy, self._settings.runner_key(), self._now())
        kept = store_evidence(context.git, answer.bundle, answer.document)
        self._say(found, policy, "remembered" if answer.known else "signed")
        run = result_of(found, answer, stored)
        attempt = found.run.attempt
        return Checked(question.definition, None, run, kept, answer.bundle, log_file(run), attempt=attempt)

    def _ask(
        self,
        question: Question,
        policy: Policy,
        commit: Commit | None,
        progress: RunProgress,
        hear: Callable[[bytes], None],
    ) -> Answer:
        offer = Offer(self._context.git, self._objects)

        def asked(name: ObjectId, fresh: bool) -> Answer:
            request = Request("check", policy.repository, name, (question.definition.name,), fresh)
            return ask(self._socket, request, offer, progress, hear)

        name = wrapped(self._context.git, question.tree)
        try:
            answer = asked(name, self._fresh)
        except LfciError as error:
            # This runner takes no objects from us, and fetches: then by the name that others know.
            if error.code != "LFCI528" or commit is None:
                raise
            name = oid_of("commit", format_commit(commit), self._context.git.hash_name)
            answer = asked(name, self._fresh)
        if answer.known and self._too_old(answer, question, policy):
            answer = asked(name, True)
        return answer

    def _too_old(self, answer: Answer, question: Question, policy: Policy) -> bool:
        """Whether what the runner remembers is older than the target's rule takes."""
        rule = rule_for(policy, question.ref)
        if rule is None or rule.max_age_s is None:
            return False
        run = accept(answer, question, policy, self._settings.runner_key(), self._now()).run
        return self._now() - run.issued_at > timedelta(seconds=rule.max_age_s)

    def _say(self, found: Accepted, policy: Policy, said: str) -> None:
        output = self._context.output
        if all(key.name != found.key for key in policy.keys):
            output.note(
                "warning: the policy does not know the runner's key, so the forge will not count its word"
            )
        output.note(f"{found.run.check}: {said} by runner {found.run.attester} ({found.key})")

    def _now(self) -> datetime:
        return self._context.now()
