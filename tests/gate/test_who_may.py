"""Who may do what for one file: exactly those whom the rules would count, and why not the others."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings

from lfci_gate.config.policy import parse_policy, protections, rule_for
from lfci_gate.gate.standing import roles_for
from lfci_gate.gate.strength import key_problem
from lfci_gate.gate.who_may import Ability, who_may
from lfci_gate.model import Policy
from lfci_gate.patterns import PatternSet
from tests.config.test_meaning import FILES, PLACES
from tests.support.policies import UUID, line, moment, seeds
from tests.support.policies import policy as any_policy

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)


@given(seeds)
@settings(max_examples=40)
def test_able_is_whom_the_rules_count(r: Random) -> None:
    policy, now = any_policy(r), moment(r)
    ref = r.choice([place for places in PLACES.values() for place in places])
    rule = rule_for(policy, ref)
    if rule is None:
        return
    path = r.choice(FILES)
    for each in who_may(policy, rule, ref, path, now):
        counting = {
            key.name
            for key in policy.keys
            if roles_for(policy, key, ref, lambda: (path,), now) & set(each.roles)
            and not key_problem(key, now, now)
        }
        assert {able.key.name for able in each.able} == counting
        near = {near.key.name for near in each.near}
        assert not near & counting
        # Whoever has the role by name and does not count is told why.
        assert {key.name for key in policy.keys if set(key.roles) & set(each.roles)} <= near | counting
        assert all(near.why and "\n" not in near.why for near in each.near)
    covering = [each for each in protections(rule) if PatternSet(each.paths).matches(path)]
    asked = [each for each in who_may(policy, rule, ref, path, now) if each.what == "approve"]
    assert [(each.roles, each.threshold) for each in asked] == [
        (each.roles, each.threshold) for each in covering
    ]


def told(policy: Policy, ref: str, path: bytes) -> dict[str, Ability]:
    rule = rule_for(policy, ref)
    assert rule is not None
    return {each.what: each for each in who_may(policy, rule, ref, path, NOW)}


def test_limits_delegations_and_times_are_told() -> None:
    def key(name: str, number: int, role: str, more: str = "") -> str:
        return f'[keys.{name}]\npublic = "{line(number)}"\nroles = ["{role}"]\n{more}\n'

    text = (
        f'version = 1\nrepository = "{UUID}"\n'
        + key("ann", 1, "maintainer")
        + key("ann-2", 2, "maintainer", 'identity = "ann"')
        + key("bob", 3, "docs-lead")
        + key("cy", 4, "maintainer", "revoked = 2026-10-02T00:00:00Z")
        + key("bot", 5, "docs-agent")
        + key("agent", 6, "agent")
        + """\
[roles.docs-agent]
paths = ["docs/"]
[[delegations]]
from = "maintainer"
to = "docs-lead"
paths = ["docs/"]
until = 2027-01-01T00:00:00Z
[[rules]]
refs = ["refs/heads/main"]
[[rules.require]]
check = "test"
roles = ["agent", "docs-agent"]
[[rules.protect]]
paths = ["docs/", "tests/"]
roles = ["maintainer"]
"""
    )
    policy = parse_policy(text.encode())
    docs = told(policy, "refs/heads/main", b"docs/a")
    assert docs["attest"].identities == ("agent", "bot")
    assert docs["approve"].identities == ("ann", "bob")
    assert [able.key.name for able in docs["approve"].able] == ["ann", "ann-2", "bob"]
    assert docs["approve"].able[2].why == "by delegation: maintainer to docs-lead until 2027-01-01T00:00:00Z"
    assert [(near.key.name, near.why) for near in docs["approve"].near] == [
        ("cy", "has the role maintainer, and is revoked")
    ]
    tests = told(policy, "refs/heads/main", b"tests/a")
    assert tests["attest"].identities == ("agent",)
    assert tests["attest"].near[0].why == (
        "the role docs-agent counts only for changes of docs/, and tests/a changed"
    )
    assert tests["approve"].identities == ("ann",)
    own = told(policy, "refs/heads/main", b".lfci/policy.toml")
    assert own["approve"].identities == ("ann",)
    assert own["approve"].near[0].why == "a change of the policy file counts by no limited or delegated role"
    assert "approve" not in told(policy, "refs/heads/main", b"src/a")
