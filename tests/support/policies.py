"""Any policies for property tests, laid out as people lay them out.

Made from one seed each: a policy has a hundred choices, and a hypothesis strategy of so many spends
its time on choosing. A failing example is a number that gives the same policy again.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from lfci_gate.attest.keys import format_public, from_raw
from lfci_gate.config.policy import format_policy
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

UUID = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"
ROLES = ("agent", "docs-lead", "maintainer", "runner", "verifier")
CHECKS = ("lint", "test")
REFS = ("refs/heads/main", "refs/heads/release/*", "refs/tags/v*", "refs/heads/docs/**", "refs/heads/wip/a")
PATHS = ("tests/", "docs/", ".lfci/", "**/*.lock", "flake.nix")
NAMES = ("agent-7", "alice", "alice-2", "bob", "ci.1", "old")
WAIVES = ("approvals", "checks", "dependencies", "tests")
CHAINS = ((), (("maintainer", "docs-lead"),), (("maintainer", "docs-lead"), ("docs-lead", "agent")))

T = TypeVar("T")

seeds = st.integers(0, 2**48).map(Random)
"""Sources of choices, each the same for the same number."""


@functools.cache
def public(number: int) -> PublicKey:
    """A public key that nobody has the private half of; the same for the same number."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = hashlib.sha256(b"tests/support/policies %d" % number).digest()
    return from_raw("ed25519", Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def line(number: int) -> str:
    """Its OpenSSH line."""
    return format_public(public(number))


def some(r: Random, values: Sequence[T], least: int = 1, most: int = 3) -> tuple[T, ...]:
    """Some of them, in any order."""
    return tuple(r.sample(values, r.randint(least, min(most, len(values)))))


def names(r: Random, values: Sequence[str], least: int = 1, most: int = 3) -> tuple[str, ...]:
    return tuple(sorted(some(r, values, least, most)))


def moment(r: Random) -> datetime:
    """In 2026 or 2027."""
    return datetime.fromtimestamp(r.randint(1_767_225_600, 1_830_297_600), UTC)


def maybe(r: Random, value: T, chance: float = 0.5) -> T | None:
    return value if r.random() < chance else None


def requirement(r: Random, check: str) -> Requirement:
    assurance = r.choice((Assurance.CLAIMED, *Assurance))
    return Requirement(
        check=check,
        roles=names(r, ROLES),
        threshold=r.randint(2 if assurance is Assurance.CORROBORATED else 1, 3),
        engines=r.choice([(Engine.DEVELOP,), (Engine.BUILD,), (Engine.DEVELOP, Engine.BUILD)]),
        hermetic=r.random() < 0.7,
        report_required=r.random() < 0.7,
        assurance=assurance,
        verifiers=(
            names(r, ("runner", "verifier"))
            if assurance in (Assurance.DERIVED, Assurance.REBUILT)
            else ("verifier",)
        ),
        max_attempts=maybe(r, r.randint(1, 4), 0.3),
        quarantine=r.random() < 0.3,
    )


def protection(r: Random) -> Protection:
    return Protection(some(r, PATHS), names(r, ROLES, most=2), r.randint(1, 3))


def rule(r: Random) -> Rule:
    glass = BreakGlass(
        names(r, ROLES, most=2), r.randint(2, 3), r.choice([60, 5400, 4 * 3600]), names(r, WAIVES, most=4)
    )
    protections = {each.paths: each for each in (protection(r) for _ in range(r.randint(0, 2)))}
    return Rule(
        refs=some(r, REFS),
        scope=r.choice(["tip", "each"]),
        max_age_s=r.choice([None, 3600, 7 * 86400]),
        bind=r.choice([(), ("base",), ("base", "ref")]),
        update=r.choice(["fast-forward", "any"]),
        require=tuple(requirement(r, check) for check in some(r, CHECKS, 0, 2)),
        protect=tuple(protections.values()),
        tests_removed=r.choice(["allow", "approval", "refuse"]),
        dependencies_unpinned=r.choice(["allow", "refuse"]),
        nix_minimum=r.choice([None, "2.18", "2.20.1"]),
        gitlinks=r.random() < 0.3,
        pusher=r.choice(["any", "any", "attester"]),
        break_glass=maybe(r, glass),
    )


def key(r: Random, name: str) -> PolicyKey:
    start, end = maybe(r, moment(r)), maybe(r, moment(r))
    if start is not None and end is not None and start >= end:
        start = None
    return PolicyKey(
        name=name,
        public=public(NAMES.index(name)),
        roles=names(r, ROLES),
        valid_from=start,
        valid_until=end,
        revoked=maybe(r, moment(r), 0.2),
        identity="alice" if name == "alice-2" and r.random() < 0.5 else name,
        pushers=(f"{name}@example.com",) if r.random() < 0.5 else (),
    )


def policy(r: Random) -> Policy:
    """Any policy that the parser takes; nothing says that somebody could meet it."""
    return Policy(
        version=r.randint(1, 40),
        repository=UUID,
        keys=tuple(key(r, name) for name in names(r, NAMES, 1, 5)),
        rules=tuple(rule(r) for _ in range(r.randint(1, 3))),
        bootstrap=r.choice(["report", "approval"]),
        digest=Sha256(""),
        roles=tuple(RoleScope(role, some(r, REFS, 0), some(r, PATHS)) for role in names(r, ROLES, 0, 2)),
        delegations=tuple(
            Delegation(granter, to, some(r, REFS, 0), some(r, PATHS), moment(r))
            for granter, to in r.choice(CHAINS)
        ),
    )


# -- layouts ---------------------------------------------------------------------------------------


def laid_out(r: Random, policy: Policy) -> str:
    """The policy as a file: comments everywhere, keys behind the rules, either newline."""
    text = format_policy(policy)
    if r.random() < 0.5:
        text = _keys_last(text)
    lines = []
    for number, each in enumerate(text.splitlines()):
        kind = r.choice(["", "", "", "", "above", "beside", "blank"])
        if kind == "above":
            lines.append(f'# above {number}: [not.a.header] "')
        if kind == "blank":
            lines.append("")
        lines.append(f"{each}  # beside {number}" if kind == "beside" and each else each)
    if r.random() < 0.5:
        lines.append("# the end")
    newline = r.choice(["\n", "\n", "\r\n"])
    return newline.join(lines) + r.choice([newline, newline, ""])


def _keys_last(text: str) -> str:
    """All key tables but one moved behind everything, as if somebody had appended them."""
    blocks = re.split(r"(?m)^(?=\[)", text)
    moved = [block for block in blocks if block.startswith("[keys.")][1:]
    kept = [block for block in blocks if block not in moved]
    return "".join([*kept, "\n", *moved])


def inline(policy: Policy) -> str:
    """The policy with everything that can be written as inline tables."""
    import tomllib

    value = tomllib.loads(format_policy(policy))
    return "".join(f"{name} = {_spelled(each)}\n" for name, each in value.items())


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{name}" = {_spelled(each)}' for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_spelled(each) for each in value) + "]"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
