"""Rules 9 to 12: does a verified statement prove this check of this commit, well enough, in
time, by enough keys? Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from lfci_gate.attest.statement import contradictions
from lfci_gate.gate.evidence import Evidence, Found, reason_of
from lfci_gate.gate.facts import Limits
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    FileDigest,
    ObjectId,
    Outcome,
    Policy,
    PolicyKey,
    PublicKey,
    Reason,
    Requirement,
    Rule,
)
from lfci_gate.value import Value


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


class Counted(Value):
    """Outcome of one requirement for one commit."""

    keys: dict[PublicKey, Evidence]
    """Distinct public keys that count, each with its newest evidence."""
    reasons: tuple[Reason, ...]
    """Empty when the threshold is reached."""


def count(found: Found, expected: Expected, requirement: Requirement) -> Counted:
    """Rules 9 to 12 for one requirement; all near misses are reported, each once."""
    misses: list[Reason] = [_placed(reason, expected) for reason in found.rejected]
    bound: list[tuple[Evidence, CheckRun]] = []
    for evidence in found.evidence:
        run = evidence.statement
        if not isinstance(run, CheckRun) or run.check != requirement.check:
            continue  # evidence of something else is no near miss
        miss = rule_09_binding(run, expected)
        if miss is None:
            bound.append((evidence, run))
        else:
            misses.append(miss)
    counting: dict[PublicKey, Evidence] = {}
    for key, statements in _by_check_key(bound):
        for evidence, run in statements:
            miss = (
                rule_11_key(key, run.issued_at, expected)
                or rule_12_veto(run, key, expected)
                or rule_10_strength(run, key, expected, requirement)
                or rule_11_time(run.issued_at, expected)
            )
            if miss is None:
                counting.setdefault(key.public, evidence)
                break
            misses.append(miss)
    if len(counting) >= requirement.threshold:
        return Counted(counting, ())
    return Counted(counting, _why_not(counting, misses, expected, requirement))


def rule_09_binding(run: CheckRun, expected: Expected) -> Reason | None:
    """Repository, subject, definition, flake and lockfile digests, and the `bind` extras."""
    if run.repository != expected.policy.repository:
        return _miss(
            "LFCI105",
            "the attestation is of another repository",
            expected,
            f"policy: {expected.policy.repository}",
            f"attested: {run.repository}",
        )
    if run.inputs_tree != expected.inputs_tree:
        return _miss(
            "LFCI104",
            "the attestation is of another tree",
            expected,
            f"inputs tree pushed: {expected.inputs_tree}",
            f"attested: {run.inputs_tree}",
        )
    if run.definition != expected.definition.digest:
        return _miss(
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
            return _miss("LFCI114", f"{ascii(fact.path)} is not what was attested", expected)
    for name in ("flake.nix", "flake.lock"):
        if name not in {fact.path for fact in run.flake} and expected.sha256_of(name):
            return _miss("LFCI114", f"the attestation does not name {name}", expected)
    if "base" in expected.rule.bind and expected.base is not None:
        attested = run.session.base_commit if run.session else None
        if attested != expected.base:
            return _miss(
                "LFCI112",
                "the attestation is bound to another base",
                expected,
                f"old tip: {expected.base}",
                f"attested: {attested}",
            )
    if "ref" in expected.rule.bind and run.target_ref != expected.ref:
        return _miss(
            "LFCI112",
            "the attestation is bound to another ref",
            expected,
            f"ref: {expected.ref}",
            f"attested: {ascii(run.target_ref)}",
        )
    return None


def rule_10_strength(
    run: CheckRun, key: PolicyKey, expected: Expected, requirement: Requirement
) -> Reason | None:
    """Role, engine, hermetic, report, Nix floor; counts and exit code agree; something was run."""
    weak: list[str] = list(contradictions(run))
    if not set(key.roles) & set(requirement.roles):
        weak.append(
            f"key {key.name} has roles {', '.join(key.roles)}; "
            f"the rule wants {' or '.join(requirement.roles)}"
        )
    if run.engine not in requirement.engines:
        weak.append(
            f"engine {run.engine.value} is not among "
            f"{', '.join(engine.value for engine in requirement.engines)}"
        )
    if requirement.hermetic and not run.hermetic:
        weak.append("the run was not hermetic")
    if requirement.report_required and run.tests is None:
        weak.append("the run has no test report")
    if run.tests is not None and run.tests.passed + run.tests.failed == 0:
        weak.append("no test was executed")
    floor = expected.rule.nix_minimum
    if floor is not None and _version(run.nix_version) < _version(floor):
        weak.append(f"Nix {ascii(run.nix_version)[1:-1]} is older than {floor}")
    if weak:
        return _miss("LFCI109", "the attestation is too weak for this rule", expected, *weak)
    return None


def rule_11_key(key: PolicyKey, issued_at: datetime, expected: Expected) -> Reason | None:
    """The key is valid now and was when it signed, and is not revoked.

    A key holder can lie about issuedAt, so a revoked key counts for nothing new, whatever the
    date on its evidence (docs/threat-model.md).
    """
    problem = key_problem(key, issued_at, expected.now)
    if problem:
        return _miss("LFCI103", f"the key {key.name} {problem}", expected, f"key: {key.public.fingerprint}")
    return None


def key_problem(key: PolicyKey, issued_at: datetime, now: datetime) -> str:
    """Why the key counts for nothing; empty when it does count."""
    if key.revoked is not None and key.revoked <= now:
        return "is revoked"
    for moment in (issued_at, now):
        if key.valid_from is not None and moment < key.valid_from:
            return "is not valid yet"
        if key.valid_until is not None and moment >= key.valid_until:
            return "is no longer valid"
    return ""


def rule_11_time(issued_at: datetime, expected: Expected) -> Reason | None:
    """Not older than max-age, not ahead of the forge's clock beyond the skew."""
    now = expected.now
    if issued_at - now > timedelta(seconds=expected.limits.clock_skew_s):
        return _miss(
            "LFCI113",
            "the attestation is from the future",
            expected,
            f"issued: {issued_at:%Y-%m-%dT%H:%M:%SZ}",
            f"forge's clock: {now:%Y-%m-%dT%H:%M:%SZ}",
        )
    max_age = expected.rule.max_age_s
    if max_age is not None and now - issued_at > timedelta(seconds=max_age):
        return _miss(
            "LFCI107",
            "the attestation has expired",
            expected,
            f"issued: {issued_at:%Y-%m-%dT%H:%M:%SZ}, allowed age: {max_age} s",
        )
    return None


def rule_12_veto(run: CheckRun, key: PolicyKey, expected: Expected) -> Reason | None:
    """A FAILED that is the newest of its key for this check key vetoes that key's passes."""
    if run.result is Outcome.PASSED:
        return None
    return _miss(
        "LFCI108",
        f"the newest attestation by {key.name} says FAILED",
        expected,
        f"exit code: {run.exit_code}",
    )


def _by_check_key(
    bound: Iterable[tuple[Evidence, CheckRun]],
) -> Iterator[tuple[PolicyKey, list[tuple[Evidence, CheckRun]]]]:
    """For each key and system (the check key) its statements, newest first, down to and with its
    newest FAILED: what is older than a failure counts for nothing (rule 12). At one moment the
    FAILED cuts off the passes too, because a tie must not turn a failure into a pass."""
    groups: dict[tuple[PublicKey, str], tuple[PolicyKey, list[tuple[Evidence, CheckRun]]]] = {}
    for evidence, run in bound:
        for key in evidence.keys:
            group = groups.setdefault((key.public, run.system), (key, []))
            group[1].append((evidence, run))
    for key, statements in groups.values():
        failures = [run.issued_at for _, run in statements if run.result is not Outcome.PASSED]
        if failures:
            last = max(failures)
            statements = [
                (evidence, run)
                for evidence, run in statements
                if run.issued_at > last or (run.issued_at == last and run.result is not Outcome.PASSED)
            ]
        statements.sort(key=lambda each: each[1].issued_at, reverse=True)
        yield key, statements


def _version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version; unreadable sorts below everything, so it is too weak."""
    numbers = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits or len(digits) > 6:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 2.18 is 2.18.0
    return tuple(numbers)


def _why_not(
    counting: dict[PublicKey, Evidence],
    misses: list[Reason],
    expected: Expected,
    requirement: Requirement,
) -> tuple[Reason, ...]:
    reasons = list({(miss.code, miss.message, miss.facts): miss for miss in misses}.values())
    if counting:
        missing = f"{len(counting)} of {requirement.threshold} distinct keys attest it"
        reasons.insert(
            0, _miss("LFCI111", f"not enough keys attest check {requirement.check}", expected, missing)
        )
    elif not reasons:
        reasons.append(
            _miss(
                "LFCI101",
                f"no attestation for check {requirement.check}",
                expected,
                f"inputs tree: {expected.inputs_tree}",
            )
        )
    return tuple(reasons)


def _miss(code: str, message: str, expected: Expected, *facts: str) -> Reason:
    return reason_of(code, message, check=expected.definition.name, commit=expected.commit, facts=facts)


def _placed(reason: Reason, expected: Expected) -> Reason:
    return reason_of(
        reason.code,
        reason.message,
        check=expected.definition.name,
        commit=expected.commit,
        facts=reason.facts,
        hint=reason.hint,
    )
