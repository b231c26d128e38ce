"""Rule 12, assurance: is what enough identities claim also corroborated, derived or rebuilt? Pure.

Imported only where a requirement asks for more than claims, or where verification results lie beside
the runs. Claims that do not reach the threshold stay what they are: this module takes away, and never
adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from lfci_gate.gate.binding import Expected, miss
from lfci_gate.gate.evidence import Evidence
from lfci_gate.gate.strength import Counted, Pass, counted_of, rule_11_key, rule_11_time
from lfci_gate.model import Assurance, Reason, Requirement, Verification
from lfci_gate.value import Value, replace

_LEVEL = {"derived": 1, "rebuilt": 2}
_NEEDS = {"derived": "derivation", "rebuilt": "rebuild"}
_OPTIONS = {"derived": "rederive", "rebuilt": "rebuild"}
_SHOWN = 4


class Word(Value):
    """What one holder of a key says about runs of a check."""

    id: str
    """Of the attestation that says it."""
    identity: str
    said: Verification
    is_verifier: bool
    """By a key with one of the roles that the requirement names."""


def assured(
    counted: Counted,
    passes: list[Pass],
    words: Iterable[Evidence],
    expected: Expected,
    requirement: Requirement,
) -> Counted:
    """What still counts of ``passes`` (those that count by rules 9 to 12) under the requirement's
    assurance; with remarks about results that somebody could not reproduce."""
    about = _about(words, expected, requirement)
    counted = replace(counted, remarks=_doubts(passes, about, requirement))
    if counted.reasons or requirement.assurance is Assurance.CLAIMED:
        return counted
    if requirement.assurance is Assurance.CORROBORATED:
        return _corroborated(counted, passes, expected, requirement)
    return _verified(counted, passes, about, expected, requirement)


def _about(words: Iterable[Evidence], expected: Expected, requirement: Requirement) -> list[Word]:
    """The words of keys that count now, about runs of this check on this tree; newest first. At one
    moment what was not reproduced stands first: a tie must not turn a doubt into a confirmation. A
    confirmation from the future is none."""
    asked = (
        expected.policy.repository,
        requirement.check,
        expected.definition.digest,
        expected.inputs_tree,
    )
    latest = expected.now + timedelta(seconds=expected.limits.clock_skew_s)
    found = []
    for evidence in words:
        said = evidence.statement
        if not isinstance(said, Verification) or _named(said) != asked:
            continue
        for key in evidence.keys:
            future = said.reproduced and said.issued_at > latest
            if not future and rule_11_key(key, said.issued_at, expected) is None:
                is_verifier = not expected.roles.lacks(key, requirement.verifiers)
                found.append(Word(evidence.id, key.identity, said, is_verifier))
    return sorted(found, key=lambda word: (word.said.issued_at, not word.said.reproduced), reverse=True)


def _named(said: Verification) -> tuple[str, str, str, str]:
    return said.repository, said.check, said.definition, said.inputs_tree


# -- corroborated ----------------------------------------------------------------------------------


def _corroborated(
    counted: Counted, passes: list[Pass], expected: Expected, requirement: Requirement
) -> Counted:
    """Enough identities got the same result from the same derivation."""
    groups: dict[tuple[str, str], list[Pass]] = {}
    for each in passes:
        groups.setdefault((each.run.drv_path, each.run.result_sha256), []).append(each)
    largest = max(groups.values(), key=lambda group: len(_identities(group)))
    agreed = counted_of(largest)
    others = [group for group in groups.values() if group is not largest]
    told = [f"{', '.join(sorted(_identities(each)))}: {_result(each[0])}" for each in (largest, *others)]
    missing = requirement.threshold - len(agreed.identities)
    if missing <= 0:
        who = sorted({name for each in others for name in _identities(each)} - agreed.identities)
        if who:
            remark = f"check {requirement.check}: {', '.join(who)} got another result than the others"
            agreed = replace(agreed, remarks=(remark,))
        said = f"check {requirement.check}: {len(agreed.identities)} identities got the same result"
        enough = [frozenset(_identities(each)) for each in groups.values()]
        return replace(
            agreed,
            groups=tuple(each for each in enough if len(each) >= requirement.threshold),
            remarks=(*agreed.remarks, *counted.remarks),
            confirmed=(said,),
        )
    more = "1 more identity" if missing == 1 else f"{missing} more identities"
    reason = replace(
        miss(
            "LFCI116",
            f"check {requirement.check} needs {more} to corroborate the result",
            expected,
            *told[:_SHOWN],
        ),
        hint=f"let somebody else who is enrolled run: lfci check --rev {expected.commit[:12]}",
    )
    return replace(agreed, reasons=(reason,), remarks=counted.remarks)


def _identities(group: Iterable[Pass]) -> set[str]:
    return {each.key.identity for each in group}


def _result(each: Pass) -> str:
    return f"result {each.run.result_sha256[:12]} of {each.run.drv_path}"


# -- derived, rebuilt ------------------------------------------------------------------------------


def _verified(
    counted: Counted,
    passes: list[Pass],
    about: list[Word],
    expected: Expected,
    requirement: Requirement,
) -> Counted:
    """Of enough identities each has a run that somebody else verified, and no verifier doubts."""
    good: list[Pass] = []
    vouching: dict[str, str] = {}
    wrong: list[Reason] = []
    for each in passes:
        doubt = next((word for word in _newest_doubts(each, about) if word.is_verifier), None)
        if doubt is not None:
            wrong.append(_doubted(each, doubt, expected))
            continue
        words, why_not = _support(each, about, expected, requirement)
        if words:
            good.append(each)
            for word in words:
                said = f"check {requirement.check}: {word.said.method} by {word.identity}"
                vouching[word.id] = said
        else:
            wrong.append(why_not)
    verified = counted_of(good)
    verified = replace(
        verified, vouching=tuple(vouching), confirmed=tuple(vouching.values()), remarks=counted.remarks
    )
    if len(verified.identities) >= requirement.threshold:
        return verified
    reasons = {(reason.code, reason.message, reason.facts): reason for reason in wrong}
    return replace(verified, reasons=tuple(reasons.values()))


def _support(
    each: Pass, about: list[Word], expected: Expected, requirement: Requirement
) -> tuple[list[Word], Reason]:
    """The newest word of each verifier that proves enough about a run, and why none does."""
    wanted = requirement.assurance.value
    found: dict[str, Word] = {}
    near: list[str] = []
    for word in about:
        if _level(word, each) < _LEVEL[wanted]:
            continue
        if not word.is_verifier:
            near.append(f"{word.identity} verified it and has no role that counts for it")
        elif word.identity == each.key.identity:
            near.append(f"{word.identity} verified it and attested it too")
        elif rule_11_time(word.said.issued_at, expected) is not None:
            near.append(f"the verification by {word.identity} is too old")
        else:
            found.setdefault(word.identity, word)
    what = f"{_NEEDS[wanted]} of what {each.key.identity} attests"
    reason = replace(
        miss(
            "LFCI116",
            f"check {requirement.check} needs a verifier's {what}",
            expected,
            f"attestation: {each.evidence.id}",
            f"wanted: a verification by {' or '.join(requirement.verifiers)}",
            *dict.fromkeys(near),
        ),
        hint=f"ask a verifier for: lfci verify {expected.commit[:12]} --{_OPTIONS[wanted]} --attest",
    )
    return list(found.values()), reason


def _level(word: Word, each: Pass) -> int:
    """What a word proves about a run: 2 that it was rebuilt, 1 that it was derived, 0 nothing."""
    said = word.said
    if not said.reproduced or (said.drv_path, said.system) != (each.run.drv_path, each.run.system):
        return 0
    if said.method == "rebuilt" and said.result_sha256 != each.run.result_sha256:
        return 0
    return _LEVEL[said.method]


# -- doubts ----------------------------------------------------------------------------------------


def _newest_doubts(each: Pass, about: list[Word]) -> list[Word]:
    """The words of those who could not reproduce a run, and who have not said since that they did, by
    as good a method. A doubt does not grow old."""
    cleared: dict[str, int] = {}
    found: dict[str, Word] = {}
    for word in about:
        if _is_doubt(word, each):
            if cleared.get(word.identity, 0) < _LEVEL[word.said.method]:
                found.setdefault(word.identity, word)
        else:
            level = _level(word, each)
            cleared[word.identity] = max(cleared.get(word.identity, 0), level)
    return list(found.values())


def _is_doubt(word: Word, each: Pass) -> bool:
    """Whether the word says that this run was not reproduced. One about another run of the same
    derivation does too, unless building it gave exactly the result that this run claims."""
    said = word.said
    if said.reproduced or (said.drv_path, said.system) != (each.run.drv_path, each.run.system):
        return False
    if said.attestation == each.evidence.id or said.method == "derived":
        return True
    return said.result_sha256 != each.run.result_sha256


def _doubted(each: Pass, word: Word, expected: Expected) -> Reason:
    got = f"; it gave result {word.said.result_sha256[:12]}" if word.said.result_sha256 else ""
    return miss(
        "LFCI117",
        f"{word.identity} could not reproduce what {each.key.identity} attests",
        expected,
        f"attestation: {each.evidence.id}, {_result(each)}",
        f"tried: {_METHODS[word.said.method]}{got}",
    )


_METHODS = {"derived": "the derivation, from the same tree", "rebuilt": "building the same derivation"}


def _doubts(passes: list[Pass], about: list[Word], requirement: Requirement) -> tuple[str, ...]:
    """Doubts about runs that count, by whomever; where a verifier's is a reason, it is told twice."""
    told: dict[str, None] = {}
    for each in passes:
        for word in _newest_doubts(each, about):
            said = f"{word.identity} could not reproduce what {each.key.identity} attests"
            told[f"WARNING: check {requirement.check}: {said} ({_METHODS[word.said.method]})"] = None
    return tuple(told)
