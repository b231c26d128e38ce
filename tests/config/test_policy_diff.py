"""What a difference between two policies is called: never stricter when it is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from lfci_gate.config.policy import parse_policy, protections
from lfci_gate.config.policy_diff import CHANGED, LOOSER, STRICTER, differences
from lfci_gate.errors import Refusal
from lfci_gate.gate.cover import covering_rule
from lfci_gate.gate.standing import roles_for
from lfci_gate.gate.strength import key_problem
from lfci_gate.model import (
    Assurance,
    BreakGlass,
    Delegation,
    Engine,
    Policy,
    PolicyKey,
    Protection,
    Requirement,
    Rule,
)
from lfci_gate.patterns import PatternSet
from lfci_gate.value import replace
from tests.config.test_policy_edit import any_case, said
from tests.support.policies import ROLES, UUID, line, public, seeds
from tests.support.policies import policy as any_policy

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
DAY = timedelta(days=1)


# -- for any policies ------------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=40)
def test_a_policy_does_not_differ_from_itself(r: Random) -> None:
    policy = any_policy(r)
    assert differences(policy, policy) == ()
    shuffled = replace(
        policy,
        keys=tuple(reversed(policy.keys)),
        roles=tuple(reversed(policy.roles)),
        delegations=tuple(reversed(policy.delegations)),
        rules=tuple(
            replace(rule, require=rule.require[::-1], protect=rule.protect[::-1]) for rule in policy.rules
        ),
    )
    assert differences(policy, shuffled) == ()


@given(seeds)
@settings(max_examples=80)
def test_every_edit_is_a_difference(r: Random) -> None:
    policy = any_policy(r)
    what, _change, edited = any_case(r, policy)
    found = differences(policy, edited)
    assert (found == ()) == (said(policy) == said(edited)), what


Change = Callable[[Random, Policy], Policy]


def in_rule(change: Callable[[Random, Rule], Rule]) -> Change:
    def changed(r: Random, policy: Policy) -> Policy:
        at = r.randrange(len(policy.rules))
        rules = [change(r, rule) if n == at else rule for n, rule in enumerate(policy.rules)]
        return replace(policy, rules=tuple(rules))

    return changed


def in_key(change: Callable[[Random, PolicyKey], PolicyKey]) -> Change:
    def changed(r: Random, policy: Policy) -> Policy:
        at = r.randrange(len(policy.keys))
        keys = [change(r, key) if n == at else key for n, key in enumerate(policy.keys)]
        return replace(policy, keys=tuple(keys))

    return changed


def in_requirement(change: Callable[[Random, Requirement], Requirement]) -> Change:
    return in_rule(
        lambda r, rule: replace(rule, require=tuple(change(r, each) for each in rule.require)),
    )


def in_protection(change: Callable[[Random, Protection], Protection]) -> Change:
    """Of one protection: of several changed at once nobody can say which has become which."""
    return in_rule(
        lambda r, rule: replace(
            rule, protect=(*(change(r, each) for each in rule.protect[:1]), *rule.protect[1:])
        ),
    )


def with_role(r: Random, held: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*held, r.choice(ROLES)}))


def one_less(number: int) -> int:
    return max(1, number - 1)


def delegated(policy: Policy, **changes: Any) -> Policy:
    return replace(policy, delegations=tuple(replace(each, **changes) for each in policy.delegations))


FREE = BreakGlass(ROLES, 2, 7 * 86400, ("approvals", "checks", "dependencies", "tests"))
NEW_KEY = PolicyKey("new", public(70), ROLES, None, None, None, "new")
NEW_LINK = Delegation("maintainer", "runner", (), ("x/",), NOW + DAY)
CLAIMED = {"assurance": Assurance.CLAIMED, "verifiers": ("verifier",)}

LOOSENINGS: dict[str, Change] = {
    "scope": in_rule(lambda r, rule: replace(rule, scope="tip")),
    "age": in_rule(lambda r, rule: replace(rule, max_age_s=None)),
    "bind": in_rule(lambda r, rule: replace(rule, bind=())),
    "update": in_rule(lambda r, rule: replace(rule, update="any")),
    "gitlinks": in_rule(lambda r, rule: replace(rule, gitlinks=True)),
    "pusher": in_rule(lambda r, rule: replace(rule, pusher="any")),
    "nix": in_rule(lambda r, rule: replace(rule, nix_minimum=None)),
    "tests": in_rule(lambda r, rule: replace(rule, tests_removed="allow")),
    "dependencies": in_rule(lambda r, rule: replace(rule, dependencies_unpinned="allow")),
    "glass": in_rule(lambda r, rule: replace(rule, break_glass=FREE)),
    "refs": in_rule(lambda r, rule: replace(rule, refs=rule.refs[1:] or rule.refs)),
    "no check": in_rule(lambda r, rule: replace(rule, require=rule.require[1:])),
    "no protection": in_rule(lambda r, rule: replace(rule, protect=rule.protect[1:])),
    "fewer attesters": in_requirement(lambda r, each: replace(each, threshold=one_less(each.threshold))),
    "attester": in_requirement(lambda r, each: replace(each, roles=with_role(r, each.roles))),
    "hermetic": in_requirement(lambda r, each: replace(each, hermetic=False)),
    "report": in_requirement(lambda r, each: replace(each, report_required=False)),
    "quarantine": in_requirement(lambda r, each: replace(each, quarantine=True)),
    "attempts": in_requirement(
        lambda r, each: replace(
            each, max_attempts=each.max_attempts and r.choice((None, each.max_attempts + 1))
        )
    ),
    "engines": in_requirement(lambda r, each: replace(each, engines=tuple(Engine))),
    "assurance": in_requirement(lambda r, each: replace(each, **CLAIMED)),
    "fewer approvers": in_protection(lambda r, each: replace(each, threshold=one_less(each.threshold))),
    "approver": in_protection(lambda r, each: replace(each, roles=with_role(r, each.roles))),
    "a path": in_protection(lambda r, each: replace(each, paths=each.paths[1:] or each.paths)),
    "role": in_key(lambda r, key: replace(key, roles=with_role(r, key.roles))),
    "from": in_key(lambda r, key: replace(key, valid_from=None)),
    "until": in_key(lambda r, key: replace(key, valid_until=None)),
    "unrevoked": in_key(lambda r, key: replace(key, revoked=None)),
    "another key": in_key(lambda r, key: replace(key, public=public(71))),
    "split": in_key(lambda r, key: replace(key, identity=f"only-{key.name}")),
    "pushers": in_key(lambda r, key: replace(key, pushers=(*key.pushers, "x@example.com"))),
    "rule": lambda r, policy: replace(policy, rules=policy.rules[1:]),
    "key": lambda r, policy: replace(policy, keys=(*policy.keys, NEW_KEY)),
    "limits": lambda r, policy: replace(policy, roles=policy.roles[1:]),
    "wider": lambda r, policy: replace(policy, roles=tuple(replace(each, paths=()) for each in policy.roles)),
    "longer": lambda r, policy: delegated(policy, until=NOW + 500 * DAY),
    "more refs": lambda r, policy: delegated(policy, refs=()),
    "delegation": lambda r, policy: replace(policy, delegations=(*policy.delegations, NEW_LINK)),
    "bootstrap": lambda r, policy: replace(policy, bootstrap="report"),
}
"""Each lets something land, or somebody act, that could not before, or says nothing new."""

BOTH_WAYS = {"another key", "pushers", "split", "no protection", "a path"}
"""Those whose opposite lets something land too: a protection can take the place of what always holds for
the policy's own file."""


@pytest.mark.parametrize("name", LOOSENINGS)
@given(seeds)
@settings(max_examples=12)
def test_what_loosens_is_never_called_stricter(name: str, r: Random) -> None:
    policy = any_policy(r)
    loosened = LOOSENINGS[name](r, policy)
    found = differences(policy, loosened)
    assert STRICTER not in {each.kind for each in found}, found
    assert (found == ()) == (said(policy) == said(loosened))
    back = differences(loosened, policy)  # not always stricter: an objection may be lost
    assert LOOSER not in {each.kind for each in back} or name in BOTH_WAYS, back


def test_a_second_key_of_somebody_is_a_name_by_which_they_may_push() -> None:
    policy = any_policy(Random(3))
    idle = replace(NEW_KEY, roles=("idle",), identity=policy.keys[0].identity, pushers=("x@example.com",))
    for pusher, kind in (("any", CHANGED), ("attester", LOOSER)):
        asked = replace(policy, rules=tuple(replace(rule, pusher=pusher) for rule in policy.rules))
        found = differences(asked, replace(asked, keys=(*asked.keys, idle)))
        assert [each.kind for each in found] == [kind]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda policy: replace(policy, keys=policy.keys[:-1]), CHANGED),  # its tests are compared no longer
        (lambda policy: with_key(policy, revoked=NOW), STRICTER),
        (lambda policy: with_key(policy, valid_until=NOW), STRICTER),
        (lambda policy: with_key(policy, roles=("agent",)), CHANGED),
        (lambda policy: with_key(policy, identity="agent-7"), STRICTER),
    ],
)
def test_who_can_no_longer_act(change: Callable[[Policy], Policy], kind: str) -> None:
    """Of an attester in a rule that compares tests."""
    old = parse_policy(ATTESTERS.encode())
    assert [each.kind for each in differences(old, change(old))] == [kind]
    if kind == CHANGED:  # where tests may vanish nothing is lost
        free = replace(old, rules=tuple(replace(rule, tests_removed="allow") for rule in old.rules))
        assert [each.kind for each in differences(free, change(free))] == [STRICTER]


def with_key(policy: Policy, **changes: Any) -> Policy:
    return replace(policy, keys=(*policy.keys[:-1], replace(policy.keys[-1], **changes)))


ATTESTERS = f"""\
version = 1
repository = "{UUID}"
[keys.agent-7]
public = "{line(1)}"
roles = ["agent"]
[keys.runner]
public = "{line(2)}"
roles = ["agent", "runner"]
[[rules]]
refs = ["refs/heads/main"]
[[rules.require]]
check = "test"
roles = ["agent", "runner"]
[rules.tests]
removed = "approval"
"""


def test_a_protection_takes_the_place_of_what_always_holds() -> None:
    old = parse_policy(ATTESTERS.encode())
    weak = ATTESTERS + '[[rules.protect]]\npaths = [".lfci/"]\nroles = ["agent"]\n'
    found = {each.text: each.kind for each in differences(old, parse_policy(weak.encode()))}
    assert found == {
        "a change of .lfci/policy.toml no longer needs the approval of 1 identity"
        " with the role maintainer": LOOSER,
        "a change of .lfci/ needs the approval of 1 identity with the role agent;"
        " the role agent may now approve too that tests vanish": CHANGED,
    }
    strong = weak.removesuffix('["agent"]\n') + '["maintainer"]\n'
    kinds = [each.kind for each in differences(old, parse_policy(strong.encode()))]
    assert kinds == [CHANGED, STRICTER]


# -- against what the gate lets through ------------------------------------------------------------

HEAD = "refs/heads/main"
NAMES = (HEAD, "refs/heads/Main", "refs/heads/release/1", "refs/heads/docs/a", "refs/heads/new",
         "refs/heads/other", "refs/heads/wip", "refs/tags/v1", "refs/tags/main")  # fmt: skip
CHANGES = ((b"tests/a",), (b"docs/a",), (b"docs/a", b"tests/a"), (b".lfci/policy.toml",), (b"x/y",))


def lets_through(policy: Policy, ref: str, paths: tuple[bytes, ...], who: frozenset[str]) -> bool:
    """Whether a change could land when the holders of the keys ``who`` do all they can for it: a plain
    account of rules 1, 10 to 13 over sets of identities. (Break-glass is not tried.)"""
    try:
        rule = covering_rule(policy, ref, head=HEAD, exists=lambda name: True)
    except Refusal:
        return False
    if rule is None:
        return True

    def able(roles: tuple[str, ...], about: tuple[bytes, ...]) -> set[str]:
        return {
            key.identity
            for key in policy.keys
            if key.name in who
            and not key_problem(key, NOW, NOW)
            and roles_for(policy, key, ref, lambda: about, NOW) & set(roles)
        }

    attesters = []
    for each in rule.require:
        found = able(each.roles, paths)
        if each.assurance in (Assurance.DERIVED, Assurance.REBUILT):
            verifiers = able(each.verifiers, paths)
            found = {identity for identity in found if verifiers - {identity}}
        if len(found) < each.threshold:
            return False
        attesters.append((found, each.threshold))
    for protection in protections(rule):
        part = tuple(path for path in paths if PatternSet(protection.paths).matches(path))
        if part and not any(
            all(len(found - set(chosen)) >= threshold for found, threshold in attesters)
            for chosen in itertools.combinations(sorted(able(protection.roles, part)), protection.threshold)
        ):
            return False
    return True


@given(seeds)
@settings(max_examples=40)
def test_where_all_is_stricter_nothing_lands_that_could_not_before(r: Random) -> None:
    old = any_policy(r)
    new = r.choice((lambda: any_case(r, old)[2], lambda: r.choice(list(LOOSENINGS.values()))(r, old)))()
    if r.random() < 0.5:
        old, new = new, old
    if {each.kind for each in differences(old, new, head=HEAD)} != {STRICTER}:
        return
    keys = sorted({key.name for key in (*old.keys, *new.keys)})
    for ref, paths in itertools.product(NAMES, CHANGES):
        for number in range(len(keys) + 1):
            for who in map(frozenset, itertools.combinations(keys, number)):
                if lets_through(new, ref, paths, who):
                    assert lets_through(old, ref, paths, who), (ref, paths, who)
