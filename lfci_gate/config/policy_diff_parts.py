"""Differences between required checks, protections and break-glass of one rule: kind and text each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from lfci_gate.config.policy import protections
from lfci_gate.config.policy_diff import CHANGED, LOOSER, STRICTER, turned
from lfci_gate.config.policy_words import all_of, any_of, identities, paths_text, period, with_role
from lfci_gate.model import Assurance, BreakGlass, Protection, Requirement, Rule
from lfci_gate.patterns import PatternSet

__all__ = ["glass_differences", "protection_differences", "requirement_differences"]

Found = Iterator[tuple[str, str]]

_LEVELS = {Assurance.CLAIMED: 0, Assurance.DERIVED: 1, Assurance.REBUILT: 2}


class _Threshold(Protocol):
    @property
    def threshold(self) -> int: ...


# -- required checks -------------------------------------------------------------------------------


def requirement_differences(old: Rule, new: Rule) -> Found:
    left = [each for each in old.require if each not in new.require]
    fresh = [each for each in new.require if each not in old.require]
    for one in left:
        what = f"check {one.check}"
        other = next((each for each in fresh if each.check == one.check), None)
        if other is None:
            yield LOOSER, f"{what} is no longer required"
            continue
        fresh.remove(other)
        tested = (
            "allow" not in (old.tests_removed, new.tests_removed) or old.tests_removed != new.tests_removed
        )
        for kind, text in _of_requirement(one, other, is_compared=tested):
            yield kind, f"{what}: {text}"
    for each in fresh:
        text = f"check {each.check} is required, by {identities(each.threshold)} {with_role(each.roles)}"
        if new.pusher == "attester":
            yield CHANGED, f"{text}; whoever attests it may push"
        else:
            yield STRICTER, text


def _of_requirement(old: Requirement, new: Requirement, *, is_compared: bool) -> Found:
    yield from _of_threshold(old, new)
    gained, lost = _apart(old.roles, new.roles)
    if gained:
        yield LOOSER, f"the role {any_of(gained)} may attest it too"
    if lost:
        text = f"the role {any_of(lost)} may no longer attest it"
        yield (
            (CHANGED, f"{text}; with it goes what was attested of the tests before")
            if is_compared
            else (STRICTER, text)
        )
    gained, lost = _apart([each.value for each in old.engines], [each.value for each in new.engines])
    if gained:
        yield LOOSER, f"runs by the engine {any_of(gained)} count too"
    if lost:
        yield STRICTER, f"runs by the engine {any_of(lost)} no longer count"
    if old.hermetic != new.hermetic:
        yield (
            (STRICTER, "the run must be without network")
            if new.hermetic
            else (LOOSER, "the run may use the network")
        )
    if old.report_required != new.report_required:
        yield turned(new.report_required, "a test report is required", "no test report is required")
    if old.quarantine != new.quarantine:
        yield turned(
            not new.quarantine,
            "failures of tests in quarantine are borne no longer",
            "failures of tests in quarantine are borne",
        )
    if old.max_attempts != new.max_attempts:
        yield _of_attempts(old.max_attempts, new.max_attempts)
    yield from _of_assurance(old, new)


def _of_attempts(old: int | None, new: int | None) -> tuple[str, str]:
    if new is None:
        return LOOSER, f"any attempt counts, before the first {old}"
    if old is None:
        return STRICTER, f"no attempt after {new} counts, before any"
    return STRICTER if new < old else LOOSER, f"no attempt after {new} counts, before {old}"


def _of_assurance(old: Requirement, new: Requirement) -> Found:
    if old.assurance is not new.assurance:
        kind = CHANGED  # nobody can compare one that corroborates with one that verifies
        if old.assurance in _LEVELS and new.assurance in _LEVELS:
            kind = STRICTER if _LEVELS[new.assurance] > _LEVELS[old.assurance] else LOOSER
        elif Assurance.CLAIMED in (old.assurance, new.assurance):
            kind = STRICTER if old.assurance is Assurance.CLAIMED else LOOSER
        yield kind, f"assurance {new.assurance.value}, before {old.assurance.value}"
    if new.assurance not in (Assurance.DERIVED, Assurance.REBUILT) or old.assurance not in _LEVELS:
        return
    if old.assurance is Assurance.CLAIMED:
        return  # verifiers said nothing before
    gained, lost = _apart(old.verifiers, new.verifiers)
    if gained:
        yield LOOSER, f"the role {any_of(gained)} may verify it too"
    if lost:
        yield CHANGED, f"the role {any_of(lost)} may no longer verify it, nor doubt it"


# -- protections -----------------------------------------------------------------------------------


def protection_differences(old: Rule, new: Rule) -> Found:
    """Of what is in effect: that the policy's own file is always protected included."""
    left = [each for each in protections(old) if each not in protections(new)]
    fresh = [each for each in protections(new) if each not in protections(old)]
    for one, other in _counterparts(left, fresh):
        left.remove(one)
        fresh.remove(other)
        yield from _of_protection(one, other)
    for one in left:
        text = f"a change of {paths_text(one.paths)} no longer needs {_approval(one)}"
        heir = next((each for each in protections(new) if _is_as_strict(each, one)), None)
        if heir is None:
            yield LOOSER, text
        else:
            yield CHANGED, f"{text} of its own; that of {paths_text(heir.paths)} asks for as much"
    may_approve = {role for each in protections(old) for role in each.roles}
    for each in fresh:
        text = f"a change of {paths_text(each.paths)} needs {_approval(each)}"
        unheard = sorted(set(each.roles) - may_approve)
        if each not in new.protect:
            yield CHANGED, f"{text}, as always where no protection covers it"
        elif unheard and "approval" in (old.tests_removed, new.tests_removed):
            yield CHANGED, f"{text}; the role {any_of(unheard)} may now approve too that tests vanish"
        else:
            yield STRICTER, text


def _counterparts(
    left: Sequence[Protection], fresh: Sequence[Protection]
) -> list[tuple[Protection, Protection]]:
    """What has become of a protection: one of the same paths, or for some of them, by the same roles or as
    many; the most alike first."""

    def likeness(pair: tuple[Protection, Protection]) -> int:
        one, other = pair
        same = set(one.paths) == set(other.paths)
        alike = (one.roles == other.roles) + (one.threshold == other.threshold)
        return 0 if not set(one.paths) & set(other.paths) or not (same or alike) else 2 * same + alike

    found: list[tuple[Protection, Protection]] = []
    for pair in sorted(itertools.product(left, fresh), key=likeness, reverse=True):
        taken = any(pair[0] is one or pair[1] is other for one, other in found)
        if likeness(pair) and not taken:
            found.append(pair)
    return found


def _of_protection(old: Protection, new: Protection) -> Found:
    what = f"a change of {paths_text(new.paths)}"
    for kind, text in _of_threshold(old, new):
        yield kind, f"{what}: {text}"
    gained, lost = _apart(old.roles, new.roles)
    if gained:
        yield LOOSER, f"{what}: the role {any_of(gained)} may approve it too"
    if lost:
        yield STRICTER, f"{what}: the role {any_of(lost)} may no longer approve it"
    if old.paths == new.paths:
        return
    if any(each.startswith("!") for each in (*old.paths, *new.paths)):
        yield CHANGED, f"{_approval(new)} for {paths_text(new.paths)}, before for {paths_text(old.paths)}"
        return
    gained, lost = _apart(old.paths, new.paths)
    if gained:
        yield STRICTER, f"a change of {paths_text(gained)} needs {_approval(new)} too"
    if lost:
        yield LOOSER, f"a change of {paths_text(lost)} no longer needs {_approval(old)}"
    if not gained and not lost:
        yield CHANGED, f"{what}: the patterns stand in another order; earlier approvals do not count for it"


def _is_as_strict(heir: Protection, one: Protection) -> bool:
    """Whether everything that ``one`` protected is protected at least as well by ``heir``, for sure."""
    if any(each.startswith("!") for each in (*heir.paths, *one.paths)):
        return False
    patterns = PatternSet(heir.paths)
    named = all(
        each in heir.paths or (not _is_pattern(each) and patterns.matches(each.encode()))
        for each in one.paths
    )
    return named and set(heir.roles) <= set(one.roles) and heir.threshold >= one.threshold


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text or text.endswith("/")


def _approval(each: Protection) -> str:
    return f"the approval of {identities(each.threshold)} {with_role(each.roles)}"


# -- break-glass -----------------------------------------------------------------------------------


def glass_differences(old: BreakGlass | None, new: BreakGlass | None) -> Found:
    if old is None and new is not None:
        may = f"{identities(new.threshold)} {with_role(new.roles)}"
        yield LOOSER, f"break-glass: {may} may together let a change land without {all_of(new.waives)}"
    elif old is not None and new is None:
        yield STRICTER, "break-glass: nobody can bypass anything any more"
    elif old is not None and new is not None:
        for kind, text in _of_glass(old, new):
            yield kind, f"break-glass: {text}"


def _of_glass(old: BreakGlass, new: BreakGlass) -> Found:
    yield from _of_threshold(old, new)
    gained, lost = _apart(old.roles, new.roles)
    if gained:
        yield LOOSER, f"the role {any_of(gained)} may sign it too"
    if lost:
        yield STRICTER, f"the role {any_of(lost)} may no longer sign it"
    if old.longest_s != new.longest_s:
        kind = LOOSER if new.longest_s > old.longest_s else STRICTER
        yield kind, f"good for at most {period(new.longest_s)}, before {period(old.longest_s)}"
    gained, lost = _apart(old.waives, new.waives)
    if gained:
        yield LOOSER, f"may also waive {all_of(gained)}"
    if lost:
        yield STRICTER, f"may no longer waive {all_of(lost)}"


# -- for all ---------------------------------------------------------------------------------------


def _of_threshold(old: _Threshold, new: _Threshold) -> Found:
    if old.threshold != new.threshold:
        kind = STRICTER if new.threshold > old.threshold else LOOSER
        yield kind, f"{identities(new.threshold)}, before {old.threshold}"


def _apart(old: Iterable[str], new: Iterable[str]) -> tuple[list[str], list[str]]:
    """What is only in ``new``, what is only in ``old``."""
    before, after = list(old), list(new)
    return [each for each in after if each not in before], [each for each in before if each not in after]
