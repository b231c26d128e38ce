"""One check of one commit, from its definition to a signed result: what the runner's threads do.

Everything in a statement comes from the objects, the configuration and the run; of the request only the
choice of a commit and of declared checks.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from lfci_gate.attest.results import result_document
from lfci_gate.clone.attempts import Attempts
from lfci_gate.clone.check import Attester, attest_in, chosen_checks, project_config, store_inputs
from lfci_gate.clone.known import Question, ask
from lfci_gate.engines.outcome import Progress
from lfci_gate.engines.run import run_check
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Engine, ObjectId, Outcome
from lfci_gate.runner.measure import refuse_large
from lfci_gate.runner.place import KEPT_PREFIX
from lfci_gate.runner.store import Store
from lfci_gate.runner.wire import Answer
from lfci_gate.store import ContentStore
from lfci_gate.system import current_system

__all__ = ["perform", "questions", "unexpected"]

NO_REF = ""
"""A runner is asked about commits, not about what they are for."""


def questions(
    store: Store, commit: ObjectId, checks: tuple[str, ...], *, longest_s: int, most_bytes: int
) -> list[Question]:
    """What is asked about ``commit``, in the order of ``checks``.

    Raises UsageError LFCI404 to LFCI406 for what the commit does not declare, Refusal LFCI411 and
    LFCI412 for trees that are too large, LFCI525 for a check that may take longer than ``longest_s``.
    """
    with BatchReader(store.git) as objects:
        tree = read_commit(objects, commit).tree
        found = []
        for definition in chosen_checks(project_config(objects, tree), checks, None):
            if definition.timeout_s > longest_s:
                facts = (f"its timeout is {definition.timeout_s} s, and this runner allows {longest_s} s",)
                raise Refusal("LFCI525", f"check {definition.name} may take too long", facts=facts)
            question = ask(objects, tree, definition, NO_REF, None, current_system())
            store_inputs(store.git, objects, question)
            found.append(question)
    # A reader of its own: the inputs trees are new.
    with BatchReader(store.git) as objects:
        for inputs in {each.inputs for each in found}:
            refuse_large(objects, inputs, most_bytes)
    return found


def perform(
    store: Store,
    question: Question,
    attester: Attester,
    work: Path,
    progress: Progress,
    now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0),
) -> Answer:
    """Runs the check in Nix's sandbox; signs and keeps the result when there is one.

    Arguments: ``work`` as of :func:`lfci_gate.engines.run.run_check`. Raises as that does; UsageError LFCI511
    when the key does not sign.
    """
    begun = time.monotonic()
    name = question.definition.name
    with (
        tempfile.TemporaryDirectory(prefix=KEPT_PREFIX, dir=work) as kept,
        BatchReader(store.git) as objects,
    ):
        # Logs and artifacts go to whoever asked, if to anybody: the runner keeps none.
        result = run_check(
            objects,
            question.inputs,
            question.definition,
            engine=Engine.BUILD,
            work=work,
            cas=ContentStore(Path(kept)),
            progress=progress,
        )
        duration_ms = int((time.monotonic() - begun) * 1000)
        if result.outcome is Outcome.UNDECIDED or result.result is None:
            return Answer(
                name,
                Outcome.UNDECIDED,
                False,
                code=result.code,
                message=result.message,
                facts=result.remarks,
                duration_ms=duration_ms,
                derivation=result.drv_path,
            )
        document = result_document(result.result)
        attempts, key = Attempts(store.git.common_dir), attester.signer.public
        attempt = attempts.failed(question, key) + 1
        attempts.add(question, key, int(result.outcome is Outcome.FAILED))
        _, line = attest_in(store.git, objects, question, result, store.id, attester, None, now(), attempt)
    return Answer(
        name,
        result.outcome,
        False,
        line,
        document,
        code=result.code,
        message="" if result.outcome is Outcome.PASSED else result.message,
        facts=result.remarks,
        duration_ms=duration_ms,
        derivation=result.drv_path,
    )


def unexpected(error: Exception) -> LfciError:
    """What nobody foresaw, without its text: that could hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = (
        "" if trace is None else f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
    )
    return Undecided(
        "LFCI505",
        "something happened that the runner does not understand",
        facts=(f"{type(error).__name__} in {where}",),
        hint="ask the runner's operator",
    )
