"""Writing a policy, and what always holds for its own file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lfci_gate.config.values import format_duration
from lfci_gate.model import (
    Assurance,
    BreakGlass,
    Delegation,
    Policy,
    PolicyKey,
    Protection,
    Requirement,
    Rule,
)
from lfci_gate.patterns import PatternSet


def format_policy(policy: Policy) -> str:
    """A policy.toml that reads as ``policy``; everything is spelled out, also defaults."""
    import tomli_w  # only where something is written

    keys = {key.name: _key(key) for key in policy.keys}
    document: dict[str, Any] = {
        "version": policy.version,
        "repository": policy.repository,
        "bootstrap": policy.bootstrap,
        "keys": keys,
        "rules": [_rule(rule) for rule in policy.rules],
    }
    if policy.roles:
        document["roles"] = {each.role: _where(each.refs, each.paths) for each in policy.roles}
    if policy.delegations:
        document["delegations"] = [_delegation(each) for each in policy.delegations]
    return tomli_w.dumps(document)


def _key(key: PolicyKey) -> dict[str, Any]:
    from lfci_gate.attest.keys import format_public

    times = {"valid-from": key.valid_from, "valid-until": key.valid_until, "revoked": key.revoked}
    return {
        "public": format_public(key.public),
        "roles": list(key.roles),
        "identity": key.identity or key.name,
        **({"pushers": list(key.pushers)} if key.pushers else {}),
        **{name: time for name, time in times.items() if time is not None},
    }


def _where(refs: tuple[str, ...], paths: tuple[str, ...]) -> dict[str, Any]:
    return {name: list(found) for name, found in (("refs", refs), ("paths", paths)) if found}


def _delegation(each: Delegation) -> dict[str, Any]:
    return {"from": each.granter, "to": each.to, **_where(each.refs, each.paths), "until": each.until}


def _rule(rule: Rule) -> dict[str, Any]:
    table: dict[str, Any] = {
        "refs": list(rule.refs),
        "scope": rule.scope,
        "bind": list(rule.bind),
        "update": rule.update,
        "gitlinks": rule.gitlinks,
        "pusher": rule.pusher,
    }
    if rule.max_age_s is not None:
        table["max-age"] = format_duration(rule.max_age_s)
    table["tests"] = {"removed": rule.tests_removed}
    table["dependencies"] = {"unpinned": rule.dependencies_unpinned}
    if rule.nix_minimum is not None:
        table["nix"] = {"minimum": rule.nix_minimum}
    if rule.break_glass is not None:
        table["break-glass"] = _break_glass(rule.break_glass)
    table["require"] = [_requirement(each) for each in rule.require]
    table["protect"] = [_protection(each) for each in rule.protect]
    return table


def _break_glass(each: BreakGlass) -> dict[str, Any]:
    return {
        "roles": list(each.roles),
        "threshold": each.threshold,
        "longest": format_duration(each.longest_s),
        "waives": list(each.waives),
    }


def _requirement(each: Requirement) -> dict[str, Any]:
    table = {
        "check": each.check,
        "roles": list(each.roles),
        "threshold": each.threshold,
        "engines": [engine.value for engine in each.engines],
        "hermetic": each.hermetic,
        "report": "required" if each.report_required else "optional",
        "assurance": each.assurance.value,
    }
    if each.assurance in (Assurance.DERIVED, Assurance.REBUILT):
        table["verifiers"] = list(each.verifiers)
    if each.quarantine:
        table["quarantine"] = "allow"
    if each.max_attempts is not None:
        table["max-attempts"] = each.max_attempts
    return table


def _protection(each: Protection) -> dict[str, Any]:
    return {"paths": list(each.paths), "roles": list(each.roles), "threshold": each.threshold}


POLICY_PATH = b".lfci/policy.toml"
POLICY_PROTECTION = Protection((POLICY_PATH.decode(),), ("maintainer",), 1)
"""What holds for the policy file when no listed protection covers it."""


def protections(rule: Rule) -> tuple[Protection, ...]:
    """The rule's protections; the policy's own file always has one (docs/rules.md, rule 13)."""
    if any(PatternSet(each.paths).matches(POLICY_PATH) for each in rule.protect):
        return rule.protect
    return (*rule.protect, POLICY_PROTECTION)


def unsatisfiable(policy: Policy, *, now: datetime | None = None, head: str | None = None) -> tuple[str, ...]:
    """:func:`lfci_gate.config.satisfiable.problems`: what nobody could ever meet, one line each."""
    from lfci_gate.config.satisfiable import problems  # asked of few pushes

    return problems(policy, now=now, head=head)
