"""The texts that the model's facts are written in: policy.toml, config.toml, statements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import tomli_w

from lfci_gate.attest.bundle import Bundle, format_bundle, make_bundle
from lfci_gate.attest.dsse import Envelope, pae, sign
from lfci_gate.attest.keys import format_public
from lfci_gate.attest.results import counts, result_document
from lfci_gate.attest.statement import format_statement
from lfci_gate.config.project import parse_project
from lfci_gate.model import (
    Approval,
    Bypass,
    CheckRun,
    Engine,
    FileDigest,
    LockfileFact,
    ObjectId,
    Outcome,
    ResultDocument,
    SessionFact,
    Sha256,
    Statement,
    TestCase,
    Verification,
)
from tests.properties import model
from tests.support.evidence import CHECK_RUN, TestSigner, ecdsa_signer, ed25519_signer

Named = Callable[[model.Tree], ObjectId]


@cache
def signer(holder: str) -> TestSigner:
    """The key pair of a holder; one of them has a key of the other kind."""
    return ecdsa_signer(holder) if holder == "ann" else ed25519_signer(holder)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def sha256(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


# -- configuration -----------------------------------------------------------------------------


def config_text(config: model.Config) -> bytes:
    checks: dict[str, Any] = {}
    for each in config.checks:
        checks[each.name] = {"run": each.run, "inputs": list(each.inputs), "timeout": each.timeout}
        if each.report:
            checks[each.name]["report"] = {"format": "junit", "path": "junit.xml"}
    return tomli_w.dumps({"version": 1, "checks": checks}).encode()


@cache
def definition_digest(check: model.Check) -> Sha256:
    found = parse_project(config_text(model.Config((check,)))).check(check.name)
    assert found is not None
    return found.digest


# -- policies ----------------------------------------------------------------------------------


def policy_text(policy: model.Policy) -> bytes:
    top: dict[str, Any] = {"version": policy.version, "repository": policy.repository}
    if policy.bootstrap != "report":
        top["bootstrap"] = policy.bootstrap
    top["keys"] = {key.name: _key(key) for key in policy.keys}
    if policy.scopes:
        top["roles"] = {each.role: _where(each) for each in policy.scopes}
    if policy.delegations:
        top["delegations"] = [
            {"from": each.granter, "to": each.to, "until": moment(each.until), **_where(each)}
            for each in policy.delegations
        ]
    top["rules"] = [_rule(each) for each in policy.rules]
    return tomli_w.dumps(top).encode()


def _key(key: model.Key) -> dict[str, Any]:
    table: dict[str, Any] = {"public": format_public(signer(key.holder).public), "roles": list(key.roles)}
    if key.identity is not None:
        table["identity"] = key.identity
    if key.pushers:
        table["pushers"] = list(key.pushers)
    times = {"valid-from": key.valid_from, "valid-until": key.valid_until, "revoked": key.revoked}
    return table | {name: moment(at) for name, at in times.items() if at is not None}


def _where(scoped: model.Scope | model.Delegation) -> dict[str, Any]:
    given = {"refs": list(scoped.refs), "paths": list(scoped.paths)}
    return {name: patterns for name, patterns in given.items() if patterns}


def _rule(rule: model.Rule) -> dict[str, Any]:
    table: dict[str, Any] = {
        "refs": list(rule.refs),
        "scope": "each" if rule.each else "tip",
        "bind": list(rule.bind),
        "update": "any" if rule.any_update else "fast-forward",
        "gitlinks": rule.gitlinks,
        "require": [_need(each) for each in rule.needs],
        "protect": [
            {"paths": list(each.paths), "roles": list(each.roles), "threshold": each.threshold}
            for each in rule.guards
        ],
        "tests": {"removed": rule.removed},
        "dependencies": {"unpinned": rule.unpinned},
    }
    if rule.max_age is not None:
        table["max-age"] = f"{rule.max_age}s"
    if rule.nix is not None:
        table["nix"] = {"minimum": rule.nix}
    if rule.pusher != "any":
        table["pusher"] = rule.pusher
    if rule.glass is not None:
        table["break-glass"] = {
            "roles": list(rule.glass.roles),
            "threshold": rule.glass.threshold,
            "longest": f"{rule.glass.longest}s",
            "waives": list(rule.glass.waives),
        }
    return table


def _need(need: model.Need) -> dict[str, Any]:
    table: dict[str, Any] = {
        "check": need.check,
        "roles": list(need.roles),
        "threshold": need.threshold,
        "engines": list(need.engines),
        "hermetic": need.hermetic,
        "report": "required" if need.report else "optional",
    }
    if need.assurance != "claimed":
        table["assurance"] = need.assurance
    if need.assurance in ("derived", "rebuilt"):
        table["verifiers"] = list(need.verifiers)
    return table


# -- statements --------------------------------------------------------------------------------


def document(facts: model.Document) -> ResultDocument:
    tests = tuple(TestCase(name, outcome) for name, outcome in sorted(facts.tests))
    return ResultDocument(facts.check, facts.exit_code, tests, ())


def document_text(facts: model.Document) -> bytes:
    return result_document(document(facts))


class Writer:
    """Statements and bundles of facts; asks for the names of trees and commits."""

    def __init__(self, named: Named, commit: Callable[[model.Commit], ObjectId]) -> None:
        self._named = named
        self._commit = commit
        self._lines: dict[model.Evidence, Bundle] = {}

    def statement(self, facts: model.Statement) -> Statement:
        if isinstance(facts, model.Run):
            return self._run(facts)
        if isinstance(facts, model.Approval):
            return Approval(
                self._named(facts.to),
                self._named(facts.origin),
                facts.repository,
                facts.ref,
                facts.paths,
                "reviewer",
                f"reviewed, number {facts.serial}",
                moment(facts.issued),
            )
        if isinstance(facts, model.Finding):
            return self._finding(facts)
        return self._bypass(facts)

    def line(self, evidence: model.Evidence) -> bytes:
        """The bundle: all signatures on one statement; a spoiled first one is of other bytes."""
        if evidence not in self._lines:
            self._lines[evidence] = self._bundled(evidence)
        return format_bundle(self._lines[evidence])

    def signatures(self, evidence: model.Evidence) -> tuple[bytes, ...]:
        self.line(evidence)
        return self._lines[evidence].envelope.signatures

    def _bundled(self, evidence: model.Evidence) -> Bundle:
        payload = format_statement(self.statement(evidence.statement))
        signers = [signer(each) for each in evidence.signers]
        first = sign(payload, signers[0])
        message = pae(first.payload_type, payload)
        signatures = [each.sign(message) for each in signers]
        if evidence.spoiled:
            signatures[0] = signers[0].sign(message + b" ")
        return make_bundle(Envelope(payload, tuple(signatures)), signers[0].public)

    def _run(self, facts: model.Run) -> CheckRun:
        found = document(facts.document)
        subject = self._named(facts.subject)
        session = None
        if facts.session:
            base = None if facts.base is None else self._commit(facts.base)
            session = SessionFact("AAECAwQFBgcICQoLDA0ODw", base, subject, sha256(b"snapshot"), moment(0))
        return CheckRun(
            inputs_tree=subject,
            repository=facts.repository,
            check=facts.check,
            definition=definition_digest(facts.definition),
            command=facts.definition.run,
            result=Outcome.PASSED if facts.passed else Outcome.FAILED,
            exit_code=facts.document.exit_code,
            tests=counts(found.tests) if facts.counted else None,
            source_tree=subject,
            nar_hash=CHECK_RUN.nar_hash,
            flake=tuple(FileDigest(path.decode(), sha256(data)) for path, data in sorted(facts.flake)),
            lockfiles=tuple(
                LockfileFact(path.decode(), sha256(data), None if unpinned is None else 3, unpinned)
                for path, data, unpinned in sorted(facts.lockfiles, key=lambda each: each[0])
            ),
            session=session,
            drv_path=drv_path(facts.drv, facts.check),
            system=facts.system,
            engine=Engine(facts.engine),
            hermetic=facts.hermetic,
            sandbox=CHECK_RUN.sandbox,
            nix_name="nix",
            nix_version=facts.nix,
            started_at=moment(facts.issued + 7 if facts.started_after else facts.issued),
            duration_ms=facts.serial,
            attempt=1,
            result_sha256=sha256(result_document(found)),
            artifacts=(),
            log_sha256=CHECK_RUN.log_sha256,
            log_size=1,
            attester="somebody",
            attester_kind="agent",
            target_ref=facts.target,
            issued_at=moment(facts.issued),
        )

    def _finding(self, facts: model.Finding) -> Verification:
        about = facts.about
        return Verification(
            inputs_tree=self._named(facts.subject),
            repository=facts.repository,
            check=facts.check,
            definition=definition_digest(facts.definition),
            drv_path=drv_path(facts.drv, facts.check),
            system=facts.system,
            method=facts.method,
            reproduced=facts.reproduced,
            result_sha256=None if facts.result is None else sha256(document_text(facts.result)),
            attestation=sha256(b"unknown") if about is None else self.identifier(about),
            nix_name="nix",
            nix_version="2.34.8",
            verifier=f"verifier-{facts.serial}",
            issued_at=moment(facts.issued),
        )

    def _bypass(self, facts: model.Bypass) -> Bypass:
        return Bypass(
            commit=self._commit(facts.commit),
            repository=facts.repository,
            ref=facts.ref,
            old=None if facts.old is None else self._commit(facts.old),
            waives=facts.waives,
            reason="it is urgent",
            requested_by="somebody",
            nonce=f"{facts.serial:022d}",
            not_after=moment(facts.not_after),
            issued_at=moment(facts.issued),
        )

    def identifier(self, facts: model.Statement) -> Sha256:
        """The id of a statement: it does not depend on who signs."""
        payload = format_statement(self.statement(facts))
        return sha256(pae("application/vnd.in-toto+json", payload))


def drv_path(name: str, check: str) -> str:
    """A derivation's path; the same for the same name."""
    letters = "0123456789abcdfghijklmnpqrsvwxyz"
    digest = hashlib.sha256(name.encode()).digest()
    return f"/nix/store/{''.join(letters[each % 32] for each in digest)}-lfci-check-{check}.drv"
