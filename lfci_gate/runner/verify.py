"""What a client believes of a runner's answer: what is signed by a key it can name, and fits its question.

Pure over its arguments. A socket is only a place; whoever listens there may be anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.consistency import contradictions, disagreements
from lfci_gate.attest.dsse import signed_by
from lfci_gate.attest.results import parse_result
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.known import Question
from lfci_gate.engines.outcome import RunResult
from lfci_gate.errors import LfciError, Refusal
from lfci_gate.model import (
    CheckRun,
    Engine,
    Outcome,
    Policy,
    PolicyKey,
    PublicKey,
    ResultDocument,
    Sha256,
)
from lfci_gate.runner.wire import Answer
from lfci_gate.value import Value

__all__ = ["Accepted", "accept", "result_of", "undecided"]

_CODE = "LFCI529"
_SKEW = timedelta(minutes=5)


class Accepted(Value):
    """An answer that holds."""

    run: CheckRun
    document: ResultDocument
    key: str
    """The policy's name of the key, or its fingerprint."""


def accept(
    answer: Answer, question: Question, policy: Policy, pinned: PublicKey | None, now: datetime
) -> Accepted:
    """The signed result in a decided answer.

    Arguments: ``pinned`` is a key that this clone trusts to be its runner's although the policy may not name
    it. Raises Refusal LFCI529 when anything does not fit, whatever it is.
    """
    try:
        envelope = parse_bundle(answer.bundle).envelope
        names = {key.public: key.name for key in policy.keys if _is_valid(key, now)}
        keys = tuple(names) if pinned is None else (*names, pinned)
        signers = signed_by(envelope, keys)
        if not signers:
            hint = "name the runner's key: git config lfci.runnerKey '<its public line>', or in the policy"
            raise _wrong("its key is in no policy and not lfci.runnerKey", hint=hint)
        run = parse_statement(envelope.payload)
        document = parse_result(answer.document)
    except LfciError as error:
        if error.code == _CODE:
            raise
        raise _wrong(error.message) from None
    if not isinstance(run, CheckRun):
        raise _wrong("the statement is not about a run of a check")
    problem = next(_differences(run, answer, question, policy, now), None)
    if problem is not None:
        raise _wrong(problem)
    if hashlib.sha256(answer.document).hexdigest() != run.result_sha256:
        raise _wrong("the result document is not the attested one")
    contradicted = (*contradictions(run), *disagreements(document, run))
    if contradicted:
        raise _wrong(contradicted[0])
    return Accepted(run, document, names.get(signers[0]) or signers[0].fingerprint)


def _differences(
    run: CheckRun, answer: Answer, question: Question, policy: Policy, now: datetime
) -> Iterator[str]:
    pairs = (
        ("repository", run.repository, policy.repository),
        ("check", run.check, question.definition.name),
        ("definition", run.definition, question.definition.digest),
        ("inputs tree", run.inputs_tree, question.inputs),
        ("system", run.system, question.system),
        ("engine", run.engine, Engine.BUILD),
        ("kind of attester", run.attester_kind, "runner"),
        ("result", run.result, answer.outcome),
    )
    for what, found, expected in pairs:
        if found != expected:
            yield f"the statement is of another {what}"
    if run.issued_at > now + _SKEW:
        yield "the statement is from the future"


def result_of(accepted: Accepted, answer: Answer, log: Sha256 | None) -> RunResult:
    """The run as one of this machine would be told of. Arguments: ``log`` is what was heard of its output."""
    run = accepted.run
    return RunResult(
        outcome=run.result,
        code=answer.code,
        message=answer.message or "passed",
        remarks=answer.facts,
        exit_code=run.exit_code,
        result=accepted.document,
        counts=run.tests,
        log_sha256=run.log_sha256,
        log_size=run.log_size,
        log_stored=log,
        drv_path=run.drv_path,
        env_drv="",
        system=run.system,
        nar_hash=run.nar_hash,
        nix_name=run.nix_name,
        nix_version=run.nix_version,
        sandbox=run.sandbox,
        hermetic=run.hermetic,
        started_at=run.started_at,
        duration_ms=run.duration_ms,
        engine=run.engine,
    )


def undecided(answer: Answer, question: Question, log: Sha256 | None, now: datetime) -> RunResult:
    """An undecided answer. Nothing of it is signed, and nothing follows from it."""
    nothing = Sha256(hashlib.sha256(b"").hexdigest())
    return RunResult(
        outcome=Outcome.UNDECIDED,
        code=answer.code,
        message=answer.message,
        remarks=answer.facts,
        exit_code=None,
        result=None,
        counts=None,
        log_sha256=log or nothing,
        log_size=0 if log is None else 1,
        log_stored=log,
        drv_path=answer.derivation,
        env_drv="",
        system=question.system,
        nar_hash="",
        nix_name="",
        nix_version="",
        sandbox=nothing,
        hermetic=True,
        started_at=now,
        duration_ms=answer.duration_ms,
        engine=Engine.BUILD,
    )


def _is_valid(key: PolicyKey, now: datetime) -> bool:
    ends = [end for end in (key.revoked, key.valid_until) if end is not None]
    return (key.valid_from is None or key.valid_from <= now) and all(now < end for end in ends)


def _wrong(why: str, *, hint: str = "") -> Refusal:
    return Refusal(_CODE, f"the runner's answer does not hold: {why}", hint=hint)
