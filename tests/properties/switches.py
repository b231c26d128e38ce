"""Rules switched off, one by one: a machine that notices nothing would be no proof of anything.

Three kinds of switches, none of which depends on how a rule is written: a code is never said (reasons
with it are dropped from the verdict); the gate reads a weaker policy than the one that landed; and a few
that lose evidence or refuse what is right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lfci_gate.config.policy import parse_policy
from lfci_gate.gate import apart, authority, evidence, fold, protect, receive, rules, strength
from lfci_gate.model import Assurance, Engine, Policy, RefVerdict, Rule, Verdict, VerdictKind
from lfci_gate.value import replace
from tests.properties import campaign
from tests.properties.player import Stage

Switch = Callable[[], AbstractContextManager[object]]
PUSHES = 1_000
"""So many pushes at most until a switch must be noticed."""


# -- codes that are never said ---------------------------------------------------------------------


@contextmanager
def _unsaid(code: str) -> Iterator[None]:
    honest = rules.evaluate

    def evaluate(*args: Any) -> Verdict:
        refs = tuple(_without(code, ref) for ref in honest(*args).refs)
        kinds = {ref.kind for ref in refs} - {VerdictKind.ACCEPTED}
        return Verdict(min(kinds, key=str, default=VerdictKind.ACCEPTED), refs)

    with patch.object(rules, "evaluate", evaluate):
        yield


def _without(code: str, ref: RefVerdict) -> RefVerdict:
    left = tuple(reason for reason in ref.reasons if reason.code != code)
    return replace(ref, reasons=left, kind=ref.kind if left else VerdictKind.ACCEPTED)


# -- a weaker policy ---------------------------------------------------------------------------------


@contextmanager
def _reads(change: Callable[[Policy], Policy]) -> Iterator[None]:
    honest = parse_policy
    with patch.object(authority, "parse_policy", lambda data: change(honest(data))):
        yield


def _rules(**changes: Any) -> Switch:
    return partial(
        _reads,
        lambda policy: replace(policy, rules=tuple(replace(rule, **changes) for rule in policy.rules)),
    )


def _each(table: str, **changes: Any) -> Switch:
    """The same changes of every requirement or protected part of every rule."""

    def change(policy: Policy) -> Policy:
        return replace(policy, rules=tuple(weaker(rule) for rule in policy.rules))

    def weaker(rule: Rule) -> Rule:
        return replace(rule, **{table: tuple(replace(each, **changes) for each in getattr(rule, table))})

    return partial(_reads, change)


def _keys(**changes: Any) -> Switch:
    return partial(
        _reads, lambda policy: replace(policy, keys=tuple(replace(key, **changes) for key in policy.keys))
    )


def _glass(**changes: Any) -> Switch:
    def weaker(rule: Rule) -> Rule:
        glass = rule.break_glass
        return rule if glass is None else replace(rule, break_glass=replace(glass, **changes))

    return partial(_reads, lambda policy: replace(policy, rules=tuple(weaker(rule) for rule in policy.rules)))


def _each_for_itself(policy: Policy) -> Policy:
    """Every key is a holder of its own."""
    return replace(policy, keys=tuple(replace(key, identity=key.name) for key in policy.keys))


def _endless(policy: Policy) -> Policy:
    later = tuple(replace(each, until=each.until + timedelta(days=9_999)) for each in policy.delegations)
    return replace(policy, delegations=later)


def _everywhere(policy: Policy) -> Policy:
    wider = tuple(replace(each, refs=(), paths=()) for each in policy.delegations)
    return replace(policy, delegations=wider)


EVERYBODY = ("agent", "maintainer", "runner", "verifier", "docs-agent", "docs-lead")
WEAKER: dict[str, Switch] = {
    "only the tip is looked at": _rules(scope="tip"),
    "evidence has no age": _rules(max_age_s=None),
    "evidence is not bound": _rules(bind=()),
    "any update": _rules(update="any"),
    "submodules": _rules(gitlinks=True),
    "tests may vanish": _rules(tests_removed="allow"),
    "unpinned dependencies": _rules(dependencies_unpinned="allow"),
    "any Nix": _rules(nix_minimum=None),
    "anybody pushes": _rules(pusher="any"),
    "nothing is protected but the policy": _rules(protect=()),
    "nothing is required": _rules(require=()),
    "one attester": _each("require", threshold=1),
    "any engine": _each("require", engines=tuple(Engine)),
    "any sandbox": _each("require", hermetic=False),
    "no report": _each("require", report_required=False),
    "claims": _each("require", assurance=Assurance.CLAIMED),
    "derived is enough": _each("require", assurance=Assurance.DERIVED, threshold=1),
    "anybody attests": _each("require", roles=EVERYBODY),
    "anybody verifies": _each("require", verifiers=EVERYBODY),
    "one approver": _each("protect", threshold=1),
    "keys that are revoked": _keys(revoked=None),
    "keys that are over": _keys(valid_until=None),
    "keys that are not valid yet": _keys(valid_from=None),
    "keys, not identities": partial(_reads, _each_for_itself),
    "limited roles everywhere": partial(_reads, lambda policy: replace(policy, roles=())),
    "delegations for good": partial(_reads, _endless),
    "delegations everywhere": partial(_reads, _everywhere),
    "two break the glass": _glass(threshold=2),
    "anybody breaks the glass": _glass(roles=EVERYBODY),
    "a bypass for a year": _glass(longest_s=365 * 86_400),
    "a bypass of everything": _glass(waives=("approvals", "checks", "dependencies", "tests")),
}

# -- others ---------------------------------------------------------------------------------------------


@contextmanager
def _forgetful_fold() -> Iterator[None]:
    """The fold deletes inbox refs whose evidence it has not written."""
    honest = fold._with_line
    with patch.object(fold, "_with_line", lambda held, line: held or honest(held, line)):
        yield


@contextmanager
def _late() -> Iterator[None]:
    honest = receive._verdict

    def verdict(*args: Any) -> Verdict:
        clock = receive.clock
        with patch.object(receive, "clock", lambda: clock() - timedelta(days=1)):
            return honest(*args)

    with patch.object(receive, "_verdict", verdict):
        yield


OTHERS: dict[str, Switch] = {
    "a note keeps its first line only": _forgetful_fold,
    "notes are not read": lambda: patch.object(evidence.EvidenceBook, "_of_notes", lambda *_: []),
    "the inbox is not read": lambda: patch.object(evidence.EvidenceBook, "_of_inbox", lambda *_: []),
    "trailers are not read": lambda: patch.object(evidence, "_of_trailers", lambda *_: []),
    "who attested approves": lambda: patch.object(apart, "_attesters", lambda *_: frozenset()),
    "approvals of anything": lambda: patch.object(protect, "_not_counting", lambda *_: ""),
    "failures veto nothing older": lambda: patch.object(
        strength,
        "_not_vetoed",
        lambda bound, expected, misses: (
            strength.Pass(key, item, run)
            for item, run in bound
            for key in item.keys
            if run.result.value == "PASSED" and not strength.rule_11_key(key, run.issued_at, expected)
        ),
    ),
    "evidence of any tree": lambda: patch.object(strength, "rule_09_binding", lambda *_: None),
    "a landing is not recorded": lambda: patch.object(fold, "_record_landings", lambda *_: 0),
    "the clock is a day late": _late,
}


SWITCHES: dict[str, Switch] = {
    **{f"{code} is never said": partial(_unsaid, code) for code in sorted(campaign.FORETOLD)},
    **WEAKER,
    **OTHERS,
}


def noticed_after(
    stage: Stage, name: str, first: int, pushes: int, until: float = float("inf")
) -> int | None:
    """After how many pushes it was noticed that a rule is off; None when it was not."""
    stage.begin()
    with SWITCHES[name]():
        try:
            campaign.run(stage, first, pushes, seconds=until - time.monotonic())
        except AssertionError:
            return stage.statistics.pushes
    return None


def run(place: Path, first: int, seconds: float) -> int:
    """All of them; the exit status. Those that time did not suffice for are told."""
    until = time.monotonic() + seconds
    missed: list[str] = []
    left: list[str] = []
    with campaign.stage_at(place, over_the_wire=False) as stage:
        for number, name in enumerate(SWITCHES):
            if time.monotonic() > until:
                left.append(name)
                continue
            found = noticed_after(stage, name, first + 1_000 * number, PUSHES, until)
            print(f"{name}: {'NOT NOTICED' if found is None else f'noticed by push {found}'}", flush=True)
            if found is None:
                (left if time.monotonic() > until else missed).append(name)
    noticed = len(SWITCHES) - len(missed) - len(left)
    print(f"{noticed} noticed, {len(missed)} not noticed, {len(left)} not tried")
    return int(bool(missed))
