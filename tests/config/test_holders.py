"""Who holds a role: now, within limits, and not now; and by which way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lfci_gate.config.holders import Holders, Near, holders, roles_behind, scope_of, way_to
from lfci_gate.config.policy import parse_policy
from lfci_gate.model import Policy
from tests.support.policies import UUID, line

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
MAIN = ("refs/heads/main",)
ENDED, LATER = "2026-11-23T05:40:00Z", "2026-11-23T05:40:01Z"
WHEN = "2026-11-23 05:40Z"


def policy(keys: dict[str, str], scopes: str = "", *links: str) -> Policy:
    """Keys by name with the role, or with all of their lines; delegations as `from to until where`."""
    text = f'version = 1\nrepository = "{UUID}"\n{scopes}\n'
    for number, (name, lines) in enumerate(keys.items()):
        said = lines if "=" in lines else f'roles = ["{lines}"]'
        text += f'[keys.{name}]\npublic = "{line(number)}"\n{said}\n'
    for link in links:
        granter, to, until, where = link.split(maxsplit=3)
        text += f'[[delegations]]\nfrom = "{granter}"\nto = "{to}"\nuntil = {until}\n{where}\n'
    return parse_policy(text.encode())


def lead(made: Policy, refs: tuple[str, ...] = MAIN, paths: tuple[str, ...] = ()) -> Holders:
    return holders(made, ("lead",), refs, NOW, paths)


def test_a_plain_key_holds_its_role_and_no_other() -> None:
    made = policy({"b": "lead", "a": "lead", "c": "other"})
    assert lead(made) == Holders(("a", "b"), (), ())
    assert holders(made, ("nobody", "other"), MAIN, NOW) == Holders(("c",), (), ())
    assert lead(made).most == 2


def test_a_limited_role_is_held_within_limits() -> None:
    scope = '[roles.lead]\nrefs = ["refs/heads/docs/*"]\npaths = ["docs/", "!src/x"]'
    made = policy({"a": "lead"}, scope)
    found = Holders((), (Near("a", "a", "the limited role lead"),), ())
    docs = ("refs/tags/v1", "refs/heads/docs/a")
    assert lead(made, docs) == lead(made, docs, ("docs/a", "x")) == found
    assert found.most == 1
    # Not on other refs, for other paths, or for what a pattern only takes away.
    nobody = Holders((), (), ())
    assert lead(made) == lead(made, docs, ("src/",)) == lead(made, docs, ("src/", "!docs/a")) == nobody
    # What is taken away again has the form of a name: *.md does not name the file "!x.md".
    some = policy({"a": "lead"}, '[roles.lead]\npaths = ["docs/", "!x.md"]')
    assert lead(some, paths=("*.md",)) == lead(some, paths=("src/", "!docs/a")) == nobody
    assert lead(some, paths=("*/x.md",)).most == 1
    # A table that says nothing limits nothing.
    assert scope_of(policy({"a": "lead"}, "[roles.lead]"), "lead") is None
    assert lead(policy({"a": "lead"}, "[roles.lead]")).now == ("a",)
    only_refs, only_paths = '[roles.lead]\nrefs = ["refs/heads/**"]', '[roles.lead]\npaths = ["docs/"]'
    for each in (only_refs, only_paths):
        assert scope_of(policy({}, each), "lead") == policy({}, each).roles[0]
        assert scope_of(policy({}, each), "other") is None
        assert lead(policy({"a": "lead"}, each)).limited == found.limited
        assert lead(policy({"a": "lead"}, each), MAIN, ("docs/a",)).limited == found.limited


def test_who_can_without_limits_is_not_told_of_their_limits() -> None:
    scope = '[roles.small]\npaths = ["docs/"]'
    keys = {
        "a": "lead",
        "a-2": 'roles = ["small"]\nidentity = "a"',
        "b": "small",
        "b-2": 'roles = ["small"]\nidentity = "b"',
    }
    made = policy(keys, scope)
    found = holders(made, ("lead", "small"), MAIN, NOW)
    assert found == Holders(("a",), (Near("b", "b", "the limited role small"),), ())
    assert found.most == 2
    # One key with both roles can do all.
    both = policy({"a": 'roles = ["lead", "small"]'}, scope)
    assert holders(both, ("small", "lead"), MAIN, NOW) == Holders(("a",), (), ())


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (f"valid-until = {ENDED}", f"expired on {WHEN}"),
        (f"revoked = {ENDED}", f"revoked since {WHEN}"),
        (f"valid-from = {LATER}", f"not valid before {WHEN}"),
    ],
)
def test_a_key_that_does_not_count_now(times: str, why: str) -> None:
    late = f'roles = ["lead"]\n{times}'
    assert lead(policy({"a": late})) == Holders((), (), (Near("a", "a", why),))
    assert lead(policy({"a": late})).most == 0
    # Another key of the same holder counts: nobody is missing.
    assert lead(policy({"a": late, "b": 'roles = ["lead"]\nidentity = "a"'})) == Holders(("a",), (), ())
    scope = '[roles.small]\npaths = ["docs/"]'
    made = policy({"a": late, "b": 'roles = ["small"]\nidentity = "a"'}, scope)
    assert holders(made, ("lead", "small"), MAIN, NOW).not_now == ()


def test_a_delegation_makes_holders_until_it_ends() -> None:
    docs = 'paths = ["docs/"]'
    made = policy({"a": "helper"}, "", f"lead helper {LATER} {docs}")
    by = f"delegation of lead to helper, until {WHEN}"
    assert lead(made) == lead(made, MAIN, ("docs/x",)) == Holders((), (Near("a", "a", by),), ())
    assert lead(made, MAIN, ("src/",)) == Holders((), (), ())
    over = policy({"a": "helper"}, "", f"lead helper {ENDED} {docs}")
    ended = f"the delegation of lead to helper ended on {WHEN}"
    assert lead(over) == Holders((), (), (Near("a", "a", ended),))
    elsewhere = policy({"a": "helper"}, "", f'lead helper {LATER} refs = ["refs/heads/x"]')
    assert lead(elsewhere) == Holders((), (), ())
    assert lead(elsewhere, ("refs/heads/*",)).most == 1
    # Of two roles that are asked for, the one whose way is still open.
    half = policy({"a": "helper"}, "", f"lead helper {ENDED} {docs}", f"boss helper {LATER} {docs}")
    (near,) = holders(half, ("lead", "boss"), MAIN, NOW).limited
    assert near.why == f"delegation of boss to helper, until {WHEN}"


def test_limits_hold_along_the_whole_way() -> None:
    links = (
        'lead middle 2027-03-01T00:00:00Z paths = ["docs/"]',
        'middle helper 2027-02-01T00:00:00Z refs = ["refs/heads/**"]',
    )
    made = policy({"a": "helper"}, "", *links)
    (near,) = lead(made).limited
    assert near.why == "delegation of lead to middle, until 2027-02-01"
    assert lead(made, ("refs/tags/v1",)) == lead(made, MAIN, ("src/",)) == Holders((), (), ())
    for role in ("helper", "middle", "lead"):
        for limit in ('refs = ["refs/heads/x"]', 'paths = ["src/"]'):
            narrow = policy({"a": "helper"}, f"[roles.{role}]\n{limit}", *links)
            assert lead(narrow, MAIN, ("docs/",)) == Holders((), (), ()), (role, limit)


def test_the_shortest_way_and_all_the_roles_behind() -> None:
    links = [
        f'{each} 2027-01-01T00:00:00Z paths = ["docs/"]' for each in ("lead b", "b c", "lead c", "x c", "y x")
    ]
    made = policy({"a": 'roles = ["c", "other"]'}, "", *links)
    (key,) = made.keys
    way = way_to(made, key, "lead")
    assert way is not None
    assert (way.role, [(each.granter, each.to) for each in way.links]) == ("c", [("lead", "c")])
    far = way_to(made, key, "y")
    assert far is not None
    assert (far.role, [each.granter for each in far.links]) == ("c", ["x", "y"])
    own = way_to(made, key, "other")
    assert own is not None
    assert (own.role, own.links) == ("other", ())
    assert way_to(made, key, "nobody") is None
    assert roles_behind(made, ("lead",)) == {"lead", "b", "c"}
    assert roles_behind(made, ("y", "c")) == {"y", "x", "c"}
    assert roles_behind(made, ("c",)) == {"c"}
    assert roles_behind(made, ("y",)) == {"y", "x", "c"}
