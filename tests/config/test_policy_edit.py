"""Edits of policy.toml: exactly what was asked for changes, and every comment stays."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from lfci_gate.attest.keys import parse_public
from lfci_gate.config import policy_edit as edit
from lfci_gate.config import policy_edit_rules as edit_rules
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.toml_blocks import blocks_of, comments_of
from lfci_gate.config.toml_edit import TomlText, UnknownLayout
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.model import BreakGlass, Delegation, Policy, PolicyKey, Protection, RoleScope, Rule, Sha256
from lfci_gate.value import replace
from tests.support.policies import UUID, inline, laid_out, line, seeds
from tests.support.policies import policy as any_policy

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
LATER = datetime(2027, 6, 1, tzinfo=UTC)

Change = Callable[[TomlText], object]
Case = tuple[str, Change, Policy]
"""What is done, on the text, and what the policy says then."""


# -- any edit of any policy ------------------------------------------------------------------------


def with_key(policy: Policy, name: str, **changes: Any) -> Policy:
    return replace(
        policy, keys=tuple(replace(key, **changes) if key.name == name else key for key in policy.keys)
    )


def with_rule(policy: Policy, at: int, **changes: Any) -> Policy:
    changed = tuple(replace(rule, **changes) if n == at else rule for n, rule in enumerate(policy.rules))
    return replace(policy, rules=changed)


def key_cases(policy: Policy, key: PolicyKey) -> list[Case]:
    others = tuple(each for each in policy.keys if each.name != key.name)
    new = PolicyKey(
        "new.key",
        parse_public(line(90)),
        ("agent", "runner"),
        None,
        LATER,
        None,
        "new.key",
        ("n@example.com",),
    )
    values = {
        "public": line(90),
        "roles": ["agent", "runner"],
        "pushers": ["n@example.com"],
        "valid-until": LATER,
    }
    revoked = NOW if key.revoked is None or key.revoked > NOW else key.revoked
    cases: list[Case] = [
        (
            "add key",
            lambda text: edit.add_key(text, "new.key", values),
            replace(policy, keys=tuple(sorted((*policy.keys, new), key=lambda each: each.name))),
        ),
        ("remove key", lambda text: edit.remove_key(text, key.name), replace(policy, keys=others)),
        (
            "revoke key",
            lambda text: edit.revoke_key(text, key.name, NOW),
            with_key(policy, key.name, revoked=revoked),
        ),
        (
            "roles",
            lambda text: edit.set_key(text, key.name, "roles", ["runner", "x"]),
            with_key(policy, key.name, roles=("runner", "x")),
        ),
        (
            "more roles",
            lambda text: edit.set_key(text, key.name, "roles", [*key.roles, "x"]),
            with_key(policy, key.name, roles=tuple(sorted((*key.roles, "x")))),
        ),
        (
            "no pushers",
            lambda text: edit.set_key(text, key.name, "pushers", None),
            with_key(policy, key.name, pushers=()),
        ),
        (
            "no end",
            lambda text: edit.set_key(text, key.name, "valid-until", None),
            with_key(policy, key.name, valid_until=None),
        ),
    ]
    if key.valid_from is None or key.valid_from < LATER:
        cases.append(
            (
                "until",
                lambda text: edit.set_key(text, key.name, "valid-until", LATER),
                with_key(policy, key.name, valid_until=LATER),
            )
        )
    return cases


def rule_cases(policy: Policy, at: int) -> list[Case]:
    rule = policy.rules[at]
    cases: list[Case] = []
    for field, value, changes in (
        ("scope", "each", {"scope": "each"}),
        ("scope", None, {"scope": "tip"}),
        ("max-age", "36h", {"max_age_s": 36 * 3600}),
        ("max-age", None, {"max_age_s": None}),
        ("bind", ["ref"], {"bind": ("ref",)}),
        ("update", "any", {"update": "any"}),
        ("gitlinks", True, {"gitlinks": True}),
        ("gitlinks", None, {"gitlinks": False}),
        ("pusher", "attester", {"pusher": "attester"}),
        ("tests", "refuse", {"tests_removed": "refuse"}),
        ("tests", None, {"tests_removed": "allow"}),
        ("dependencies", "refuse", {"dependencies_unpinned": "refuse"}),
        ("nix", "2.24", {"nix_minimum": "2.24"}),
        ("nix", None, {"nix_minimum": None}),
        ("refs", [*rule.refs, "refs/heads/new"], {"refs": (*rule.refs, "refs/heads/new")}),
    ):
        change = lambda text, field=field, value=value: edit_rules.set_rule(text, at, field, value)  # noqa: E731
        cases.append((f"{field} = {value}", change, with_rule(policy, at, **changes)))
    plain = Rule(("refs/heads/new",), "tip", None, (), "fast-forward", (), (), "allow", "allow", None, False)
    cases.append(
        (
            "add rule",
            lambda text: edit_rules.add_rule(text, plain.refs, before=None),
            replace(policy, rules=(*policy.rules, plain)),
        )
    )
    cases.append(
        (
            "add rule before",
            lambda text: edit_rules.add_rule(text, plain.refs, before=at),
            replace(policy, rules=(*policy.rules[:at], plain, *policy.rules[at:])),
        )
    )
    cases.append(
        (
            "remove rule",
            lambda text: edit_rules.remove_rule(text, at),
            replace(policy, rules=(*policy.rules[:at], *policy.rules[at + 1 :])),
        )
    )
    return [*cases, *part_cases(policy, at, rule)]


def part_cases(policy: Policy, at: int, rule: Rule) -> list[Case]:
    from lfci_gate.model import Assurance, Engine, Requirement

    made = Requirement("new", ("x",), 2, (Engine.DEVELOP, Engine.BUILD), True, True, Assurance.CORROBORATED)
    values = {"roles": ["x"], "threshold": 2, "assurance": "corroborated"}
    kept = Protection(("a/", "b"), ("x",), 2)
    glass = BreakGlass(("x", "y"), 3, 7200, ("checks",))
    broken = {"roles": ["x", "y"], "threshold": 3, "longest": "2h", "waives": ["checks"]}
    cases: list[Case] = [
        (
            "require",
            lambda text: edit_rules.put_requirement(text, at, "new", values),
            with_rule(policy, at, require=(*rule.require, made)),
        ),
        (
            "protect",
            lambda text: edit_rules.put_protection(text, at, ("a/", "b"), {"roles": ["x"], "threshold": 2}),
            with_rule(policy, at, protect=(*rule.protect, kept)),
        ),
        (
            "break-glass",
            lambda text: edit_rules.put_break_glass(text, at, broken),
            with_rule(policy, at, break_glass=glass),
        ),
        (
            "no break-glass",
            lambda text: edit_rules.put_break_glass(text, at, None),
            with_rule(policy, at, break_glass=None),
        ),
    ]
    for n, each in enumerate(rule.require):
        left = (*rule.require[:n], *rule.require[n + 1 :])
        more = (*rule.require[:n], replace(each, threshold=9), *rule.require[n + 1 :])
        cases.append(
            (
                "unrequire",
                lambda text, each=each: edit_rules.remove_requirement(text, at, each.check),
                with_rule(policy, at, require=left),
            )
        )
        cases.append(
            (
                "threshold",
                lambda text, each=each: edit_rules.put_requirement(text, at, each.check, {"threshold": 9}),
                with_rule(policy, at, require=more),
            )
        )
    if rule.protect:
        path = rule.protect[0].paths[0]
        without = (replace(each, paths=tuple(p for p in each.paths if p != path)) for each in rule.protect)
        cases.append(
            (
                "unprotect",
                lambda text: edit_rules.remove_protection(text, at, [path]),
                with_rule(policy, at, protect=tuple(each for each in without if each.paths)),
            )
        )
        whom = (replace(rule.protect[0], roles=("x",)), *rule.protect[1:])
        cases.append(
            (
                "protect by",
                lambda text: edit_rules.put_protection(text, at, rule.protect[0].paths, {"roles": ["x"]}),
                with_rule(policy, at, protect=whom),
            )
        )
    return cases


def power_cases(policy: Policy) -> list[Case]:
    scope = RoleScope("fresh", ("refs/heads/x",), ("x/",))
    link = Delegation("runner", "fresh", (), ("x/", "y"), LATER)
    cases: list[Case] = [
        (
            "scope",
            lambda text: edit.put_scope(text, "fresh", {"refs": ["refs/heads/x"], "paths": ["x/"]}),
            replace(policy, roles=tuple(sorted((*policy.roles, scope), key=lambda each: each.role))),
        ),
        (
            "delegate",
            lambda text: edit.add_delegation(
                text, {"from": "runner", "to": "fresh", "refs": None, "paths": ["x/", "y"], "until": LATER}
            ),
            replace(policy, delegations=(*policy.delegations, link)),
        ),
    ]
    for n, each in enumerate(policy.roles):
        cases.append(
            (
                "unscope",
                lambda text, each=each: edit.remove_scope(text, each.role),
                replace(policy, roles=(*policy.roles[:n], *policy.roles[n + 1 :])),
            )
        )
    for n in range(len(policy.delegations)):
        cases.append(
            (
                "undelegate",
                lambda text, n=n: edit.remove_delegation(text, n + 1),
                replace(policy, delegations=(*policy.delegations[:n], *policy.delegations[n + 1 :])),
            )
        )
    return cases


def any_case(r: Random, policy: Policy) -> Case:
    key, at = r.choice(policy.keys), r.randrange(len(policy.rules))
    return r.choice([*key_cases(policy, key), *rule_cases(policy, at), *power_cases(policy)])


def said(policy: Policy) -> Policy:
    return replace(policy, digest=Sha256(""), version=1)


@given(seeds)
@settings(max_examples=100)
def test_an_edit_changes_what_it_is_about_and_nothing_else(r: Random) -> None:
    policy = any_policy(r)
    before = laid_out(r, policy)
    what, change, expected = any_case(r, policy)
    data, found = edit.edited(before.encode(), change, landed=policy.version)
    assert said(found) == said(expected), what
    assert parse_policy(data) == found
    if said(expected) == said(policy):
        assert data == before.encode(), what
        return
    assert found.version == policy.version + 1
    after = data.decode()
    lost = Counter(comments_of(before)) - Counter(comments_of(after))
    gone = {line.strip() for line in before.splitlines()} - {line.strip() for line in after.splitlines()}
    assert all(any(comment in line for line in gone) for comment in lost)
    assert "# the end" not in lost  # of nobody: it stands behind everything
    keeps = ("add", "more", "until", "revoke", "require", "threshold", "scope", "delegate")
    if what.startswith(keeps) and not what.endswith("= None"):  # what is taken out takes its words along
        assert lost == {}, what
    assert (after.count("\r\n") == after.count("\n")) == (before.count("\r\n") == before.count("\n"))


@given(seeds)
@settings(max_examples=40)
def test_an_edit_of_inline_tables_is_right_or_refused(r: Random) -> None:
    policy = any_policy(r)
    what, change, expected = any_case(r, policy)
    found = None
    with contextlib.suppress(UnknownLayout):
        found = edit.edited(inline(policy).encode(), change, landed=None)[1]
    assert found is None or said(found) == said(expected), what


@given(seeds)
@settings(max_examples=100)
def test_blocks_are_the_text(r: Random) -> None:
    text = laid_out(r, any_policy(r))
    assert "".join(block.text for block in blocks_of(text)) == text


# -- what people see -------------------------------------------------------------------------------

POLICY = f"""\
# Who may land what.
version = 3
repository = "{UUID}"

[keys.alice]  # the owner
public = "{line(1)}"
roles = ["maintainer"]

# Agents.
[keys.agent-7]
public = "{line(2)}"
roles = [
  "agent",  # signs runs
]
# renewed every year
valid-until = 2027-01-01T00:00:00Z

# The first rule whose refs match counts.
[[rules]]
refs = ["refs/heads/main"]
max-age = "7d"  # a week

[[rules.require]]
check = "test"
roles = ["agent"]

[[rules.protect]]
paths = [
  "flake.nix",
  "tests/",  # what decides
]
roles = ["maintainer"]

# Old branches.
[[rules]]
refs = ["refs/heads/release/*"]
"""


def done(change: Change, text: str = POLICY, landed: int | None = 3) -> str:
    return edit.edited(text.encode(), change, landed=landed)[0].decode()


def test_a_new_key_stands_behind_the_others_and_before_what_the_rules_say() -> None:
    values = {"public": line(3), "roles": ["runner"], "identity": None, "pushers": []}
    new = f'[keys.ci]\npublic = "{line(3)}"\nroles = ["runner"]\n'
    before, mark, after = POLICY.partition("\n# The first rule")
    assert done(lambda text: edit.add_key(text, "ci", values)) == (
        before.replace("version = 3", "version = 4") + "\n" + new + mark + after
    )


def test_a_key_that_goes_leaves_the_comments_of_its_neighbours() -> None:
    after = done(lambda text: edit.remove_key(text, "agent-7"))
    assert "# Agents.\n" in after
    assert "# The first rule whose refs match counts.\n[[rules]]\n" in after
    assert "agent-7" not in after
    assert "\n\n\n" not in after


def test_rotation_gives_the_same_holder_a_second_key_and_ends_the_first() -> None:
    names: list[str] = []

    def rotate(text: TomlText) -> None:
        names.append(
            edit.rotate_key(text, "alice", line(4), now=NOW, overlap_s=14 * 86400, new=None, until=LATER)
        )

    policy = parse_policy(done(rotate).encode())
    old, new = (next(key for key in policy.keys if key.name == name) for name in ("alice", "alice-2"))
    assert names == ["alice-2"]
    assert (new.identity, new.roles, new.valid_until) == ("alice", ("maintainer",), LATER)
    assert old.valid_until == NOW + timedelta(days=14)
    assert (old.revoked, old.roles) == (None, ("maintainer",))


def test_rotation_never_prolongs_the_old_key_and_finds_a_free_name() -> None:
    def twice(text: TomlText) -> None:
        edit.rotate_key(text, "agent-7", line(4), now=NOW, overlap_s=400 * 86400, new=None, until=None)
        edit.rotate_key(text, "agent-8", line(5), now=NOW, overlap_s=0, new=None, until=None)

    policy = parse_policy(done(twice).encode())
    ends = {key.name: key.valid_until for key in policy.keys if key.identity == "agent-7"}
    assert ends == {"agent-7": datetime(2027, 1, 1, tzinfo=UTC), "agent-8": NOW, "agent-9": None}


def test_the_version_grows_once_for_a_proposal() -> None:
    first = done(lambda text: edit.revoke_key(text, "agent-7", NOW))
    assert "version = 4\n" in first
    second = done(lambda text: edit_rules.set_rule(text, 0, "scope", "each"), first)
    assert "version = 4\n" in second
    assert "version = 9\n" in done(lambda text: edit_rules.set_rule(text, 0, "scope", "each"), landed=8)
    assert "version = 3\n" in done(lambda text: edit_rules.set_rule(text, 0, "scope", "each"), landed=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: edit_rules.set_rule(text, 0, "max-age", "168h"),
        lambda text: edit_rules.set_rule(text, 0, "scope", "tip"),
        lambda text: edit_rules.set_rule(text, 0, "tests", None),
        lambda text: edit_rules.put_requirement(text, 0, "test", {"roles": ["agent"], "threshold": 1}),
        lambda text: edit_rules.put_break_glass(text, 0, None),
        lambda text: edit.set_key(text, "alice", "pushers", None),
        lambda text: None,
    ],
)
def test_an_edit_that_says_nothing_new_gives_the_same_bytes(change: Change) -> None:
    assert done(change, landed=17) == POLICY


NAMED = "1 0, 2 1, main 0, refs/heads/main 0, release/2 1, refs/heads/release/* 1"


@pytest.mark.parametrize(
    ("named", "at"), [(each.split()[0], int(each.split()[1])) for each in NAMED.split(", ")]
)
def test_a_rule_is_named_by_number_or_by_what_it_covers(named: str, at: str) -> None:
    assert edit_rules.rule_number(TomlText(POLICY), named) == int(at)


KEY = {"public": line(9), "roles": ["x"]}
BARE = {"from": "a", "to": "b", "until": LATER}


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda text: edit_rules.rule_number(text, "3"), "LFCI514", "there is no rule 3"),
        (lambda text: edit_rules.rule_number(text, "0"), "LFCI514", "there is no rule 0"),
        (lambda text: edit_rules.rule_number(text, "topic"), "LFCI514", "no rule covers 'topic'"),
        (lambda text: edit.remove_key(text, "bob"), "LFCI514", "there is no key bob"),
        (lambda text: edit.add_key(text, "alice", {}), "LFCI514", "there is a key alice already"),
        (lambda text: edit.add_key(text, "x", KEY | {"public": "nonsense"}), "LFCI202", "keys.x.public"),
        (lambda text: edit.add_key(text, "x", KEY | {"public": line(1)}), "LFCI202", "same key as keys.ali"),
        (lambda text: edit.add_key(text, "No Name", KEY), "LFCI202", "is not a name"),
        (lambda text: edit_rules.set_rule(text, 0, "scope", "all"), "LFCI202", "[0].scope"),
        (lambda text: edit_rules.set_rule(text, 0, "nonsense", "x"), "LFCI202", "unknown key 'nonsense'"),
        (lambda text: edit_rules.remove_requirement(text, 0, "lint"), "LFCI514", "no required check lint"),
        (lambda text: edit_rules.remove_protection(text, 0, ["docs/"]), "LFCI514", "no protected path docs/"),
        (lambda text: edit.remove_scope(text, "agent"), "LFCI514", "there is no scoped role agent"),
        (lambda text: edit.remove_delegation(text, 1), "LFCI514", "there is no delegation 1"),
        (lambda text: edit.add_delegation(text, BARE), "LFCI202", "neither refs nor paths"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: Change, code: str, says: str) -> None:
    with pytest.raises(LfciError) as caught:
        done(change)
    assert (caught.value.code, says in caught.value.message) == (code, True), caught.value.message


def test_a_check_that_is_required_twice_is_left_to_people() -> None:
    twice = POLICY.replace(
        "[[rules.protect]]", '[[rules.require]]\ncheck = "test"\nroles = ["x"]\n\n[[rules.protect]]'
    )
    with pytest.raises(UsageError, match="requires the check test 2 times"):
        done(lambda text: edit_rules.remove_requirement(text, 0, "test"), twice)


def test_editing_imports_tomlkit_only_then() -> None:
    import subprocess
    import sys

    code = "import sys; import lfci_gate.config.policy_edit; print('tomlkit' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"False\n"
