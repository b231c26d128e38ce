"""One check, from a tree to a result: export, derive, make the environment, run, judge."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from lfci_gate.attest.results import counts, result_document
from lfci_gate.engines.collect import artifacts, read_report
from lfci_gate.engines.develop import DevelopRun, run_in_sandbox
from lfci_gate.engines.log import Log
from lfci_gate.engines.outcome import Progress, RunResult, judge
from lfci_gate.engines.sandbox import DEFAULT_LIMITS, Limits, sandbox_digest
from lfci_gate.engines.scratch import interruptible, run_directory
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.git.export import export_tree
from lfci_gate.model import (
    CheckDefinition,
    Engine,
    FileDigest,
    ObjectId,
    ObjectSource,
    Outcome,
    ResultDocument,
    TestCase,
)
from lfci_gate.nix.derivation import Derivation, derive
from lfci_gate.nix.process import Nix, NixVersion, last_lines
from lfci_gate.nix.store import environment_closure
from lfci_gate.store import ContentStore
from lfci_gate.system import current_system

__all__ = ["run_check"]

_Report = tuple[TestCase, ...] | LfciError | None


def run_check(
    source: ObjectSource,
    tree: ObjectId,
    definition: CheckDefinition,
    *,
    engine: Engine,
    work: Path,
    cas: ContentStore,
    progress: Progress,
    limits: Limits = DEFAULT_LIMITS,
) -> RunResult:
    """Runs a check on a tree and says how it ended.

    Arguments:
        tree: the inputs tree; nothing else of the repository is seen.
        work: directory for GC roots (kept) and for the run (removed), e.g. ``<git dir>/lfci``.
        cas: where the log, the result document and the artifacts are put.

    Raises, when there was no run: Refusal LFCI304, LFCI315 to LFCI319 for the flake; Undecided LFCI303,
    LFCI305, LFCI306 for this machine; UsageError LFCI322 for the engine; Undecided LFCI314 when it
    was interrupted (SIGINT, SIGTERM, SIGHUP). Nothing of a run is left in any case.
    """
    if engine is not Engine.DEVELOP or definition.run is None:
        raise UsageError("LFCI322", "only the develop engine, and a check with `run`, can be run here")
    try:
        with interruptible(), run_directory(work) as place:
            return _run(source, tree, definition, work, place, cas, progress, limits)
    except KeyboardInterrupt as reason:
        raise Undecided("LFCI314", "the run was interrupted", facts=tuple(map(str, reason.args))) from None


def _run(
    source: ObjectSource,
    tree: ObjectId,
    definition: CheckDefinition,
    work: Path,
    place: Path,
    cas: ContentStore,
    progress: Progress,
    limits: Limits,
) -> RunResult:
    private = place / "nix"
    private.mkdir(mode=0o700)
    nix = Nix(private)
    progress.phase("export")
    export = place / "export"
    export_tree(source, tree, export)
    progress.phase("evaluate")
    derivation = derive(nix, export, definition, current_system())
    progress.phase("environment")
    closure = environment_closure(nix, derivation.check, derivation.source_path, work / "gcroots")
    version = nix.version(work / "gcroots" / "nix-version")
    started_at = datetime.now(UTC)
    with Log(place / "log", limits.log_stored_bytes) as log:
        run = run_in_sandbox(
            nix,
            derivation,
            closure,
            place,
            network=definition.network,
            timeout_s=definition.timeout_s,
            limits=limits,
            log=log,
            progress=progress,
        )
        log.close()
        return _result(definition, derivation, version, run, log, cas, started_at, limits)


def _result(
    definition: CheckDefinition,
    derivation: Derivation,
    version: NixVersion,
    run: DevelopRun,
    log: Log,
    cas: ContentStore,
    started_at: datetime,
    limits: Limits,
) -> RunResult:
    report = read_report(definition.report, run.out, log.path if log.whole else None)
    kept, missing = artifacts(definition.artifacts, run.out, cas)
    judgement = judge(definition, run.ended, report, missing)
    document = None
    if judgement.outcome is not Outcome.UNDECIDED:
        document = _document(definition, run.ended.status, report, kept, cas)
    remarks = judgement.remarks
    if not run.ended.begun:
        remarks = (*remarks, *last_lines(log.path.read_bytes()[-4096:], 4))
    cases = report if isinstance(report, tuple) else None
    return RunResult(
        outcome=judgement.outcome,
        code=judgement.code,
        message=judgement.message,
        remarks=remarks,
        exit_code=run.ended.status,
        result=document,
        counts=counts(cases) if cases is not None else None,
        log_sha256=log.sha256,
        log_size=log.size,
        log_stored=cas.put_file(log.path),
        drv_path=derivation.check_drv,
        env_drv=derivation.env_drv,
        system=derivation.system,
        nar_hash=derivation.nar_hash,
        nix_name=version.name,
        nix_version=version.version,
        sandbox=sandbox_digest(definition.network, limits),
        hermetic=not definition.network,
        started_at=started_at.replace(microsecond=0),
        duration_ms=run.duration_ms,
        engine=Engine.DEVELOP,
    )


def _document(
    definition: CheckDefinition,
    status: int | None,
    report: _Report,
    kept: tuple[FileDigest, ...],
    cas: ContentStore,
) -> ResultDocument:
    assert status is not None
    tests = report if isinstance(report, tuple) else ()
    document = ResultDocument(definition.name, status, tests, kept)
    try:
        cas.put_bytes(result_document(document))
    except Refusal as refusal:
        raise Undecided(
            "LFCI310", "the test report is too large to be attested", facts=(refusal.message,)
        ) from None
    return document
