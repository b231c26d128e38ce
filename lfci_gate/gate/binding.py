"""Rule 9: is a statement about this check of this commit? And what evidence is held against. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from lfci_gate.gate.evidence import reason_of
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    FileDigest,
    ObjectId,
    ObjectSource,
    Policy,
    PolicyKey,
    Reason,
    ResultDocument,
    Rule,
)
from lfci_gate.value import Value


class Roles:
    """The roles that keys have for one change: where no role is limited and nothing is delegated, those
    that the policy lists for them (else :class:`lfci_gate.gate.standing.RolesForChange`)."""

    def of(self, key: PolicyKey) -> Collection[str]:
        return key.roles

    def lacks(self, key: PolicyKey, wanted: tuple[str, ...]) -> str:
        """Why the key has none of the ``wanted`` roles; empty when it has one."""
        if set(self.of(key)) & set(wanted):
            return ""
        return f"key {key.name} has roles {', '.join(key.roles)}; the rule wants {' or '.join(wanted)}"


def roles_between(
    policy: Policy,
    ref: str,
    source: ObjectSource,
    base: ObjectId | None,
    tree: ObjectId,
    now: datetime,
) -> Roles:
    """The roles for the change of ``ref`` from the commit ``base`` (None: from nothing) to ``tree``."""
    if not policy.roles and not policy.delegations:
        return Roles()
    from lfci_gate.gate.standing import of_trees  # what few policies have, few pushes pay for

    return of_trees(policy, ref, source, None if base is None else read_commit(source, base).tree, tree, now)


class Expected(Value):
    """What evidence must say, taken from the pushed tree, the landed side and the policy."""

    ref: str
    commit: ObjectId
    base: ObjectId | None
    """The old tip; where a new ref left the branch of HEAD; None on the first landing of a forge."""
    inputs_tree: ObjectId
    definition: CheckDefinition
    sha256_of: Callable[[str], str | None]
    """sha256 of a plain file of the pushed tree; None where the tree has none."""
    policy: Policy
    rule: Rule
    now: datetime
    limits: Limits
    roles: Roles
    """Those that keys have for the change from the base to this commit."""
    quarantine: frozenset[str]
    """Ids of tests whose failure the requirement lets be known (:mod:`lfci_gate.gate.quarantine`)."""
    document: Callable[[CheckRun], ResultDocument | None]
    """The result document of a run, where it is; asked only where something is in quarantine."""


def rule_09_binding(run: CheckRun, expected: Expected) -> Reason | None:
    """Repository, subject, definition, flake and lockfile digests, and the `bind` extras."""
    if run.repository != expected.policy.repository:
        return miss(
            "LFCI105",
            "the attestation is of another repository",
            expected,
            f"policy: {expected.policy.repository}",
            f"attested: {run.repository}",
        )
    if run.inputs_tree != expected.inputs_tree:
        return miss(
            "LFCI104",
            "the attestation is of another tree",
            expected,
            f"inputs tree pushed: {expected.inputs_tree}",
            f"attested: {run.inputs_tree}",
        )
    if run.definition != expected.definition.digest:
        return miss(
            "LFCI106",
            "the attestation is of another check definition",
            expected,
            f"definition pushed: {expected.definition.digest}",
            f"attested: {run.definition}",
        )
    named: list[FileDigest] = [*run.flake]
    named += [FileDigest(fact.path, fact.sha256) for fact in run.lockfiles]
    for fact in named:
        if expected.sha256_of(fact.path) != fact.sha256:
            return miss("LFCI114", f"{ascii(fact.path)} is not what was attested", expected)
    for name in ("flake.nix", "flake.lock"):
        if name not in {fact.path for fact in run.flake} and expected.sha256_of(name):
            return miss("LFCI114", f"the attestation does not name {name}", expected)
    if "base" in expected.rule.bind and expected.base is not None:
        attested = run.session.base_commit if run.session else None
        if attested != expected.base:
            return miss(
                "LFCI112",
                "the attestation is bound to another base",
                expected,
                f"old tip: {expected.base}",
                f"attested: {attested}",
            )
    if "ref" in expected.rule.bind and run.target_ref != expected.ref:
        return miss(
            "LFCI112",
            "the attestation is bound to another ref",
            expected,
            f"ref: {expected.ref}",
            f"attested: {ascii(run.target_ref)}",
        )
    return None


def miss(code: str, message: str, expected: Expected, *facts: str) -> Reason:
    """A reason about the check and the commit that are looked at."""
    return reason_of(code, message, check=expected.definition.name, commit=expected.commit, facts=facts)
