"""`lfci approve`: a role approves that the protected parts go from base to REV."""

from __future__ import annotations

from datetime import datetime

from lfci_gate.attest.bundle import format_bundle, make_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.signers import Signer
from lfci_gate.attest.statement import format_statement
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.clone.target import Target
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.against_base import whole_change
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Change, Part, changed_parts, changed_paths, protected_part, roles_of_part
from lfci_gate.git.history import merge_base
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import shown
from lfci_gate.model import Approval, ObjectId, Policy, PolicyKey
from lfci_gate.value import Value


class Approved(Value):
    part: Part
    id: str
    paths: tuple[str, ...]
    """The changed paths that the approval covers, for the reviewer's eyes."""


def parts_to_approve(
    git: Git,
    objects: BatchReader,
    target: Target,
    policy: Policy,
    commit: ObjectId,
    *,
    vanished_tests: bool = False,
) -> tuple[Change, tuple[Part, ...]]:
    """What landing ``commit`` on the target would change of its protected parts.

    When the target has moved on, the base is where the change left it: an approval survives a
    rebase that does not touch what was approved. With ``vanished_tests`` the whole change is a part
    too (rule 14). Raises UsageError LFCI216 when no rule covers the target.
    """
    rule = rule_for(policy, target.ref)
    if rule is None:
        raise UsageError("LFCI216", f"the policy has no rule for {target.ref}: nothing to approve")
    base = None
    if target.tip is not None:
        base = merge_base(git, target.tip, commit) or target.tip
    old = None if base is None else read_commit(objects, base).tree
    change = Change(target.ref, commit, old, read_commit(objects, commit).tree)
    parts = changed_parts(objects, change, rule)
    if vanished_tests and old is not None and old != change.new_tree:
        parts += (whole_change(change, rule),)
    return change, parts


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
    lacks = roles_of_part(part, change, objects, policy, now).lacks(key, part.protection.roles)
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
    name = store_evidence(git, line, None, extra)
    paths = changed_paths(objects, change, part.protection)
    return Approved(part, name, tuple(shown(path) for path in paths))
