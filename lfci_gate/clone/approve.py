"""`lfci approve`: a role approves that the protected parts go from base to REV."""

from __future__ import annotations

from datetime import datetime

from lfci_gate.attest.bundle import format_bundle, make_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.signers import Signer
from lfci_gate.attest.statement import format_statement
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.errors import Refusal
from lfci_gate.gate.protect import Change, Part, protected_part, roles_of_part
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import Approval, Policy, PolicyKey
from lfci_gate.value import Value


class Approved(Value):
    part: Part
    id: str


def may_approve(
    objects: BatchReader, change: Change, part: Part, policy: Policy, key: PolicyKey, now: datetime
) -> str:
    """Why the key may not approve a part of a change; empty when it may."""
    return roles_of_part(part, change, objects, policy, now).lacks(key, part.protection.roles)


def approve(
    git: Git,
    objects: BatchReader,
    change: Change,
    part: Part,
    policy: Policy,
    key: PolicyKey,
    signer: Signer,
    reason: str,
    now: datetime,
) -> Approved:
    """Signs and stores the approval of one part. Raises Refusal LFCI215 when the key's roles do not
    allow it: an approval that cannot count is not made."""
    lacks = may_approve(objects, change, part, policy, key, now)
    if lacks:
        raise Refusal(
            "LFCI215",
            f"the key {key.name} may not approve this",
            facts=(f"needs one of the roles: {', '.join(part.protection.roles)}", lacks),
        )
    statement = Approval(
        to_tree=part.to_tree,
        from_tree=part.from_tree,
        repository=policy.repository,
        ref=change.ref,
        paths=part.protection.paths,
        reviewer=key.identity,
        reason=reason,
        issued_at=now,
    )
    envelope = sign(format_statement(statement), signer)
    line = format_bundle(make_bundle(envelope, signer.public))
    extra = protected_part(objects, change.new_tree, part.protection.paths).new_objects
    return Approved(part, store_evidence(git, line, None, extra))
