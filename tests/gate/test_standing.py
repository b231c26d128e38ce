"""Limited roles and delegations: which roles a key has for a change, and why. Values in, roles out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.gate.standing import RolesForChange, roles_for, standing
from lfci_gate.model import Delegation, Policy, PolicyKey, RoleScope, Sha256
from tests.support.evidence import ALICE, REPOSITORY

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
MAIN = "refs/heads/main"
DOCS = (b"docs/a.md", b"docs/b/c.md")


def policy(*parts: RoleScope | Delegation) -> Policy:
    return Policy(
        version=1,
        repository=REPOSITORY,
        keys=(),
        rules=(),
        bootstrap="report",
        digest=Sha256(""),
        roles=tuple(each for each in parts if isinstance(each, RoleScope)),
        delegations=tuple(each for each in parts if isinstance(each, Delegation)),
    )


def key(*roles: str) -> PolicyKey:
    return PolicyKey("k", ALICE.public, roles, None, None, None, "k")


def limited(role: str, refs: str = "", paths: str = "") -> RoleScope:
    return RoleScope(role, tuple(refs.split()), tuple(paths.split()))


def link(granter: str, to: str, refs: str = "", paths: str = "**", until: datetime = LATER) -> Delegation:
    return Delegation(granter, to, tuple(refs.split()), tuple(paths.split()), until)


def roles(
    policy: Policy,
    key: PolicyKey,
    paths: Collection[bytes] = DOCS,
    ref: str = MAIN,
    now: datetime = NOW,
) -> set[str]:
    """The roles; that every explanation agrees with them is held on the way."""
    found = roles_for(policy, key, ref, lambda: paths, now)
    known = {*key.roles, *(each.granter for each in policy.delegations), "unheard-of"}
    for role in known:
        told = standing(policy, key, role, ref, lambda: paths, now)
        assert (told.role, told.held) == (role, role in found)
        assert told.why
    return set(found)


def never() -> Collection[bytes]:
    raise AssertionError("the changed paths were asked for")


# -- limited roles ---------------------------------------------------------------------------------


def test_a_role_without_limits_counts_everywhere() -> None:
    plain = policy(limited("other", "refs/heads/x", "x/"), limited("free"))
    assert roles(plain, key("agent", "free")) == {"agent", "free"}
    assert roles_for(plain, key("agent", "free"), MAIN, never, NOW) == {"agent", "free"}
    assert standing(plain, key("agent"), "agent", MAIN, never, NOW).why == "it is a role of the key"


def test_a_limited_role_needs_its_ref() -> None:
    there = policy(limited("docs", "refs/heads/docs/* refs/heads/wip"))
    assert roles(there, key("docs"), ref="refs/heads/docs/x") == {"docs"}
    assert roles(there, key("docs"), ref="refs/heads/wip") == {"docs"}
    assert roles(there, key("docs", "agent"), ref=MAIN) == {"agent"}
    # Where the ref says no, no path is asked for.
    assert roles_for(there, key("docs"), MAIN, never, NOW) == set()
    told = standing(there, key("docs"), "docs", MAIN, lambda: DOCS, NOW)
    assert told.why == "the role docs counts only for refs/heads/docs/*, refs/heads/wip"


def test_a_limited_role_needs_every_path() -> None:
    here = policy(limited("docs", paths="docs/ !docs/secret"))
    assert roles(here, key("docs")) == {"docs"}
    assert standing(here, key("docs"), "docs", MAIN, lambda: DOCS, NOW).why == "its limits cover the change"
    assert roles(here, key("docs"), paths=()) == {"docs"}
    for other in (b"src/x", b"docs", b"Docs/a.md", b"docs/secret", b"docs2/x", b"a/docs/x"):
        assert roles(here, key("docs"), paths=(*DOCS, other)) == set(), other
    told = standing(here, key("docs"), "docs", MAIN, lambda: (b"docs/a", b"src/\xff"), NOW)
    assert "counts only for changes of docs/, !docs/secret, and src/\\xff changed" in told.why


def test_a_role_may_be_limited_in_both_ways() -> None:
    both = policy(limited("docs", "refs/heads/docs/*", "docs/"))
    assert roles(both, key("docs"), ref="refs/heads/docs/x") == {"docs"}
    assert roles(both, key("docs")) == set()
    assert roles(both, key("docs"), ref="refs/heads/docs/x", paths=(b"x",)) == set()


# -- delegations -----------------------------------------------------------------------------------


def test_a_delegation_gives_the_role_of_who_grants() -> None:
    one = policy(link("maintainer", "lead", paths="docs/"))
    assert roles(one, key("lead")) == {"lead", "maintainer"}
    assert roles(one, key("maintainer")) == {"maintainer"}  # and not the other way round
    assert roles(one, key("agent")) == {"agent"}
    assert roles(one, key("lead"), paths=(*DOCS, b"src/x")) == {"lead"}
    assert roles_for(one, key("agent"), MAIN, never, NOW) == {"agent"}
    assert standing(one, key("lead"), "maintainer", MAIN, lambda: DOCS, NOW).why == (
        "by delegation: maintainer to lead until 2026-11-24T05:40:00Z"
    )


def test_a_delegation_has_an_end_a_place_and_paths() -> None:
    def why(one: Delegation, paths: Collection[bytes] = DOCS) -> str:
        assert roles(policy(one), key("lead"), paths) == {"lead"}
        return standing(policy(one), key("lead"), "maintainer", MAIN, lambda: paths, NOW).why

    assert why(link("maintainer", "lead", until=NOW)) == (
        "the delegation of maintainer to lead ended at 2026-11-23T05:40:00Z"
    )
    assert roles(policy(link("maintainer", "lead", until=NOW + timedelta(seconds=1))), key("lead")) == {
        "lead",
        "maintainer",
    }
    assert "to lead counts only for refs/heads/x" in why(link("maintainer", "lead", "refs/heads/x"))
    assert "to lead counts only for changes of src/, and docs/a.md changed" in why(
        link("maintainer", "lead", paths="src/")
    )
    assert standing(policy(), key("lead"), "maintainer", MAIN, never, NOW).why == "the key has only lead"


def test_every_link_of_a_chain_has_to_hold() -> None:
    links = [link(f"r{n}", f"r{n + 1}", "refs/heads/*", "docs/") for n in range(8)]
    assert roles(policy(*links), key("r8")) == {f"r{n}" for n in range(9)}
    assert roles(policy(*links[::-1]), key("r8")) == {f"r{n}" for n in range(9)}
    for n in range(8):
        for broken in (
            link(f"r{n}", f"r{n + 1}", "refs/heads/other"),
            link(f"r{n}", f"r{n + 1}", paths="docs/b/"),
            link(f"r{n}", f"r{n + 1}", until=NOW),
        ):
            chain = [*links[:n], broken, *links[n + 1 :]]
            assert roles(policy(*chain), key("r8")) == {f"r{m}" for m in range(n + 1, 9)}
            told = standing(policy(*chain), key("r8"), "r0", MAIN, lambda: DOCS, NOW)
            assert f"the delegation of r{n} to r{n + 1}" in told.why


def test_there_may_be_several_ways() -> None:
    ways = policy(
        link("m", "a", until=NOW),
        link("m", "b", paths="src/"),
        link("b", "a"),
        link("m", "c"),
        link("c", "a"),
    )
    assert roles(ways, key("a")) == {"a", "b", "c", "m"}
    assert "m to c until" in standing(ways, key("a"), "m", MAIN, lambda: DOCS, NOW).why
    # The way that is told begins with a role that counts.
    two = policy(limited("a", paths="src/"), link("m", "a"), link("m", "b"))
    assert "m to b until" in standing(two, key("a", "b"), "m", MAIN, lambda: DOCS, NOW).why


def test_a_delegation_of_a_limited_role_stays_within_its_limits() -> None:
    narrow = limited("docs", paths="docs/")
    assert roles(policy(narrow, link("docs", "helper")), key("helper")) == {"helper", "docs"}
    assert roles(policy(narrow, link("docs", "helper")), key("helper"), paths=(b"src/x",)) == {"helper"}
    told = standing(policy(narrow, link("docs", "helper")), key("helper"), "docs", MAIN, lambda: (b"x",), NOW)
    assert told.why == "the role docs counts only for changes of docs/, and x changed"
    # And so does one to a limited role, whose limits may be narrower than the delegation's.
    there = policy(limited("helper", paths="docs/b/"), link("m", "helper", paths="docs/"))
    assert roles(there, key("helper")) == set()
    assert roles(there, key("helper"), paths=(b"docs/b/c",)) == {"helper", "m"}
    told = standing(there, key("helper"), "m", MAIN, lambda: DOCS, NOW)
    assert told.why == "the role helper counts only for changes of docs/b/, and docs/a.md changed"


# -- the policy file -------------------------------------------------------------------------------


def test_the_policy_file_changes_by_plain_roles_only() -> None:
    grown = (b".lfci/policy.toml",)
    everything = policy(
        limited("scoped", paths="**"), limited("placed", "refs/heads/main"), link("m", "lead")
    )
    assert roles(everything, key("scoped", "placed", "lead"), paths=DOCS) == {"scoped", "placed", "lead", "m"}
    for paths in (grown, (*DOCS, *grown)):
        assert roles(everything, key("scoped", "placed", "lead"), paths=paths) == {"lead"}
    told = standing(everything, key("lead"), "m", MAIN, lambda: grown, NOW)
    assert told.why == "a change of the policy file counts by no limited or delegated role"
    assert roles(everything, key("lead"), paths=(b".lfci/policy.toml.bak",)) == {"lead", "m"}


# -- many keys, many paths -------------------------------------------------------------------------


def test_paths_are_asked_for_once() -> None:
    asked = []

    def changed() -> Collection[bytes]:
        asked.append(1)
        return (b"src/x",)

    here = RolesForChange(policy(limited("docs", paths="docs/"), link("m", "docs")), MAIN, changed, NOW)
    other = PolicyKey("other", ALICE.public, ("docs", "agent"), None, None, None, "other")
    assert (here.of(key("docs")), here.of(other), here.of(key("docs"))) == (set(), {"agent"}, set())
    assert here.lacks(other, ("agent",)) == ""
    why = "the role docs counts only for changes of docs/, and src/x changed"
    for wanted in (("m", "docs"), ("unheard-of", "docs"), ("docs", "unheard-of")):
        assert here.lacks(other, wanted) == f"key other is no {' or '.join(wanted)} here: {why}"
    only = "key other is no x or m here: the key has only docs, agent"
    assert here.lacks(other, ("x", "m")) == only
    assert len(asked) == 1


@st.composite
def powers(draw: st.DrawFn) -> Policy:
    names = ["a", "b", "c", "d", "e"]
    refs = st.sampled_from(["", "refs/heads/main", "refs/heads/x"])
    paths = st.sampled_from(["**", "docs/", "src/", "docs/ src/"])
    pairs = draw(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda p: p[0] < p[1]), max_size=6)
    )
    until = st.sampled_from([NOW, LATER])
    links = [link(names[one], names[two], draw(refs), draw(paths), draw(until)) for one, two in pairs]
    limits = draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
    return policy(*links, *(limited(name, draw(refs), draw(paths)) for name in limits))


@given(
    powers(),
    st.sets(st.sampled_from("abcde"), min_size=1),
    st.sets(st.sampled_from([b"docs/x", b"src/x", b"other", b".lfci/policy.toml"])),
)
@settings(max_examples=60, deadline=None)
def test_more_changed_paths_never_give_more_roles(made: Policy, held: set[str], paths: set[bytes]) -> None:
    mine = key(*sorted(held))
    found = roles(made, mine, sorted(paths))
    assert found <= roles(made, mine, ())
    for path in paths:
        assert found <= roles(made, mine, sorted(paths - {path}))
    gained = found - held
    granted = {each.granter for each in made.delegations if each.until > NOW}
    assert gained <= granted
    if b".lfci/policy.toml" in paths:
        assert found == held - {each.role for each in made.roles if each.refs or each.paths}


@pytest.mark.parametrize("length", [64])
def test_many_delegations_are_followed_quickly_enough(length: int) -> None:
    """Every role to every later one: the ways are more than anybody counts, the roles are not."""
    names = [f"r{n}" for n in range(9)]
    links = [link(one, two) for n, one in enumerate(names) for two in names[n + 1 :]] * (length // 9)
    assert roles(policy(*links), key("r8")) == set(names)
