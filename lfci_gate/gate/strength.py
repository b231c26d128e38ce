"""Rules 10 to 12: does a statement about this check of this commit (rule 9) prove it, well enough, in
time, by enough holders of keys? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from lfci_gate.attest.statement import contradictions
from lfci_gate.gate.binding import Expected, Roles, miss, rule_09_binding
from lfci_gate.gate.evidence import Evidence, Found, reason_of
from lfci_gate.gate.quarantine import tolerated
from lfci_gate.model import (
    Assurance,
    CheckRun,
    Outcome,
    PolicyKey,
    PublicKey,
    Reason,
    Requirement,
    Verification,
)
from lfci_gate.value import Value, replace

__all__ = [
    "Counted",
    "Expected",
    "Pass",
    "Roles",
    "count",
    "counted_of",
    "key_problem",
    "rule_11_key",
    "rule_11_time",
]


_STEADY = "another run is one more attempt; find what is not steady: lfci check --runs 20"


class Counted(Value):
    """Outcome of one requirement for one commit."""

    keys: dict[PublicKey, Evidence]
    """Distinct public keys that count, each with its newest evidence that does."""
    identities: frozenset[str]
    """Who holds these keys: what thresholds count."""
    reasons: tuple[Reason, ...]
    """Empty when the threshold is reached."""
    vouching: tuple[str, ...] = ()
    """Ids of the verification results that made evidence count (assurance)."""
    confirmed: tuple[str, ...] = ()
    """What they say, one line each, for people who read the landing later."""
    remarks: tuple[str, ...] = ()
    groups: tuple[frozenset[str], ...] = ()
    """Identities that corroborate each other, where each group alone is enough; else empty."""

    @property
    def attesters(self) -> frozenset[str]:
        """All whose evidence counts."""
        return self.identities.union(*self.groups)


class Pass(Value):
    """A run that one key attests."""

    key: PolicyKey
    evidence: Evidence
    run: CheckRun
    failed_before: int = 0
    """How many failures of the key's identity are delivered, on the same system."""
    tolerated: bool = False
    """It failed, and only tests that are in quarantine did (:mod:`lfci_gate.gate.quarantine`)."""

    @property
    def counts(self) -> bool:
        """Whether it is a pass, for rule 12."""
        return self.run.result is Outcome.PASSED or self.tolerated

    @property
    def attempt(self) -> int:
        """By its own word, and never less than what is delivered shows."""
        return max(self.run.attempt, self.failed_before + 1)


def count(found: Found, expected: Expected, requirement: Requirement) -> Counted:
    """Rules 9 to 12 for one requirement; all near misses are reported, each once."""
    misses: list[Reason] = [_placed(reason, expected) for reason in found.rejected]
    bound: list[tuple[Evidence, CheckRun]] = []
    words: list[Evidence] = []
    for evidence in found.evidence:
        run = evidence.statement
        if isinstance(run, Verification):
            words.append(evidence)
        if not isinstance(run, CheckRun) or run.check != requirement.check:
            continue  # evidence of something else is no near miss
        wrong = rule_09_binding(run, expected)
        if wrong is None:
            bound.append((evidence, run))
        else:
            misses.append(wrong)
    passes = _passes(bound, expected, requirement, misses)
    counted = counted_of(passes)
    if len(counted.identities) < requirement.threshold:
        counted = replace(counted, reasons=_why_not(counted.identities, misses, expected, requirement))
    if words or requirement.assurance is not Assurance.CLAIMED:
        from lfci_gate.gate.assurance import assured  # few policies ask for it, few runs are verified

        return assured(counted, passes, words, expected, requirement)
    return counted


def counted_of(passes: Iterable[Pass]) -> Counted:
    """What is counted when all these count."""
    keys: dict[PublicKey, Evidence] = {}
    identities: set[str] = set()
    for each in passes:
        keys.setdefault(each.key.public, each.evidence)
        identities.add(each.key.identity)
    return Counted(keys, frozenset(identities), ())


def _passes(
    bound: Iterable[tuple[Evidence, CheckRun]],
    expected: Expected,
    requirement: Requirement,
    misses: list[Reason],
) -> list[Pass]:
    """What counts by rules 10 to 12: of each key the newest, or all where results are compared."""
    found: list[Pass] = []
    newest = requirement.assurance is Assurance.CLAIMED
    done: set[PublicKey] = set()
    for each in _not_vetoed(bound, expected, misses):
        if newest and each.key.public in done:
            continue
        wrong = (
            rule_12_veto(each, expected)
            or rule_10_strength(each, expected, requirement)
            or rule_11_time(each.run.issued_at, expected)
        )
        if wrong is None:
            done.add(each.key.public)
            found.append(each)
        else:
            misses.append(wrong)
    return found


def rule_10_strength(each: Pass, expected: Expected, requirement: Requirement) -> Reason | None:
    """Role, engine, hermetic, report, attempt, Nix floor; counts and exit code agree; something was run."""
    run, key = each.run, each.key
    weak: list[str] = list(contradictions(run))
    lacks = expected.roles.lacks(key, requirement.roles)
    if lacks:
        weak.append(lacks)
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
    most = requirement.max_attempts
    late = (
        [f"it is attempt {each.attempt}, and at most {most} counts"] if most and each.attempt > most else []
    )
    weak += late
    floor = expected.rule.nix_minimum
    # Numbers of another implementation say nothing about a floor of Nix (docs/nix.md, "Versions").
    if floor is not None and (run.nix_name != "nix" or _version(run.nix_version) < _version(floor)):
        weak.append(f"{ascii(f'{run.nix_name} {run.nix_version}')[1:-1]} is not Nix {floor} or newer")
    if not weak:
        return None
    reason = miss("LFCI109", "the attestation is too weak for this rule", expected, *weak)
    return replace(reason, hint=_STEADY) if weak == late else reason


def rule_11_key(key: PolicyKey, issued_at: datetime, expected: Expected) -> Reason | None:
    """The key is valid now and was when it signed, and is not revoked.

    A key holder can lie about issuedAt, so a revoked key counts for nothing new, whatever the
    date on its evidence (docs/threat-model.md).
    """
    problem = key_problem(key, issued_at, expected.now)
    if problem:
        return miss("LFCI103", f"the key {key.name} {problem}", expected, f"key: {key.public.fingerprint}")
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
        return miss(
            "LFCI113",
            "the attestation is from the future",
            expected,
            f"issued: {issued_at:%Y-%m-%dT%H:%M:%SZ}",
            f"forge's clock: {now:%Y-%m-%dT%H:%M:%SZ}",
        )
    max_age = expected.rule.max_age_s
    if max_age is not None and now - issued_at > timedelta(seconds=max_age):
        return miss(
            "LFCI107",
            "the attestation has expired",
            expected,
            f"issued: {issued_at:%Y-%m-%dT%H:%M:%SZ}, allowed age: {max_age} s",
        )
    return None


def rule_12_veto(each: Pass, expected: Expected) -> Reason | None:
    """A FAILED that is the newest of its key for this check key vetoes that key's passes."""
    if each.counts:
        return None
    return miss(
        "LFCI108",
        f"the newest attestation by {each.key.name} says FAILED",
        expected,
        f"exit code: {each.run.exit_code}",
    )


def _not_vetoed(
    bound: Iterable[tuple[Evidence, CheckRun]], expected: Expected, misses: list[Reason]
) -> Iterator[Pass]:
    """For each identity and system the statements of its keys that count now, newest first, down to and
    with its newest FAILED: what is older than a failure counts for nothing (rule 12). At one moment the
    FAILED cuts off the passes too, because a tie must not turn a failure into a pass. Statements of keys
    that do not count (rule 11) neither pass nor veto."""
    groups: dict[tuple[str, str], list[Pass]] = {}
    for evidence, run in bound:
        for key in evidence.keys:
            wrong = rule_11_key(key, run.issued_at, expected)
            if wrong is None:
                known = tolerated(run, expected)
                groups.setdefault((key.identity, run.system), []).append(
                    Pass(key, evidence, run, tolerated=known)
                )
            else:
                misses.append(wrong)
    for statements in groups.values():
        failed = [each for each in statements if not each.counts]
        if failed:
            last = max(each.run.issued_at for each in failed)
            # All that is left is after all of them.
            count = len({each.evidence.id for each in failed})
            statements = [
                replace(each, failed_before=count)
                for each in statements
                if each.run.issued_at > last or (each.run.issued_at == last and not each.counts)
            ]
        yield from sorted(statements, key=lambda each: each.run.issued_at, reverse=True)


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
    counting: frozenset[str],
    misses: list[Reason],
    expected: Expected,
    requirement: Requirement,
) -> tuple[Reason, ...]:
    reasons = list({(miss.code, miss.message, miss.facts): miss for miss in misses}.values())
    if counting:
        missing = f"{len(counting)} of {requirement.threshold} distinct identities attest it"
        message = f"not enough identities attest check {requirement.check}"
        reasons.insert(0, miss("LFCI111", message, expected, missing))
    elif not reasons:
        reasons.append(
            miss(
                "LFCI101",
                f"no attestation for check {requirement.check}",
                expected,
                f"inputs tree: {expected.inputs_tree}",
            )
        )
    return tuple(reasons)


def _placed(reason: Reason, expected: Expected) -> Reason:
    return reason_of(
        reason.code,
        reason.message,
        check=expected.definition.name,
        commit=expected.commit,
        facts=reason.facts,
        hint=reason.hint,
    )
