"""``.lfci/policy.toml``: who may land what (docs/formats.md).

Parsing is syntactic and never asks the time: a policy that nobody can meet, or whose keys have
expired, is still a policy. What is stricter is the default: a requirement wants a hermetic run
with a report, a rule wants fast-forwards. Rules are tried in the order of the file; the first
one that names a ref is the only one that counts for it, so overlaps are no mistake.
"""

from __future__ import annotations

import functools
import hashlib

from lfci_gate.canonical import Fields
from lfci_gate.config import values
from lfci_gate.config.policy_text import format_policy, protections, unsatisfiable
from lfci_gate.config.project import patterns
from lfci_gate.config.toml import read_toml
from lfci_gate.errors import UsageError
from lfci_gate.grammar import DIGITS, is_uuid, is_word
from lfci_gate.model import (
    Assurance,
    BreakGlass,
    Delegation,
    Engine,
    Policy,
    PolicyKey,
    Protection,
    PublicKey,
    Requirement,
    RoleScope,
    Rule,
    Sha256,
)
from lfci_gate.patterns import PatternSet

__all__ = ["format_policy", "parse_policy", "protections", "rule_for", "unsatisfiable"]

CODE = "LFCI202"
PATH = ".lfci/policy.toml"

MAX_BYTES = 1024 * 1024
MAX_TOML_KEYS = 32 * 1024
MAX_KEYS = 4096
MAX_RULES = 256
MAX_REQUIREMENTS = 64
MAX_THRESHOLD = 64
MAX_PUSHERS = 16
MAX_ATTEMPTS = 1000
_ASSURANCES = tuple(each.value for each in Assurance)
LONGEST_AGE_S = 3650 * 86400


def parse_policy(data: bytes) -> Policy:
    """The policy that the bytes of a policy.toml state.

    Raises UsageError LFCI202.
    """
    top = read_toml(data, max_bytes=MAX_BYTES, max_keys=MAX_TOML_KEYS, error=UsageError, code=CODE, what=PATH)
    policy = Policy(
        version=top.integer("version", 1),
        repository=top.match("repository", is_uuid, "a UUID in lower case"),
        bootstrap=top.choice("bootstrap", ("report", "approval")) if "bootstrap" in top else "report",
        keys=_keys(top),
        rules=tuple(_rule(table) for table in _tables(top, "rules", MAX_RULES)),
        digest=Sha256(hashlib.sha256(data).hexdigest()),
        roles=_scopes(top),
        delegations=_delegations(top),
    )
    top.finish()
    return policy


def rule_for(policy: Policy, ref: str) -> Rule | None:
    """The first rule that names ``ref`` (a full name); None when the ref is not protected."""
    raw = ref.encode("utf-8", "surrogateescape")
    return next((rule for rule in policy.rules if _compiled(rule.refs).matches(raw)), None)


@functools.lru_cache(maxsize=1024)
def _compiled(refs: tuple[str, ...]) -> PatternSet:
    return PatternSet(refs)


# -- keys ----------------------------------------------------------------------------------------


def _keys(top: Fields) -> tuple[PolicyKey, ...]:
    from lfci_gate.attest.keys import parse_public

    if "keys" not in top:
        return ()
    tables = top.child("keys")
    if len(tables.keys()) > MAX_KEYS:
        raise tables.wrong(None, f"has more than {MAX_KEYS} keys")
    found: list[PolicyKey] = []
    owner: dict[PublicKey, str] = {}
    for name in sorted(tables.keys()):
        if not values.is_name(name):
            raise tables.wrong(None, f"{ascii(name)[:80]} is not {values.NAME_EXPECTED}")
        fields = tables.child(name)
        text = fields.text("public", max_chars=4096, lines=True)
        try:
            public = parse_public(text)
        except UsageError as error:
            raise fields.wrong("public", error.message) from None
        # Thresholds count holders, so a key under two names would only look like two people.
        if public in owner:
            raise fields.wrong("public", f"is the same key as keys.{owner[public]}")
        owner[public] = name
        found.append(_key(name, public, fields))
    if any(key.identity != key.name or key.pushers for key in found):
        from lfci_gate.config.powers import refuse_unclear_identities

        refuse_unclear_identities(found, tables)
    return tuple(found)


def _key(name: str, public: PublicKey, fields: Fields) -> PolicyKey:
    key = PolicyKey(
        name=name,
        public=public,
        roles=values.names(fields, "roles"),
        valid_from=values.moment(fields, "valid-from"),
        valid_until=values.moment(fields, "valid-until"),
        revoked=values.moment(fields, "revoked"),
        identity=values.name(fields, "identity") if "identity" in fields else name,
        pushers=_pushers(fields) if "pushers" in fields else (),
    )
    if key.valid_from is not None and key.valid_until is not None and key.valid_from >= key.valid_until:
        raise fields.wrong("valid-until", "is not after valid-from")
    fields.finish()
    return key


def _pushers(fields: Fields) -> tuple[str, ...]:
    found = fields.texts("pushers", max_items=MAX_PUSHERS, max_chars=200)
    if not found:
        raise fields.wrong("pushers", "is empty")
    return values.unique(fields, "pushers", found)


# -- who acts for whom: what few policies have is imported by those that have it --------------------


def _scopes(top: Fields) -> tuple[RoleScope, ...]:
    if "roles" not in top:
        return ()
    from lfci_gate.config.powers import scopes

    return scopes(top.child("roles"))


def _delegations(top: Fields) -> tuple[Delegation, ...]:
    if "delegations" not in top:
        return ()
    from lfci_gate.config.powers import delegations

    return delegations(top)


def _break_glass(fields: Fields) -> BreakGlass | None:
    if "break-glass" not in fields:
        return None
    from lfci_gate.config.powers import break_glass

    return break_glass(fields.child("break-glass"))


# -- rules ---------------------------------------------------------------------------------------


def _rule(fields: Fields) -> Rule:
    rule = Rule(
        refs=values.ref_patterns(fields, "refs"),
        scope=values.choice(fields, "scope", ("tip", "each")),
        max_age_s=(
            values.duration(fields, "max-age", units="smhd", longest_s=LONGEST_AGE_S)
            if "max-age" in fields
            else None
        ),
        bind=_subset(fields, "bind", ("base", "ref")),
        update=values.choice(fields, "update", ("fast-forward", "any")),
        require=tuple(_requirement(table) for table in _tables(fields, "require", MAX_REQUIREMENTS)),
        protect=tuple(_protection(table) for table in _tables(fields, "protect", MAX_REQUIREMENTS)),
        tests_removed=_section(fields, "tests", "removed", ("allow", "approval", "refuse")),
        dependencies_unpinned=_section(fields, "dependencies", "unpinned", ("allow", "refuse")),
        nix_minimum=_nix(fields),
        gitlinks=fields.optional("gitlinks", bool) or False,
        pusher=values.choice(fields, "pusher", ("any", "attester")),
        break_glass=_break_glass(fields),
    )
    fields.finish()
    return rule


def _requirement(fields: Fields) -> Requirement:
    engines = _subset(fields, "engines", ("develop", "build")) or ("build", "develop")
    hermetic = fields.optional("hermetic", bool)
    asked = "verifiers" in fields
    requirement = Requirement(
        check=values.name(fields, "check"),
        roles=values.names(fields, "roles"),
        threshold=_threshold(fields),
        engines=tuple(engine for engine in Engine if engine.value in engines),
        hermetic=True if hermetic is None else hermetic,
        report_required=values.choice(fields, "report", ("required", "optional")) == "required",
        assurance=Assurance(values.choice(fields, "assurance", _ASSURANCES)),
        verifiers=values.names(fields, "verifiers") if "verifiers" in fields else ("verifier",),
        quarantine=values.choice(fields, "quarantine", ("refuse", "allow")) == "allow",
        max_attempts=fields.integer("max-attempts", 1, MAX_ATTEMPTS) if "max-attempts" in fields else None,
    )
    if asked and requirement.assurance not in (Assurance.DERIVED, Assurance.REBUILT):
        raise fields.wrong("verifiers", "has a meaning only with assurance derived or rebuilt")
    if requirement.assurance is Assurance.CORROBORATED and requirement.threshold < 2:
        raise fields.wrong("threshold", "must be 2 or more: nobody corroborates a result alone")
    fields.finish()
    return requirement


def _protection(fields: Fields) -> Protection:
    protection = Protection(
        paths=patterns(fields, "paths"),
        roles=values.names(fields, "roles"),
        threshold=_threshold(fields),
    )
    fields.finish()
    return protection


def _threshold(fields: Fields) -> int:
    return fields.integer("threshold", 1, MAX_THRESHOLD) if "threshold" in fields else 1


def _subset(fields: Fields, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if key not in fields:
        return ()
    found = values.unique(fields, key, fields.texts(key, max_items=len(allowed)))
    if not set(found) <= set(allowed):
        raise fields.wrong(key, f"may hold only {' and '.join(allowed)}")
    if not found and key == "engines":
        raise fields.wrong(key, "is empty")
    return found


def _section(fields: Fields, section: str, key: str, allowed: tuple[str, ...]) -> str:
    if section not in fields:
        return allowed[0]
    table = fields.child(section)
    found = table.choice(key, allowed)
    table.finish()
    return found


def _nix(fields: Fields) -> str | None:
    if "nix" not in fields:
        return None
    table = fields.child("nix")
    found = table.match("minimum", _is_nix_version, "a version like 2.18")
    table.finish()
    return found


def _is_nix_version(text: str) -> bool:
    parts = text.split(".")
    return 2 <= len(parts) <= 4 and all(is_word(part, DIGITS, DIGITS, 4) for part in parts)


def _tables(fields: Fields, key: str, limit: int) -> tuple[Fields, ...]:
    return fields.children(key, max_items=limit) if key in fields else ()
