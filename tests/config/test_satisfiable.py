"""Who is locked out: what nobody could ever meet is told, what somebody could is not."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lfci_gate.config import overlap
from lfci_gate.config.overlap import could_both_match
from lfci_gate.config.policy import parse_policy, unsatisfiable
from lfci_gate.config.satisfiable import problems, soon
from lfci_gate.model import Engine, Policy, PolicyKey, Protection, PublicKey, Requirement
from lfci_gate.patterns import PatternSet
from lfci_gate.value import replace
from tests.support.evidence import REPOSITORY, ed25519_signer

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
DAY = timedelta(days=1)
MAIN = "refs/heads/main"
TEST: dict[str, Any] = {"check": "test", "roles": ["agent"]}
DOCS = {"paths": ["docs/"]}
CHANGE = "a change of .lfci/policy.toml needs"
PLAIN = "neither limited nor delegated; there are 0"


def key(*roles: str, **more: Any) -> dict[str, Any]:
    return {"roles": list(roles), **more}


def policy(
    keys: dict[str, dict[str, Any]], *require: dict[str, Any], refs: str = MAIN, **more: Any
) -> Policy:
    """A policy with these keys, a maintainer, and one rule; `more` goes to its place by its name."""
    import tomli_w

    from lfci_gate.attest.keys import format_public

    top = {name: more.pop(name) for name in ("roles", "delegations") if name in more}
    rule = {"refs": refs.split(), "require": list(require or (TEST,)), **more}
    held = {"boss": key("maintainer"), **keys}
    value = {
        "version": 1,
        "repository": REPOSITORY,
        "keys": {
            name: {"public": format_public(ed25519_signer(name).public), **each}
            for name, each in held.items()
        },
        "rules": [rule],
        **top,
    }
    return parse_policy(tomli_w.dumps(value).encode())


TEMPLATE = policy({})


def told(made: Policy, **how: Any) -> list[str]:
    """What is wrong, without the rule's name in front."""
    found = unsatisfiable(made, **{"now": NOW, "head": MAIN, **how})
    assert all(each.startswith(f"rules[0] ({', '.join(made.rules[0].refs)}): ") for each in found)
    return [each.split("): ", 1)[1] for each in found]


def link(to: str, granter: str = "maintainer", until: datetime = NOW + DAY, **where: Any) -> dict[str, Any]:
    return {"from": granter, "to": to, "until": until, **(where or {"paths": ["**"]})}


# -- identities ------------------------------------------------------------------------------------


def test_keys_of_one_holder_are_one() -> None:
    two = TEST | {"threshold": 2}
    assert told(policy({"a": key("agent"), "b": key("agent")}, two)) == []
    same = {"a": key("agent"), "b": key("agent", identity="a")}
    assert told(policy(same, two)) == ["check test needs 2 identities with the role agent; there are 1"]
    alone = {"boss": key("maintainer"), "laptop": key("agent", identity="boss")}
    assert told(policy(alone)) == [
        f"{CHANGE} 2 different identities, to attest test and to approve; there are 1"
    ]
    # A second agent is enough: the boss's own run is then not needed.
    assert told(policy({**alone, "a": key("agent")})) == []


def test_several_checks_and_approvers_are_looked_at_together() -> None:
    """Each pair of them has two people, and yet whoever approves is needed for one of the checks."""
    lint = {"check": "lint", "roles": ["linter"]}
    keys = {"boss": key("maintainer", "agent"), "b": key("maintainer", "linter")}
    assert told(policy(keys, TEST, lint)) == [
        f"{CHANGE} approvers without whom every check is still attested; there are too few"
    ]
    assert told(policy({**keys, "c": key("linter")}, TEST, lint)) == []
    # Many who do everything: found out without trying all of them.
    crowd = {f"p{n}": key("maintainer", "agent", "linter") for n in range(60)}
    half = [TEST | {"threshold": 30}, lint | {"threshold": 30}]
    protect = [{"paths": [".lfci/"], "roles": ["maintainer"], "threshold": 31}]
    assert told(policy(crowd, *half, protect=protect)) == []
    protect[0]["threshold"] = 32  # boss approves beside 30 of them
    assert len(told(policy(crowd, *half, protect=protect))) == 1


def test_every_small_crowd_against_trying_everybody() -> None:
    """Two checks and an approval among up to four people: whoever approves, every check must still have its
    attesters."""
    kinds = [frozenset(each) for n in range(4) for each in itertools.combinations(("one", "two", "boss"), n)]
    asked = [Requirement(role, (role,), 1, (Engine.DEVELOP,), True, True) for role in ("one", "two")]
    for crowd in itertools.combinations_with_replacement(kinds, 4):
        keys = tuple(
            PolicyKey(f"p{n}", PublicKey("ed25519", bytes([n]), ""), tuple(held), None, None, None, f"p{n}")
            for n, held in enumerate(crowd)
        )
        for least in itertools.product((1, 2), repeat=3):
            require = tuple(replace(each, threshold=n) for each, n in zip(asked, least, strict=False))
            protect = (Protection((".lfci/",), ("boss",), least[2]),)
            rule = replace(TEMPLATE.rules[0], require=require, protect=protect)
            found = problems(replace(TEMPLATE, keys=keys, rules=(rule,)))
            assert (found == ()) == possible(crowd, least), (crowd, least, found)


def test_what_would_take_too_long_to_find_out_is_taken_for_possible() -> None:
    """A ring of people, each neighbours' pair with a check of its own: every second one can approve, and that
    nobody can find one more takes a hundred thousand tries."""
    people = 24
    checks = [{"check": f"c{n}", "roles": [f"r{n}"]} for n in range(people)]
    keys = {f"p{n}": key("maintainer", f"r{n}", f"r{(n + 1) % people}") for n in range(people)}
    keys["boss"] = key("nothing")
    for threshold in (people // 2, people // 2 + 1):
        protect = [{"paths": [".lfci/"], "roles": ["maintainer"], "threshold": threshold}]
        assert told(policy(keys, *checks, protect=protect)) == []


def possible(crowd: tuple[frozenset[str], ...], least: tuple[int, ...]) -> bool:
    everybody = range(len(crowd))
    bosses = [n for n in everybody if "boss" in crowd[n]]
    return any(
        all(
            sum(role in crowd[n] for n in everybody if n not in chosen) >= need
            for role, need in zip(("one", "two"), least, strict=False)
        )
        for chosen in itertools.combinations(bosses, least[2])
    )


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "counts"),
    [
        ({"valid-until": NOW}, False),
        ({"valid-until": NOW + timedelta(seconds=1)}, True),
        ({"valid-from": NOW + timedelta(seconds=1)}, False),
        ({"valid-from": NOW}, True),
        ({"revoked": NOW}, False),
        ({"revoked": NOW + timedelta(seconds=1)}, True),
    ],
)
def test_keys_that_do_not_count_now_meet_nothing(times: dict[str, Any], counts: bool) -> None:
    made = policy({"a": key("agent", **times)})
    assert (told(made) == []) == counts
    approver = policy({"a": key("agent"), "boss": key("maintainer", **times)})
    assert (told(approver) == []) == counts
    # Without the time only revoked keys are left out.
    assert (told(made, now=None) == []) == ("revoked" not in times)


def test_what_ends_soon_is_told() -> None:
    def ends(**times: Any) -> tuple[str, ...]:
        return soon(policy({"a": key("agent"), "boss": key("maintainer", **times)}), NOW, head=MAIN)

    assert ends() == ()
    assert ends(**{"valid-until": NOW + 15 * DAY}) == ()
    for times in ({"valid-until": NOW + 14 * DAY}, {"revoked": NOW + 14 * DAY}):
        (line,) = ends(**times)
        assert line.startswith("from 2026-12-07T05:40:00Z on nobody can meet the policy: rules[0] (")
        assert line.endswith(f"{CHANGE} 1 identity with the role maintainer; there are 0")
    # A successor in time; a gap between the two.
    for start, gap in ((NOW + 3 * DAY, False), (NOW + 4 * DAY, True)):
        keys = {
            "a": key("agent"),
            "boss": key("maintainer", **{"valid-until": NOW + 3 * DAY}),
            "next": key("maintainer", **{"valid-from": start}),
        }
        assert bool(soon(policy(keys), NOW, head=MAIN)) == gap
    delegated = policy(
        {"a": key("agent"), "lead": key("lead"), "boss": key("boss")},
        delegations=[link("lead", until=NOW + DAY)],
        protect=[{"paths": ["docs/"], "roles": ["maintainer"]}, {"paths": [".lfci/"], "roles": ["boss"]}],
    )
    assert "a change of docs/ needs 1 identity" in soon(delegated, NOW)[0]


# -- limited roles ---------------------------------------------------------------------------------


def test_a_role_that_is_limited_to_other_refs_meets_nothing() -> None:
    limited = {"agent": {"refs": ["refs/heads/wip", "refs/heads/docs/*"]}}
    for refs in (f"{MAIN} refs/heads/docs/x", f"refs/heads/docs/x {MAIN}"):
        assert told(policy({"a": key("agent")}, refs=refs, roles=limited), head=None) == [
            "check test on refs/heads/main needs 1 identity with the role agent; there are 0"
        ]
    assert told(policy({"a": key("agent")}, refs="refs/heads/docs/**", roles=limited), head=None) == []
    there = policy({"a": key("agent")}, refs="refs/tags/docs/x", roles=limited)
    assert told(there, head=None) == ["check test needs 1 identity with the role agent; there are 0"]
    agreed = policy({"a": key("agent"), "b": key("free")}, TEST | {"roles": ["agent", "free"]}, roles=limited)
    assert told(agreed) == []


def test_a_role_whose_table_says_nothing_is_not_limited() -> None:
    assert told(policy({"a": key("agent")}, roles={"agent": {}, "maintainer": {}})) == []


def test_what_is_told_of_policies_without_limits() -> None:
    refs = f"{MAIN} refs/heads/x"
    protect = [{"paths": ["a", "b", "c", "d"], "roles": ["lead"]}]
    assert told(policy({}, refs=refs, protect=protect)) == [
        "check test needs 1 identity with the role agent; there are 0",
        "a change of a, b, c needs 1 identity with the role lead; there are 0",
    ]
    # Of several checks the one is named for which there are too few.
    lint = {"check": "lint", "roles": ["linter"], "threshold": 2}
    keys = {"a": key("agent"), "b": key("agent"), "boss": key("linter", "maintainer"), "c": key("linter")}
    said = f"{CHANGE} 3 different identities, to attest lint and to approve; there are 2"
    assert told(policy(keys, TEST, lint)) == told(policy(keys, lint, TEST)) == [said]


def test_the_policy_of_head_s_branch_has_to_be_changed_by_plain_roles() -> None:
    limited = {"agent": {"paths": ["**"]}}
    made = policy({"a": key("agent")}, roles=limited)
    assert told(made) == [f"{CHANGE} check test by 1 identity with the role agent, {PLAIN}"]
    # Any other branch is only there for what its people may change.
    assert told(made, head="refs/heads/other") == told(made, head=None) == []
    assert (
        told(
            policy({"a": key("agent"), "b": key("free")}, TEST | {"roles": ["agent", "free"]}, roles=limited)
        )
        == []
    )
    maintainer = policy({"a": key("agent")}, roles={"maintainer": {"refs": ["refs/heads/**"]}})
    assert told(maintainer) == [f"{CHANGE} 1 identity with the role maintainer, {PLAIN}"]
    assert told(maintainer, head=None) == told(maintainer)
    folder = [{"paths": [".lfci/"], "roles": ["maintainer"]}]
    maintainer = policy({"a": key("agent")}, protect=folder, roles={"maintainer": {"paths": ["**"]}})
    assert told(maintainer) == [f"{CHANGE} 1 identity with the role maintainer, {PLAIN}"]
    helped = policy({"a": key("agent"), "lead": key("lead"), "boss": key("x")}, delegations=[link("lead")])
    assert "neither limited nor delegated; there are 0" in told(helped)[0]


def test_a_protected_path_that_no_limited_role_reaches() -> None:
    lead = {"lead": DOCS}
    keys = {"a": key("agent"), "l": key("lead")}

    def protecting(*paths: str, **more: Any) -> list[str]:
        protect = [{"paths": list(paths), "roles": ["lead"]}]
        return told(policy(keys, protect=protect, **{"roles": lead, **more}))

    assert protecting("docs/") == protecting("docs/guide/*.md", "**/x") == protecting("*/x.md") == []
    assert protecting("docs/", "src/") == [
        "a change of src/ needs 1 identity with the role lead; there are 0"
    ]
    assert protecting("src/", "!src/x", "docs") == [
        "a change of src/ needs 1 identity with the role lead; there are 0",
        "a change of docs needs 1 identity with the role lead; there are 0",
    ]
    assert protecting("src/", delegations=[link("lead", "other")]) != []
    # Whoever may not attest a change of the path leaves nobody to attest it.
    narrow = policy(
        {"a": key("agent"), "b": key("plain")},
        refs="refs/heads/x",
        roles={"agent": DOCS},
        protect=[{"paths": ["src/"], "roles": ["maintainer"]}],
    )
    assert told(narrow) == [
        "a change of src/ needs check test by 1 identity with the role agent; there are 0"
    ]


def test_delegations_reach_as_far_as_both_ends() -> None:
    keys = {"a": key("agent"), "l": key("lead"), "boss": key("boss")}
    protect = [{"paths": ["docs/"], "roles": ["maintainer"]}, {"paths": [".lfci/"], "roles": ["boss"]}]

    def reaches(*links: dict[str, Any], **roles: Any) -> bool:
        return not told(policy(keys, protect=protect, delegations=list(links), roles=roles))

    assert reaches(link("lead", **DOCS))
    assert reaches(link("lead", refs=[MAIN]))
    assert reaches(link("lead", "middle"), link("middle"))
    assert reaches(link("middle"), link("lead", "middle"))
    assert reaches(link("lead", paths=["src/", "docs/x"]), lead={"paths": ["src/", "docs/"]})
    assert not reaches()
    assert not reaches(link("lead", until=NOW))
    ended = policy(keys, protect=protect, delegations=[link("lead", until=NOW)])
    assert told(ended, now=None) == []  # nobody knows what time it is
    assert not reaches(link("lead", paths=["src/"]))
    assert not reaches(link("lead", refs=["refs/heads/x"]))
    assert not reaches(link("lead"), lead={"paths": ["src/"]})
    assert not reaches(link("lead"), maintainer={"paths": ["src/"]})
    assert not reaches(link("lead", "middle"), link("middle", until=NOW))


# -- assurance, pushers, break-glass -------------------------------------------------------------------


@pytest.mark.parametrize("assurance", ["derived", "rebuilt"])
def test_somebody_else_has_to_verify(assurance: str) -> None:
    asked = TEST | {"assurance": assurance}
    other = "check test needs for each attester another identity that verifies"
    assert told(policy({"a": key("agent")}, asked)) == [
        f"{other}, 1 identity with the role verifier; there are 0"
    ]
    assert told(policy({"a": key("agent"), "v": key("verifier")}, asked)) == []
    assert told(policy({"a": key("agent"), "v": key("farm")}, asked | {"verifiers": ["farm"]})) == []
    itself = {"a": key("agent"), "v": key("verifier", identity="a")}
    assert "another identity that verifies" in told(policy(itself, asked))[0]
    assert told(policy({"a": key("agent", "verifier"), "b": key("agent", "verifier")}, asked)) == []
    # One of two attesters is the only verifier: only the other's run can be verified.
    pair = {"a": key("agent", "verifier"), "b": key("agent")}
    assert told(policy(pair, asked)) == []
    assert len(told(policy(pair, asked | {"threshold": 2}))) == 1
    # And then the other must not be the only approver.
    approving = {"a": key("agent", "verifier"), "boss": key("agent", "maintainer")}
    assert "2 different identities" in told(policy(approving, asked))[0]
    assert told(policy({**approving, "b": key("agent")}, asked)) == []


def test_corroboration_needs_its_number_of_holders() -> None:
    asked = TEST | {"assurance": "corroborated", "threshold": 2}
    assert told(policy({"a": key("agent"), "b": key("agent")}, asked)) == []
    assert len(told(policy({"a": key("agent"), "b": key("agent", identity="a")}, asked))) == 1


def test_a_pusher_has_to_have_something_to_attest() -> None:
    keys = {"a": key("agent")}
    assert told(policy(keys, pusher="attester")) == []
    assert told(policy(keys, require=[])) == []
    assert told(policy(keys, pusher="attester", require=[])) == [
        "nobody attests anything, and pusher is attester"
    ]


def test_break_glass_needs_its_number_of_holders() -> None:
    glass = {"roles": ["maintainer"], "longest": "4h", "waives": ["checks"]}
    keys = {"a": key("agent"), "second": key("maintainer")}
    limited = policy(keys, **{"break-glass": glass}, roles={"maintainer": {"refs": ["refs/heads/x"]}})
    assert told(policy(keys, **{"break-glass": glass})) == []
    assert told(policy({"a": key("agent")}, **{"break-glass": glass})) == [
        "break-glass needs 2 identities with the role maintainer; there are 1"
    ]
    keys["second"]["identity"] = "boss"
    assert len(told(policy(keys, **{"break-glass": glass}))) == 1
    assert "break-glass needs 2 identities with the role maintainer; there are 0" in told(limited)


# -- whether two patterns meet ---------------------------------------------------------------------


def test_patterns_meet_where_one_path_is_in_both() -> None:
    """All pairs of short patterns against all short paths; a path of both is at most as deep as the two
    patterns together."""
    overlap._could.cache_clear()
    names = ["a", "*", "?", "a*", "*b", "**"]
    patterns = []
    for parts in (*itertools.product(names, repeat=1), *itertools.product(names, repeat=2), ("a", "**", "b")):
        if not any(one == other == "**" for one, other in itertools.pairwise(parts)):
            patterns.append("/".join(parts))
    patterns += ["a/", "*/b/"]
    words = ["a", "b", "ab", "c"]
    paths = [
        "/".join(each).encode() for depth in (1, 2, 3, 4) for each in itertools.product(words, repeat=depth)
    ]
    held = {
        each: {n for n, path in enumerate(paths) if PatternSet([each]).matches(path)} for each in patterns
    }
    for one, other in itertools.combinations_with_replacement(patterns, 2):
        met = not held[one].isdisjoint(held[other])
        assert could_both_match(one, other) == could_both_match(other, one) == met, (one, other)
