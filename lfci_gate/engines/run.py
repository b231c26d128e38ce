"""One check, from a tree to a result: export, derive, make the environment, run, judge."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from lfci_gate.attest.results import counts, result_document
from lfci_gate.engines.collect import artifacts, read_report, read_seconds
from lfci_gate.engines.conditions import NORMAL, Conditions, Measured, measure, one_processor
from lfci_gate.engines.develop import run_in_sandbox
from lfci_gate.engines.log import Log
from lfci_gate.engines.machine import machine_of
from lfci_gate.engines.outcome import Ended, Progress, RunResult, judge
from lfci_gate.engines.sandbox import DEFAULT_LIMITS, Limits, nix_sandbox_digest, sandbox_digest
from lfci_gate.engines.scratch import interruptible, removed_meanwhile, run_directory
from lfci_gate.engines.seccomp import filter_path
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
    Sha256,
    TestCase,
)
from lfci_gate.nix.derivation import Derivation, derive
from lfci_gate.nix.process import Nix, NixVersion, last_lines
from lfci_gate.nix.store import environment_closure, refuse_altered
from lfci_gate.store import ContentStore
from lfci_gate.system import current_system
from lfci_gate.value import Value

__all__ = ["Doubt", "run_check"]

_Report = tuple[TestCase, ...] | LfciError | None


class Doubt(Value):
    """How a verifier runs what somebody else says was run."""

    drv_path: str
    """The check derivation that was attested: nothing else is run."""
    store: Path | None
    """A store of the verifier's own, for nothing else; None: the machine's, after a look whether what
    the environment consists of is still what was built."""
    asked: Callable[[NixVersion], None]
    """Told which Nix it is, before anything can go wrong."""


class _Ran(Value):
    """What either engine says of a run."""

    ended: Ended
    duration_ms: int
    out: Path
    sandbox: Sha256
    messages: tuple[str, ...] = ()
    lost: bool = False
    """With the machine that it was given to."""


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
    doubt: Doubt | None = None,
    conditions: Conditions | None = None,
    verify: bool = False,
) -> RunResult:
    """Runs a check on a tree and says how it ended.

    Arguments:
        tree: the inputs tree; nothing else of the repository is seen.
        work: directory for GC roots (kept) and for the run (removed), e.g. ``<git dir>/lfci``.
        cas: where the log, the result document and the artifacts are put.
        doubt: for a verifier, with the build engine.
        conditions: for runs that are compared: the settings of this one, and what it leaves is measured.
        verify: all that the environment consists of is hashed before, also where that is not configured.

    Raises, when there was no run: Refusal LFCI304, LFCI315 to LFCI319, LFCI324, LFCI325 for the flake,
    LFCI321 for another derivation than that of ``doubt``; Undecided LFCI303, LFCI305, LFCI306, LFCI326
    for this machine, LFCI329 to LFCI332 for others; UsageError LFCI322 for the engine, LFCI531 for the
    machine's configuration; Undecided LFCI314 when it was interrupted (SIGINT, SIGTERM, SIGHUP). Nothing
    of a run is left in any case.
    """
    _refuse_engine(engine, definition)
    try:
        scratch = (conditions or NORMAL).scratch or work
        with interruptible(), run_directory(scratch) as place:
            run = _Run(definition, engine, work, place, cas, progress, limits, doubt, conditions, verify)
            return run.go(source, tree)
    except KeyboardInterrupt as reason:
        raise Undecided("LFCI314", "the run was interrupted", facts=tuple(map(str, reason.args))) from None


def _refuse_engine(engine: Engine, definition: CheckDefinition) -> None:
    if engine is Engine.DEVELOP and definition.run is None:
        raise UsageError(
            "LFCI322",
            "a check of the flake's own is run by the build engine only",
            hint=f"lfci check {definition.name} --engine build",
        )
    if engine is Engine.BUILD and definition.network:
        raise UsageError(
            "LFCI322",
            "Nix's build sandbox has no network, and this check asks for it",
            hint=f"lfci check {definition.name} --engine develop",
        )


class _Run(Value):
    """One run from its export to its result."""

    definition: CheckDefinition
    engine: Engine
    work: Path
    place: Path
    cas: ContentStore
    progress: Progress
    limits: Limits
    doubt: Doubt | None
    conditions: Conditions | None
    verify: bool

    def go(self, source: ObjectSource, tree: ObjectId) -> RunResult:
        private = self.place / "nix"
        private.mkdir(mode=0o700)
        store = self.doubt.store if self.doubt is not None else None
        nix = Nix(private, store=store, machine=machine_of(os.environ))
        version = nix.version(self.work / "gcroots" / "nix-version")
        if self.doubt is not None:
            self.doubt.asked(version)
        self.progress.phase("export")
        export = self.place / "export"
        export_tree(source, tree, export)
        self.progress.phase("evaluate")
        derivation = derive(nix, export, self.definition, current_system())
        if self.doubt is not None and derivation.check_drv != self.doubt.drv_path:
            raise Refusal("LFCI321", "this tree gives another derivation", facts=(derivation.check_drv,))
        self.progress.phase("environment")
        # A store of its own keeps its roots itself: they are only good as long as it is there.
        roots = self.work / "gcroots" if store is None else store / "lfci-gcroots"
        verify = (self.verify or self.doubt is not None or nix.machine.verify) and store is None
        closure = environment_closure(
            nix,
            derivation.run,
            derivation.source_path,
            roots,
            verify=verify,
            warn=lambda words: self.progress.phase("environment", f"warning[LFCI332]: {words}"),
        )
        if verify:
            refuse_altered(nix, (derivation.run_drv, derivation.source_path))
        # Runs that are compared differ in settings that a builder elsewhere would not get.
        here = self.conditions is not None and nix.machine.local
        for again in (False, True):
            started_at = datetime.now(UTC)
            with Log(self.place / f"log-{again}", self.limits.log_stored_bytes) as log:
                # The source is in the store by now, and read from there.
                alone = one_processor((self.conditions or NORMAL).one_processor)
                with alone, nullcontext() if again else removed_meanwhile(export):
                    ran = self._run(nix, derivation, closure, log, here=here or again)
                log.close()
                if again or not (ran.lost and nix.machine.retry):
                    break
            self.progress.line(b"lfci: the builder was lost; the check is run once more, here\n")
        return self._result(derivation, version, ran, log, started_at)

    def _run(
        self, nix: Nix, derivation: Derivation, closure: tuple[str, ...], log: Log, *, here: bool
    ) -> _Ran:
        check = self.definition
        if self.engine is Engine.BUILD:
            from lfci_gate.engines.build import run_in_nix  # only then: the other engine starts sooner

            built = run_in_nix(
                nix,
                derivation,
                closure,
                timeout_s=check.timeout_s,
                limits=self.limits,
                log=log,
                progress=self.progress,
                here=here,
            )
            sandbox = nix_sandbox_digest(built.interpreters, self.limits)
            return _Ran(built.ended, built.duration_ms, built.out, sandbox, built.messages, built.lost)
        run = run_in_sandbox(
            nix,
            derivation,
            closure,
            self.place,
            network=check.network,
            timeout_s=check.timeout_s,
            limits=self.limits,
            log=log,
            progress=self.progress,
            conditions=self.conditions or NORMAL,
        )
        filtered = filter_path(os.uname().machine) is not None
        sandbox = sandbox_digest(check.network, self.limits, filtered=filtered)
        return _Ran(run.ended, run.duration_ms, run.out, sandbox)

    def _result(
        self, derivation: Derivation, version: NixVersion, ran: _Ran, log: Log, started_at: datetime
    ) -> RunResult:
        definition, cas = self.definition, self.cas
        report = read_report(definition.report, ran.out, log.path if log.whole else None)
        kept, missing = artifacts(definition.artifacts, ran.out, cas)
        judgement = judge(definition, ran.ended, report, missing)
        document = None
        if judgement.outcome is not Outcome.UNDECIDED:
            document = _document(definition, ran.ended.status, report, kept, cas)
        remarks = judgement.remarks
        if ran.ended.status is None:
            remarks = (*remarks, *ran.messages[-4:])
        if not ran.ended.begun:
            remarks = (*remarks, *last_lines(log.path.read_bytes()[-4096:], 4))
        cases = report if isinstance(report, tuple) else None
        return RunResult(
            outcome=judgement.outcome,
            code=judgement.code,
            message=judgement.message,
            remarks=remarks,
            exit_code=ran.ended.status,
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
            sandbox=ran.sandbox,
            hermetic=not definition.network,
            started_at=started_at.replace(microsecond=0),
            duration_ms=ran.duration_ms,
            engine=self.engine,
            measured=self._measured(derivation, ran.out),
        )

    def _measured(self, derivation: Derivation, out: Path) -> Measured | None:
        if self.conditions is None:
            return None
        build = self.place / "build" if self.engine is Engine.DEVELOP else None
        source = Path(derivation.source_path)  # the export is gone by now
        return measure(build, source, read_seconds(self.definition.report, out))


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
