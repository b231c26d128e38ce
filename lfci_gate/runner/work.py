"""One check of one commit, from its definition to a signed result: what the runner's threads do.

Everything in a statement comes from the objects, the configuration and the run; of the request only the
choice of a commit and of declared checks.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lfci_gate import files
from lfci_gate.attest.results import result_document
from lfci_gate.clone.attempts import Attempts
from lfci_gate.clone.check import Attester, attest_in, chosen_checks, project_config, store_inputs
from lfci_gate.clone.known import Question, ask
from lfci_gate.engines.outcome import Progress, RunResult
from lfci_gate.engines.run import run_check
from lfci_gate.engines.scratch import remove_tree
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Engine, ObjectId, Outcome
from lfci_gate.runner.measure import refuse_large
from lfci_gate.runner.place import JOB_PREFIX, end_programs
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
            with store.writing:
                store_inputs(store.git, objects, question)
            found.append(question)
    # A reader of its own: the inputs trees are new.
    with BatchReader(store.git) as objects:
        for inputs in {each.inputs for each in found}:
            refuse_large(objects, inputs, most_bytes)
    return found


def perform(
    store: Store, question: Question, attester: Attester, work: Path, setup_s: int, progress: Progress
) -> Answer:
    """Runs the check in Nix's sandbox; signs and keeps the result when there is one.

    Arguments: ``work`` is a directory for one of this job's own and for the GC roots of all; ``setup_s`` is
    how long, in seconds, everything but the check itself may take. Raises as
    :func:`lfci_gate.engines.run.run_check` does; Undecided LFCI308 when it took longer; UsageError LFCI511
    when the key does not sign.
    """
    begun = time.monotonic()
    with _job(work) as place, BatchReader(store.git) as objects:
        result = _run(objects, question, place, setup_s, progress)
        document = line = b""
        if result.outcome is not Outcome.UNDECIDED and result.result is not None:
            document = result_document(result.result)
            attempts, key = Attempts(store.git.common_dir), attester.signer.public
            attempt = attempts.failed(question, key) + 1
            attempts.add(question, key, int(result.outcome is Outcome.FAILED))
            now = datetime.now(UTC).replace(microsecond=0)
            _, line = attest_in(store.git, objects, question, result, store.id, attester, None, now, attempt)
    return Answer(
        question.definition.name,
        result.outcome,
        False,
        line,
        document,
        code=result.code,
        message="" if result.outcome is Outcome.PASSED else result.message,
        facts=result.remarks,
        duration_ms=int((time.monotonic() - begun) * 1000),
        derivation=result.drv_path,
    )


def _run(
    objects: BatchReader, question: Question, place: Path, setup_s: int, progress: Progress
) -> RunResult:
    with _ended_after(question.definition.timeout_s + setup_s, place) as late:
        try:
            return run_check(
                objects,
                question.inputs,
                question.definition,
                engine=Engine.BUILD,
                work=place,
                # Logs and artifacts go to whoever asked, if to anybody: the runner keeps none.
                cas=ContentStore(place / "cas"),
                progress=progress,
                # What it signs is believed by others, and a store lives long.
                verify=True,
            )
        except LfciError as error:
            raise (_late(setup_s) if late.is_set() else error) from None


@contextmanager
def _job(work: Path) -> Iterator[Path]:
    """A directory of one job's own, in which the GC roots are those of all jobs."""
    with files.os_errors("make a directory for a job", work):
        place = Path(tempfile.mkdtemp(prefix=JOB_PREFIX, dir=work))
        (place / "gcroots").symlink_to(work / "gcroots")
    try:
        yield place
    finally:
        with files.os_errors("remove the directory of a job", place):
            remove_tree(place)


@contextmanager
def _ended_after(limit_s: int, place: Path) -> Iterator[threading.Event]:
    """Ends the job's programs when it takes longer than ``limit_s``, and again until it has ended: an
    evaluation or an environment may never end by itself. The event says that it did."""
    late, over = threading.Event(), threading.Event()

    def watch() -> None:
        if over.wait(limit_s):
            return
        late.set()
        end_programs(place)
        while not over.wait(0.5):
            end_programs(place)

    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    watcher.start()
    try:
        yield late
    finally:
        over.set()
        watcher.join()


def _late(setup_s: int) -> Undecided:
    facts = (f"evaluating the flake and making its environment may take {setup_s} s here",)
    return Undecided("LFCI308", "the environment was not ready in time", facts=facts)


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
