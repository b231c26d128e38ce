"""What is said about a policy in plain words is what the gate does, and nothing of the policy is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings

from lfci_gate.config.holders import holders
from lfci_gate.config.meaning import (
    delegation_lines,
    first_landing,
    key_rows,
    needs,
    rule_title,
    scope_lines,
    uncovered,
    who,
)
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.policy_words import key_trouble, moment, names, paths_text, period, refs_text
from lfci_gate.gate.standing import roles_for
from lfci_gate.gate.strength import key_problem
from lfci_gate.model import Policy
from tests.config.test_policy_edit import any_case, said
from tests.support.policies import UUID, line, seeds
from tests.support.policies import moment as any_moment
from tests.support.policies import policy as any_policy

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        (["refs/heads/main"], "branch main"),
        (["refs/heads/main", "refs/heads/release/*"], "branches main and release/*"),
        (["refs/heads/release/*"], "branches release/*"),
        (["refs/heads/**"], "all branches"),
        (["refs/tags/v1"], "tag v1"),
        (["refs/tags/v*", "refs/heads/main"], "branch main and tags v*"),
        (
            ["refs/tags/**", "refs/heads/a", "refs/heads/b", "refs/heads/c"],
            "branches a, b and c and all tags",
        ),
    ],
)
def test_refs(patterns: list[str], text: str) -> None:
    assert refs_text(patterns) == text


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        (["a"], "a"),
        (["a", "b/"], "a or b/"),
        (["a", "b", "**/*.lock"], "a, b or **/*.lock"),
        (["**"], "any file"),
        (["**", "!docs/"], "any file except docs/"),
        (["a/", "!a/b/", "a/b/c"], "a/ except a/b/, and then a/b/c"),
    ],
)
def test_paths(patterns: list[str], text: str) -> None:
    assert paths_text(patterns) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "1s"), (90, "90s"), (60, "1 minute"), (5400, "90 minutes"), (3600, "1 hour"),
                          (129600, "36 hours"), (86400, "1 day"), (604800, "7 days")]
)  # fmt: skip
def test_periods(seconds: int, text: str) -> None:
    assert period(seconds) == text


def test_moments_and_many_names() -> None:
    assert moment(datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01-01"
    assert moment(datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)) == "2027-01-01 00:00Z"
    assert names(["a", "b"]) == "a, b"
    assert names([str(number) for number in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


# -- who -------------------------------------------------------------------------------------------

PLACES = {
    "refs/heads/main": ("refs/heads/main",),
    "refs/heads/release/*": ("refs/heads/release/1",),
    "refs/tags/v*": ("refs/tags/v1",),
    "refs/heads/docs/**": ("refs/heads/docs/a", "refs/heads/docs/a/b"),
    "refs/heads/wip/a": ("refs/heads/wip/a",),
}
FILES = (b"tests/a", b"docs/b", b".lfci/config.toml", b".lfci/policy.toml", b"x/y.lock", b"flake.nix", b"z")


@given(seeds)
@settings(max_examples=40)
def test_who_holds_a_role_is_whom_the_gate_counts(r: Random) -> None:
    policy = any_policy(r)
    now = any_moment(r)
    rule = r.choice(policy.rules)
    roles = r.choice([("maintainer",), ("agent", "docs-lead"), ("runner",), ("nobody",)])
    found = holders(policy, roles, rule.refs, now)
    possible: set[str] = set()
    for ref in (place for pattern in rule.refs for place in PLACES[pattern]):
        for path in FILES:
            counting = {
                key.identity
                for key in policy.keys
                if not key_problem(key, now, now)
                and roles_for(policy, key, ref, lambda path=path: (path,), now) & set(roles)
            }
            assert set(found.now) <= counting
            possible |= counting
    assert possible <= {*found.now, *(each.name for each in found.limited)}
    assert found.most >= len(possible)
    assert not {each.name for each in found.limited} & set(found.now)


@given(seeds)
@settings(max_examples=40)
def test_a_key_is_said_to_count_when_it_does(r: Random) -> None:
    policy, now = any_policy(r), any_moment(r)
    for key in policy.keys:
        assert (key_trouble(key, now) == "") == (key_problem(key, now, now) == "")
    rows = {row[0]: row[3] for row in key_rows(policy, now)}
    assert {name for name, state in rows.items() if state.startswith("counts")} == {
        key.name for key in policy.keys if not key_problem(key, now, now)
    }


def test_whom_a_protection_is_about_only_elsewhere_is_left_out() -> None:
    text = f"""\
version = 1
repository = "{UUID}"
[keys.ann]
public = "{line(1)}"
roles = ["maintainer"]
[keys.bob]
public = "{line(2)}"
roles = ["docs-lead"]
[keys.cy]
public = "{line(3)}"
roles = ["maintainer"]
revoked = 2026-10-02T00:00:00Z
[[delegations]]
from = "maintainer"
to = "docs-lead"
paths = ["docs/"]
until = 2027-01-01T00:00:00Z
"""
    policy = parse_policy(text.encode())
    refs = ("refs/heads/main",)
    docs = holders(policy, ("maintainer",), refs, NOW, ("docs/",))
    assert who(docs) == (
        "now: ann; within limits: bob by delegation of maintainer to docs-lead, until 2027-01-01;"
        " not: cy, revoked since 2026-10-02"
    )
    tests = holders(policy, ("maintainer",), refs, NOW, ("tests/",))
    assert who(tests) == "now: ann; not: cy, revoked since 2026-10-02"
    later = holders(policy, ("maintainer",), refs, LATER, ("docs/",))
    assert "not: bob, the delegation of maintainer to docs-lead ended on 2027-01-01" in who(later)
    assert who(holders(policy, ("other",), refs, NOW)) == "now: NOBODY"


LATER = datetime(2027, 2, 1, tzinfo=UTC)


# -- everything is said ----------------------------------------------------------------------------


def spoken(policy: Policy) -> list[str]:
    """All that `lfci policy show` says, whatever the order of equals."""
    found = [first_landing(policy), uncovered(policy)]
    found += ["/".join(row) for row in key_rows(policy, NOW)]
    found += [f"{role}: {text}" for role, text in scope_lines(policy)] + sorted(delegation_lines(policy, NOW))
    for number, rule in enumerate(policy.rules, 1):
        found.append(rule_title(number, rule))
        found += sorted(" ".join((need.label, *need.text)) for need in needs(policy, rule, NOW))
    return found


@given(seeds)
@settings(max_examples=50)
def test_policies_that_say_something_else_are_said_otherwise(r: Random) -> None:
    policy = any_policy(r)
    what, _change, edited = any_case(r, policy)
    # What holds for evidence is not said where no check is required, and of the times of a key only what
    # they come to now.
    bare = any(not rule.require for rule in (*policy.rules, *edited.rules))
    if (bare and what.split()[0] in ("scope", "max-age", "bind", "nix")) or what in TIMES:
        return
    assert (spoken(policy) != spoken(edited)) == (said(policy) != said(edited)), what


TIMES = ("until", "no end", "revoke key")


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ("", "counts"),
        ("valid-until = 2027-01-01T00:00:00Z", "counts until 2027-01-01"),
        ("valid-from = 2026-01-01T00:00:00Z", "counts"),
        ("revoked = 2026-12-01T12:00:00Z", "counts until 2026-12-01 12:00Z, when it is revoked"),
        ("valid-until = 2026-11-23T05:40:00Z", "DOES NOT COUNT: expired on 2026-11-23 05:40Z"),
        ("valid-from = 2026-11-23T05:40:01Z", "DOES NOT COUNT: not valid before 2026-11-23 05:40Z"),
        ("revoked = 2026-11-23T05:40:00Z", "DOES NOT COUNT: revoked since 2026-11-23 05:40Z"),
    ],
)
def test_what_is_said_of_a_key(times: str, state: str) -> None:
    text = (
        f'version = 1\nrepository = "{UUID}"\n[keys.a]\npublic = "{line(1)}"\nroles = ["b", "a"]\n{times}\n'
    )
    assert key_rows(parse_policy(text.encode()), NOW) == (("a", "", "a, b", state),)


def test_every_sentence_ends_and_is_one_line() -> None:
    for seed in range(20):
        policy = any_policy(Random(seed))
        for rule in policy.rules:
            for need in needs(policy, rule, NOW):
                assert all(text.endswith((".", ")")) and "\n" not in text for text in need.text), need
                assert 3 <= need.at <= 16
