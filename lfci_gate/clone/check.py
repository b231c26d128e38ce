"""`lfci check`: a result that is known is answered at once; else the check is run and attested."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from lfci_gate.clone.known import Known, Question
from lfci_gate.config.project import parse_project
from lfci_gate.errors import UsageError
from lfci_gate.gate.facts import CONFIG_PATH, Limits
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    Engine,
    ObjectId,
    ObjectSource,
    Outcome,
    Policy,
    ProjectConfig,
    Rule,
    Session,
    Sha256,
)
from lfci_gate.value import Value

if TYPE_CHECKING:
    from pathlib import Path

    from lfci_gate.attest.signers import Signer
    from lfci_gate.engines.conditions import Conditions
    from lfci_gate.engines.outcome import Progress, RunResult
    from lfci_gate.git.objects import BatchReader
    from lfci_gate.git.process import Git


class Attester(Value):
    """Who signs, and what the attestation says about them."""

    signer: Signer
    name: str
    kind: str


def project_config(source: ObjectSource, tree: ObjectId) -> ProjectConfig:
    """The checks that a tree declares. Raises UsageError LFCI404 or LFCI405."""
    data = read_file(source, tree, CONFIG_PATH, Limits().config_bytes)
    if data is None:
        raise UsageError("LFCI404", "the tree has no .lfci/config.toml")
    return parse_project(data)


def chosen_checks(
    config: ProjectConfig, names: tuple[str, ...], rule: Rule | None
) -> tuple[CheckDefinition, ...]:
    """The named checks; without names those that the target's rule requires, else all.

    Raises UsageError LFCI406 for a check that the tree does not declare, or when it declares none.
    """
    required = () if rule is None else tuple(each.check for each in rule.require)
    wanted = names or required or tuple(check.name for check in config.checks)
    if not wanted:
        raise UsageError("LFCI406", "the tree declares no checks", hint="lfci init")
    found = []
    for name in dict.fromkeys(wanted):
        check = config.check(name)
        if check is None:
            declared = ", ".join(each.name for each in config.checks) or "none"
            raise UsageError(
                "LFCI406", f"the tree does not declare check {name}", facts=(f"declared: {declared}",)
            )
        found.append(check)
    return tuple(found)


def attester_kind(policy: Policy | None, name: str) -> str:
    """``agent``, ``runner`` or ``human``, as the roles of the policy's key say."""
    key = next((each for each in policy.keys if each.name == name), None) if policy else None
    roles = key.roles if key is not None else ()
    return next((kind for kind in ("runner", "agent") if kind in roles), "human")


def store_inputs(git: Git, source: ObjectSource, question: Question) -> None:
    """Writes the inputs tree as git objects: the engine exports it and its name can be looked up.
    Nothing refers to it yet, so an abandoned run leaves it to git's own garbage collection."""
    from lfci_gate.git.inputs import inputs_tree
    from lfci_gate.git.writer import PackWriter
    from lfci_gate.patterns import PatternSet

    filtered = inputs_tree(source, question.tree, PatternSet(question.definition.inputs))
    writer = PackWriter(git)
    for kind, data in filtered.new_objects:
        writer.add(kind, data)
    writer.flush()


def run_check(
    source: BatchReader,
    question: Question,
    engine: Engine,
    git_common_dir: Path,
    progress: Progress,
    conditions: Conditions | None = None,
) -> RunResult:
    """Runs the check in its sandbox; raises as the engine does.

    Arguments: ``conditions`` where runs are compared.
    """
    from lfci_gate.engines.run import run_check as run
    from lfci_gate.store import ContentStore

    state = git_common_dir / "lfci"
    return run(
        source,
        question.inputs,
        question.definition,
        engine=engine,
        work=state,
        cas=ContentStore(state / "cas"),
        progress=progress,
        conditions=conditions,
    )


def attest(
    git: Git,
    source: BatchReader,
    question: Question,
    result: RunResult,
    policy: Policy,
    attester: Attester,
    session: Session | None,
    now: datetime,
    attempt: int = 1,
) -> tuple[str, bytes]:
    """:func:`attest_in` for the repository of a policy."""
    return attest_in(git, source, question, result, policy.repository, attester, session, now, attempt)


def attest_in(
    git: Git,
    source: BatchReader,
    question: Question,
    result: RunResult,
    repository: str,
    attester: Attester,
    session: Session | None,
    now: datetime,
    attempt: int = 1,
) -> tuple[str, bytes]:
    """Signs and stores an attestation of a decided run; returns its id and bundle line.

    Arguments: ``repository`` is the policy's name of it; ``attempt`` counts from 1
    (:mod:`lfci_gate.clone.attempts`). Where the question names no ref, the run was for none.
    Raises ValueError for an undecided run: those are never attested.
    """
    from lfci_gate.attest.bundle import format_bundle, make_bundle
    from lfci_gate.attest.dsse import sign
    from lfci_gate.attest.results import result_document
    from lfci_gate.attest.statement import format_statement
    from lfci_gate.clone.evidence import store_evidence
    from lfci_gate.session import session_fact
    from lfci_gate.snapshot import lockfile_facts, take_snapshot

    if result.outcome is Outcome.UNDECIDED or result.result is None:
        raise ValueError("an undecided run is never attested")
    document = result_document(result.result)
    run = CheckRun(
        inputs_tree=question.inputs,
        repository=repository,
        check=question.definition.name,
        definition=question.definition.digest,
        command=command_text(question.definition),
        result=result.outcome,
        exit_code=result.result.exit_code,
        tests=result.counts,
        source_tree=question.tree,
        nar_hash=result.nar_hash,
        # What the check could see, so that evidence of one package survives changes of another.
        flake=take_snapshot(source, question.inputs).flake,
        lockfiles=lockfile_facts(source, question.inputs),
        session=None if session is None else session_fact(session),
        drv_path=result.drv_path,
        system=result.system,
        engine=result.engine,
        hermetic=result.hermetic,
        sandbox=result.sandbox,
        nix_name=result.nix_name,
        nix_version=result.nix_version,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        attempt=attempt,
        result_sha256=Sha256(hashlib.sha256(document).hexdigest()),
        artifacts=result.result.artifacts,
        log_sha256=result.log_sha256,
        log_size=result.log_size,
        attester=attester.name,
        attester_kind=attester.kind,
        target_ref=question.ref or None,
        issued_at=now,
    )
    line = format_bundle(make_bundle(sign(format_statement(run), attester.signer), attester.signer.public))
    return store_evidence(git, line, document), line


def command_text(definition: CheckDefinition) -> str:
    """The command as the attestation names it."""
    if definition.run is None:
        return f"flake {definition.flake}"
    if isinstance(definition.run, str):
        return definition.run
    import shlex

    return shlex.join(definition.run)


def known_line(known: Known) -> str:
    """Which attestation answers, for messages."""
    tests = known.run.tests
    counted = "" if tests is None else f", {tests.passed} {'test' if tests.passed == 1 else 'tests'} passed"
    counted += f", {len(known.quarantined)} FAILED and in quarantine" if known.quarantined else ""
    return (
        f"known: attestation {known.evidence.id[:12]} by {known.key} "
        f"of {known.run.issued_at:%Y-%m-%d %H:%M}Z{counted}"
    )
