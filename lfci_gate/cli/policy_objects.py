"""Policies as JSON: what the file says, and who that makes able to do what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from lfci_gate.canonical import format_time
from lfci_gate.cli.policy_read import PolicyRead
from lfci_gate.config.holders import Holders, holders
from lfci_gate.config.meaning import needs
from lfci_gate.config.policy import protections
from lfci_gate.config.policy_words import key_trouble
from lfci_gate.model import Assurance, Policy, PolicyKey, Rule

__all__ = ["about", "policy_object"]


def about(read: PolicyRead) -> dict[str, Any]:
    """Which policy is spoken of."""
    return {
        "where": read.where,
        "inForce": read.in_force,
        "version": read.policy.version,
        "repository": read.policy.repository,
        "sha256": read.policy.digest,
    }


def policy_object(read: PolicyRead, rules: Iterable[tuple[int, Rule]], now: datetime) -> dict[str, Any]:
    """Arguments: ``rules`` are those that are shown, with their numbers."""
    policy = read.policy
    return {
        "policy": about(read),
        "bootstrap": policy.bootstrap,
        "keys": [_key(key, now) for key in policy.keys],
        "roles": [
            {"role": each.role, "refs": list(each.refs), "paths": list(each.paths)} for each in policy.roles
        ],
        "delegations": [
            {
                "from": each.granter,
                "to": each.to,
                "refs": list(each.refs),
                "paths": list(each.paths),
                "until": format_time(each.until),
                "ended": now >= each.until,
            }
            for each in policy.delegations
        ],
        "rules": [_rule(policy, number, rule, now) for number, rule in rules],
    }


def _key(key: PolicyKey, now: datetime) -> dict[str, Any]:
    times = {"validFrom": key.valid_from, "validUntil": key.valid_until, "revoked": key.revoked}
    return {
        "name": key.name,
        "identity": key.identity,
        "fingerprint": key.public.fingerprint,
        "roles": list(key.roles),
        "pushers": list(key.pushers),
        **{name: None if time is None else format_time(time) for name, time in times.items()},
        "counts": not key_trouble(key, now),
    }


def _rule(policy: Policy, number: int, rule: Rule, now: datetime) -> dict[str, Any]:
    glass = rule.break_glass

    def who(roles: tuple[str, ...], paths: tuple[str, ...] = ()) -> dict[str, Any]:
        return _who(holders(policy, roles, rule.refs, now, paths))

    return {
        "number": number,
        "refs": list(rule.refs),
        "scope": rule.scope,
        "maxAgeSeconds": rule.max_age_s,
        "bind": list(rule.bind),
        "update": rule.update,
        "gitlinks": rule.gitlinks,
        "nixMinimum": rule.nix_minimum,
        "pusher": rule.pusher,
        "require": [
            {
                "check": each.check,
                "roles": list(each.roles),
                "threshold": each.threshold,
                "engines": [engine.value for engine in each.engines],
                "hermetic": each.hermetic,
                "report": "required" if each.report_required else "optional",
                "assurance": each.assurance.value,
                "verifiers": list(each.verifiers) if _verified(each.assurance) else [],
                "maxAttempts": each.max_attempts,
                "quarantine": "allow" if each.quarantine else "refuse",
                "who": who(each.roles),
            }
            for each in rule.require
        ],
        "protect": [
            {
                "paths": list(each.paths),
                "roles": list(each.roles),
                "threshold": each.threshold,
                "listed": each in rule.protect,
                "who": who(each.roles, each.paths),
            }
            for each in protections(rule)
        ],
        "testsRemoved": rule.tests_removed,
        "dependenciesUnpinned": rule.dependencies_unpinned,
        "breakGlass": None
        if glass is None
        else {
            "roles": list(glass.roles),
            "threshold": glass.threshold,
            "longestSeconds": glass.longest_s,
            "waives": list(glass.waives),
            "who": who(glass.roles),
        },
        "words": [
            {"rule": need.at, "about": need.label, "text": " ".join(need.text)}
            for need in needs(policy, rule, now)
        ],
    }


def _verified(assurance: Assurance) -> bool:
    return assurance in (Assurance.DERIVED, Assurance.REBUILT)


def _who(found: Holders) -> dict[str, Any]:
    return {
        "now": list(found.now),
        "limited": [{"identity": each.name, "key": each.key, "why": each.why} for each in found.limited],
        "notNow": [{"identity": each.name, "key": each.key, "why": each.why} for each in found.not_now],
    }
