"""Signing what a verifier found out (`verification/v0.1`), and bringing it to the forge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lfci_gate.attest.bundle import format_bundle, make_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.signers import Signer
from lfci_gate.attest.statement import format_statement
from lfci_gate.clone.deliver import fetch_evidence, push_refs
from lfci_gate.clone.evidence import evidence_refs, store_evidence
from lfci_gate.clone.finding import Answer, Finding
from lfci_gate.git.inbox import inbox_ref
from lfci_gate.git.process import Git
from lfci_gate.model import Policy, PolicyKey, Verification
from lfci_gate.value import Value

__all__ = ["Vouched", "deliver", "vouch", "why_it_will_not_count"]


class Vouched(Value):
    finding: Finding
    id: str
    """Of the attestation that was made."""

    @property
    def ref(self) -> str:
        return inbox_ref(self.finding.claim.run.inputs_tree, self.id)


def vouch(
    git: Git, findings: Sequence[Finding], signer: Signer, verifier: str, now: datetime
) -> tuple[Vouched, ...]:
    """Signs and stores each finding that was decided; the others say nothing that could be signed."""
    made = []
    for finding in findings:
        if not finding.can_be_signed or finding.nix is None:
            continue
        run = finding.claim.run
        statement = Verification(
            inputs_tree=run.inputs_tree,
            repository=run.repository,
            check=run.check,
            definition=run.definition,
            drv_path=run.drv_path,
            system=run.system,
            method=finding.method,
            reproduced=finding.answer is Answer.REPRODUCED,
            result_sha256=finding.result,
            attestation=finding.claim.id,
            nix_name=finding.nix.name,
            nix_version=finding.nix.version,
            verifier=verifier,
            issued_at=now,
        )
        line = format_bundle(make_bundle(sign(format_statement(statement), signer), signer.public))
        made.append(Vouched(finding, store_evidence(git, line, None)))
    return tuple(made)


def deliver(git: Git, remote: str, made: Sequence[Vouched]) -> None:
    """Pushes what was made, and fetches what the forge has by then. Raises Undecided LFCI506."""
    held = evidence_refs(git)
    push_refs(git, remote, {each.ref: held[each.ref] for each in made})
    fetch_evidence(git, remote)


def why_it_will_not_count(policy: Policy, key: PolicyKey | None, finding: Finding) -> str:
    """Why no rule would take a verification by ``key``; empty when one may."""
    if key is None:
        return "the policy does not know this key, so the forge will not keep what it signs"
    if any(each.name in finding.claim.keys and each.identity == key.identity for each in policy.keys):
        return f"key {key.name} attested this run itself: that is no second opinion"
    wanted = {role for rule in policy.rules for need in rule.require for role in need.verifiers}
    if not wanted & set(key.roles):
        return f"key {key.name} has none of the roles that verify: {', '.join(sorted(wanted)) or 'verifier'}"
    return ""
