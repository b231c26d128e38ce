"""`.lfci/policy.toml`: what is read, what is refused, which rule counts, and lock-outs."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import subprocess
import sys
import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.attest.keys import parse_public
from lfci_gate.config.policy import format_policy, parse_policy, rule_for, unsatisfiable
from lfci_gate.errors import UsageError
from lfci_gate.model import (
    Assurance,
    BreakGlass,
    Delegation,
    Engine,
    Policy,
    PolicyKey,
    Protection,
    Requirement,
    RoleScope,
    Rule,
    Sha256,
)
from lfci_gate.value import replace

UUID = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"
HEAD = f'version = 7\nrepository = "{UUID}"\n'


def line_of(raw: str) -> str:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes.fromhex(raw)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


# Public keys of RFC 8032, section 7.1, tests 1 to 4 and of the 1024-byte test.
LINES = [
    line_of("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    line_of("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
    line_of("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    line_of("278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e"),
    line_of("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"),
]
PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)

EXAMPLE = f"""{HEAD}
[keys.alice]
public = "{LINES[0]}"
roles = ["maintainer"]
[keys.agent-7]
public = "{LINES[1]} agent-7@example.org"
roles = ["agent"]
valid-from = 2026-01-01T00:00:00Z
valid-until = 2027-01-01T00:00:00Z
[keys.old-runner]
public = "{LINES[2]}"
roles = ["runner"]
revoked = 2026-10-02T00:00:00Z

[[rules]]
refs = ["refs/heads/main", "refs/heads/release/*"]
scope = "tip"
max-age = "7d"
bind = []
update = "fast-forward"
[[rules.require]]
check = "test"
roles = ["agent", "runner"]
threshold = 1
engines = ["develop", "build"]
hermetic = true
report = "required"
[[rules.protect]]
paths = ["flake.nix", "flake.lock", ".lfci/", "tests/", "**/*.lock"]
roles = ["maintainer"]
threshold = 1
[rules.tests]
removed = "approval"
[rules.dependencies]
unpinned = "refuse"
[rules.nix]
minimum = "2.18"
"""

RULE = '[[rules]]\nrefs = ["refs/heads/main"]\n'
REQUIRE = RULE + '[[rules.require]]\ncheck = "test"\nroles = ["agent"]\n'
PROTECT = RULE + '[[rules.protect]]\npaths = ["tests/"]\nroles = ["maintainer"]\n'


DELEGATION = '[[delegations]]\nfrom = "a"\nto = "b"\nuntil = 2027-01-01T00:00:00Z\npaths = ["docs/"]\n'
BREAK = '[rules.break-glass]\nroles = ["maintainer"]\nlongest = "4h"\nwaives = ["checks"]\n'


def key(name: str, number: int, more: str = 'roles = ["agent"]') -> str:
    return f'[keys.{name}]\npublic = "{LINES[number]}"\n{more}\n'


def parse(text: str) -> Policy:
    return parse_policy((HEAD + text).encode("utf-8"))


def refused(text: str | bytes) -> str:
    data = text.encode("utf-8") if isinstance(text, str) else text
    with pytest.raises(UsageError) as caught:
        parse_policy(data)
    assert caught.value.code == "LFCI202"
    assert caught.value.message.isascii()
    assert caught.value.message.startswith(".lfci/policy.toml: ")
    return caught.value.message


def test_the_example_of_the_formats_page() -> None:
    policy = parse_policy(EXAMPLE.encode())
    assert (policy.version, policy.repository, policy.bootstrap) == (7, UUID, "report")
    assert policy.digest == hashlib.sha256(EXAMPLE.encode()).hexdigest()
    assert [each.name for each in policy.keys] == ["agent-7", "alice", "old-runner"]
    agent = policy.keys[0]
    assert agent.public == parse_public(LINES[1])
    assert agent.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert agent.valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    assert policy.keys[2].revoked == datetime(2026, 10, 2, tzinfo=UTC)
    assert policy.rules == (
        Rule(
            refs=("refs/heads/main", "refs/heads/release/*"),
            scope="tip",
            max_age_s=7 * 86400,
            bind=(),
            update="fast-forward",
            require=(
                Requirement("test", ("agent", "runner"), 1, (Engine.DEVELOP, Engine.BUILD), True, True),
            ),
            protect=(
                Protection(("flake.nix", "flake.lock", ".lfci/", "tests/", "**/*.lock"), ("maintainer",), 1),
            ),
            tests_removed="approval",
            dependencies_unpinned="refuse",
            nix_minimum="2.18",
            gitlinks=False,
        ),
    )


def test_defaults_are_the_strict_ones() -> None:
    (rule,) = parse(REQUIRE).rules
    assert (rule.scope, rule.max_age_s, rule.bind, rule.update) == ("tip", None, (), "fast-forward")
    assert rule.require == (Requirement("test", ("agent",), 1, (Engine.DEVELOP, Engine.BUILD), True, True),)
    assert (rule.protect, rule.nix_minimum, rule.gitlinks) == ((), None, False)
    assert (rule.tests_removed, rule.dependencies_unpinned) == ("allow", "allow")
    assert parse("").keys == parse("").rules == ()


def test_everything_can_be_said() -> None:
    (rule,) = parse(
        RULE + 'scope = "each"\nbind = ["ref", "base"]\nupdate = "any"\ngitlinks = true\nmax-age = "36h"\n'
        '[[rules.require]]\ncheck = "lint"\nroles = ["b", "a"]\nthreshold = 2\nengines = ["build"]\n'
        'hermetic = false\nreport = "optional"\nmax-attempts = 3\nquarantine = "allow"\n'
    ).rules
    assert (rule.scope, rule.bind, rule.update, rule.gitlinks) == ("each", ("base", "ref"), "any", True)
    assert rule.max_age_s == 36 * 3600
    asked = Requirement("lint", ("a", "b"), 2, (Engine.BUILD,), False, False, max_attempts=3, quarantine=True)
    assert rule.require == (asked,)
    assert parse('bootstrap = "approval"\n').bootstrap == "approval"


def test_who_acts_for_whom_can_be_said() -> None:
    policy = parse(
        key("laptop", 0, 'roles = ["maintainer"]\nidentity = "alice"\npushers = ["b@example.com", "a"]')
        + key("server", 1, 'roles = ["docs-lead"]\nidentity = "alice"')
        + key("bob", 2)
        + """
[roles.docs-agent]
refs = ["refs/heads/docs/*"]
paths = ["docs/", "!docs/x"]
[roles.any-docs]
paths = ["docs/"]
[roles.free]
[[delegations]]
from = "maintainer"
to = "docs-lead"
refs = ["refs/heads/main"]
paths = ["docs/"]
until = 2027-01-01T00:00:00Z
[[delegations]]
from = "docs-lead"
to = "docs-agent"
paths = ["docs/"]
until = 2026-01-01T00:00:00Z
"""
        + REQUIRE.replace("main", "x")
        + 'assurance = "rebuilt"\nverifiers = ["v2", "v1"]\n'
        '[[rules.require]]\ncheck = "lint"\nroles = ["agent"]\nassurance = "corroborated"\nthreshold = 2\n'
        '[[rules.require]]\ncheck = "docs"\nroles = ["agent"]\nassurance = "derived"\n'
        '[rules.break-glass]\nroles = ["maintainer"]\nlongest = "7d"\nwaives = ["tests", "checks"]\n'
        + RULE
        + 'pusher = "attester"\n[rules.break-glass]\nroles = ["m"]\nthreshold = 3\nlongest = "90m"\n'
        'waives = ["approvals", "dependencies"]\n'
    )
    assert [(each.name, each.identity, each.pushers) for each in policy.keys] == [
        ("bob", "bob", ()),
        ("laptop", "alice", ("a", "b@example.com")),
        ("server", "alice", ()),
    ]
    assert policy.roles == (
        RoleScope("any-docs", (), ("docs/",)),
        RoleScope("docs-agent", ("refs/heads/docs/*",), ("docs/", "!docs/x")),
        RoleScope("free", (), ()),
    )
    assert policy.delegations == (
        Delegation(
            "maintainer", "docs-lead", ("refs/heads/main",), ("docs/",), datetime(2027, 1, 1, tzinfo=UTC)
        ),
        Delegation("docs-lead", "docs-agent", (), ("docs/",), datetime(2026, 1, 1, tzinfo=UTC)),
    )
    first, second = policy.rules
    assert [(each.assurance, each.verifiers) for each in first.require] == [
        (Assurance.REBUILT, ("v1", "v2")),
        (Assurance.CORROBORATED, ("verifier",)),
        (Assurance.DERIVED, ("verifier",)),
    ]
    assert (first.pusher, first.break_glass) == (
        "any",
        BreakGlass(("maintainer",), 2, 7 * 86400, ("checks", "tests")),
    )
    assert (second.pusher, second.break_glass) == (
        "attester",
        BreakGlass(("m",), 3, 5400, ("approvals", "dependencies")),
    )


def chain(length: int, *more: str) -> str:
    links = [*(f"{number} {number + 1}" for number in range(length)), *more]
    return "".join(
        f'[[delegations]]\nfrom = "r{link.split()[0]}"\nto = "r{link.split()[1]}"\n'
        'paths = ["docs/"]\nuntil = 2027-01-01T00:00:00Z\n'
        for link in links
    )


def test_delegations_end_somewhere() -> None:
    assert len(parse(chain(8)).delegations) == 8
    # Two ways to one role, a role that is reached early and late: no circle.
    assert len(parse(chain(4, "0 2", "0 4", "9 8", "8 0")).delegations) == 8
    assert "delegations: are more than 8 one after the other" in refused(HEAD + chain(9))
    assert "are more than 8 one after the other" in refused(
        HEAD + chain(4, "20 0", "4 10", "10 11", "11 12", "12 13")
    )
    for circle in (chain(0, "1 1"), chain(1, "1 0"), chain(8, "8 0"), chain(3, "7 8", "8 9", "9 7")):
        assert "delegations: go round in a circle (" in refused(HEAD + circle)
    # One that begins outside of itself, and one whose roles are too many to name.
    assert "(r1, r2)" in refused(HEAD + chain(0, "1 2", "2 1", "1 3"))
    assert "(r0, r1, r2, r3)" in refused(HEAD + chain(5, "5 0"))
    assert "(r7, r8, r9)" in refused(HEAD + chain(3, "7 8", "8 9", "9 7"))


def test_as_many_roles_as_allowed() -> None:
    assert len(parse("".join(f"[roles.r{n}]\n" for n in range(256))).roles) == 256


def test_one_holder_has_one_identity() -> None:
    alice = key("alice", 0)
    same = parse(alice + key("laptop", 1, 'roles = ["x"]\nidentity = "alice"'))
    assert [each.identity for each in same.keys] == ["alice", "alice"]
    # `alice` is held by bob, so a key that says it is of `alice` says nothing clear.
    swapped = key("alice", 0, 'roles = ["x"]\nidentity = "bob"')
    assert [each.identity for each in parse(swapped).keys] == ["bob"]
    says = "keys.laptop.identity: alice is the name of a key whose identity is bob"
    assert says in refused(HEAD + swapped + key("laptop", 1, 'roles = ["x"]\nidentity = "alice"'))


def test_a_pusher_is_one_holder() -> None:
    def two(first: str, second: str) -> str:
        return key("a", 0, f"roles = ['x']\n{first}") + key("b", 1, f"roles = ['x']\n{second}")

    assert len(parse(two("pushers = ['p']", "pushers = ['p']\nidentity = 'a'")).keys) == 2
    assert "keys.b.pushers: 'p' is also a pusher of a" in refused(
        HEAD + two("pushers = ['p']", "pushers = ['p']")
    )
    assert "keys.b.pushers: 'a' is also a pusher of a" in refused(HEAD + two("", "pushers = ['a']"))
    assert "keys.b.pushers: 'b' is also a pusher of a" in refused(HEAD + two("pushers = ['b']", ""))


def test_a_key_may_be_pem() -> None:
    policy = parse(f'[keys.alice]\npublic = """\n{PEM}"""\nroles = ["maintainer"]\n')
    assert policy.keys[0].public == parse_public(LINES[0])


@pytest.mark.parametrize("second", [LINES[0], LINES[0] + " other comment", PEM.replace("\n", "\\n")])
def test_one_key_under_two_names_is_refused(second: str) -> None:
    text = HEAD + key("alice", 0) + f'[keys.bob]\npublic = "{second}"\nroles = ["maintainer"]\n'
    assert "keys.bob.public: is the same key as keys.alice" in refused(text)


SMALL_ORDER = line_of("01" + "00" * 31)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "version: is missing"),
        ("version = 1", "repository: is missing"),
        (f'version = 0\nrepository = "{UUID}"', "version: must be from 1"),
        (f'version = 9007199254740992\nrepository = "{UUID}"', "version: must be from 1"),
        (f'version = true\nrepository = "{UUID}"', "must be an integer"),
        (f'version = 7.0\nrepository = "{UUID}"', "floating"),
        (f'version = 1\nrepository = "{UUID.upper()}"', "UUID in lower case"),
        (f'version = 1\nrepository = "{UUID}\\n"', "UUID in lower case"),
        ('version = 1\nrepository = ""', "UUID in lower case"),
        (HEAD + "bootstrap = 'none'", "one of report, approval"),
        (HEAD + "extra = 1", "unknown key 'extra'"),
        (HEAD + "keys = []", "keys: must be a table"),
        (HEAD + "rules = {}", "rules: must be an array"),
        (HEAD + key("Alice", 0), "'Alice' is not a name"),
        (HEAD + key("'a b'", 0), "is not a name"),
        (HEAD + key("a", 0, ""), "keys.a.roles: is missing"),
        (HEAD + key("a", 0, "roles = []"), "keys.a.roles: is empty"),
        (HEAD + key("a", 0, "roles = ['x', 'x']"), "twice"),
        (HEAD + key("a", 0, "roles = ['X']"), "is not a name"),
        (HEAD + key("a", 0, "roles = 'x'"), "must be an array"),
        (HEAD + key("a", 0, "roles = ['x']\nextra = 1"), "unknown key 'extra'"),
        (HEAD + '[keys.a]\nroles = ["x"]', "public: is missing"),
        (HEAD + '[keys.a]\nroles = ["x"]\npublic = "ssh-rsa AAAA"', "keys.a.public: "),
        (HEAD + '[keys.a]\nroles = ["x"]\npublic = ""', "keys.a.public: "),
        (HEAD + f'[keys.a]\nroles = ["x"]\npublic = "{SMALL_ORDER}"', "small order"),
        (HEAD + f'[keys.a]\nroles = ["x"]\npublic = "{LINES[0]}\\u0000"', "control characters"),
        *(
            (HEAD + key("a", 0, f"roles = ['x']\nvalid-from = {time}"), "keys.a.valid-from: ")
            for time in (
                "2026-01-01T00:00:00",
                "2026-01-01",
                "00:00:00",
                '"2026-01-01T00:00:00Z"',
                "2026-01-01T00:00:00+01:00",
                "2026-01-01T00:00:00.5Z",
                "1767225600",
            )
        ),
        (
            HEAD
            + key(
                "a", 0, "roles=['x']\nvalid-from = 2026-01-01T00:00:00Z\nvalid-until = 2026-01-01T00:00:00Z"
            ),
            "valid-until: is not after valid-from",
        ),
        (HEAD + "[[rules]]\n", "rules[0].refs: is missing"),
        (HEAD + "[[rules]]\nrefs = []\n", "refs: is empty"),
        (HEAD + RULE + "scope = 'all'", "one of tip, each"),
        (HEAD + RULE + "update = 'force'", "one of fast-forward, any"),
        (HEAD + RULE + "max-age = '7w'", "max-age"),
        (HEAD + RULE + "max-age = '0d'", "max-age"),
        (HEAD + RULE + "max-age = '9999d'", "is longer than"),
        (HEAD + RULE + "bind = ['session']", "may hold only base and ref"),
        (HEAD + RULE + "bind = ['ref', 'ref']", "twice"),
        (HEAD + RULE + "gitlinks = 'yes'", "must be true or false"),
        (HEAD + RULE + "unknown = 1", "unknown key"),
        (HEAD + RULE + "[rules.tests]\n", "rules[0].tests.removed: is missing"),
        (HEAD + RULE + "[rules.tests]\nremoved = 'ask'", "one of allow, approval, refuse"),
        (HEAD + RULE + "[rules.tests]\nremoved = 'allow'\nx = 1", "unknown key"),
        (HEAD + RULE + "[rules.dependencies]\nunpinned = 'approval'", "one of allow, refuse"),
        (HEAD + RULE + "[rules.nix]\nminimum = '2'", "version like 2.18"),
        (HEAD + RULE + "[rules.nix]\nminimum = 2.18", "floating"),
        (HEAD + RULE + "[[rules.require]]\nroles = ['a']", "check: is missing"),
        (HEAD + RULE + "[[rules.require]]\ncheck = 'test'", "roles: is missing"),
        (HEAD + RULE + "[[rules.require]]\ncheck = 'Test'\nroles = ['a']", "must be a name of"),
        (HEAD + REQUIRE + "threshold = 0", "threshold: must be from 1"),
        (HEAD + REQUIRE + "threshold = -1", "threshold: must be from 1"),
        (HEAD + REQUIRE + "threshold = true", "must be an integer"),
        (HEAD + REQUIRE + "max-attempts = 0", "max-attempts: must be from 1"),
        (HEAD + REQUIRE + "max-attempts = 1001", "max-attempts: must be from 1"),
        (HEAD + REQUIRE + "max-attempts = true", "must be an integer"),
        (HEAD + REQUIRE + "quarantine = true", "quarantine: must be"),
        (HEAD + REQUIRE + "quarantine = 'yes'", "quarantine: must be one of refuse, allow"),
        (HEAD + REQUIRE + "engines = []", "engines: is empty"),
        (HEAD + REQUIRE + "engines = ['nix']", "may hold only develop and build"),
        (HEAD + REQUIRE + "engines = ['build', 'build']", "twice"),
        (HEAD + REQUIRE + "hermetic = 1", "must be true or false"),
        (HEAD + REQUIRE + "report = true", "must be a string"),
        (HEAD + REQUIRE + "report = 'none'", "one of required, optional"),
        (HEAD + PROTECT.replace('"tests/"', ""), "paths: is empty"),
        (HEAD + PROTECT.replace("tests/", "/tests/"), "paths: '/tests/': patterns start"),
        (HEAD + PROTECT.replace("tests/", "[ab]"), "has no meaning here"),
        (HEAD + PROTECT + "threshold = 0", "threshold: must be from 1"),
        (HEAD + PROTECT + "extra = 0", "unknown key"),
        (HEAD + RULE * 257, "more than 256"),
        (HEAD + key("a", 0, "roles = ['x']\nidentity = ''"), "keys.a.identity: must be a name"),
        (HEAD + key("a", 0, "roles = ['x']\nidentity = 'A'"), "keys.a.identity: must be a name"),
        (HEAD + key("a", 0, "roles = ['x']\npushers = []"), "keys.a.pushers: is empty"),
        (HEAD + key("a", 0, "roles = ['x']\npushers = ['']"), "keys.a.pushers[0]: is empty"),
        (HEAD + key("a", 0, "roles = ['x']\npushers = ['p', 'p']"), "keys.a.pushers: names something twice"),
        (HEAD + key("a", 0, 'roles = ["x"]\npushers = ["p\\u0007"]'), "control characters"),
        (HEAD + key("a", 0, f"roles = ['x']\npushers = ['{'p' * 201}']"), "longer than 200"),
        (HEAD + "roles = []", "roles: must be a table"),
        (HEAD + "[roles.X]", "roles: 'X' is not a name"),
        (HEAD + "[roles.x]\nrefs = []", "roles.x.refs: is empty"),
        (HEAD + "[roles.x]\nrefs = ['main']", "roles.x.refs: 'main' is not a pattern below"),
        (HEAD + "[roles.x]\npaths = []", "roles.x.paths: is empty"),
        (HEAD + "[roles.x]\npaths = ['/docs']", "roles.x.paths: "),
        (HEAD + "[roles.x]\nother = 1", "roles.x: unknown key"),
        (HEAD + "".join(f"[roles.r{n}]\n" for n in range(257)), "more than 256 roles"),
        (HEAD + "delegations = {}", "delegations: must be an array"),
        (HEAD + DELEGATION.replace('from = "a"', ""), "delegations[0].from: is missing"),
        (HEAD + DELEGATION.replace('to = "b"', ""), "delegations[0].to: is missing"),
        (HEAD + DELEGATION.replace('"a"', '"A"'), "delegations[0].from: must be a name"),
        (HEAD + DELEGATION.replace('paths = ["docs/"]', ""), "delegations[0]: names neither refs nor paths"),
        (HEAD + DELEGATION.replace('"docs/"', ""), "delegations[0].paths: is empty"),
        (HEAD + DELEGATION + "refs = ['refs/x']", "delegations[0].refs: "),
        (HEAD + DELEGATION.replace("Z", "+01:00"), "delegations[0].until: must be in UTC"),
        (HEAD + DELEGATION.replace("until = 2027-01-01T00:00:00Z", ""), "until: is missing"),
        (HEAD + DELEGATION + "other = 1", "delegations[0]: unknown key"),
        (HEAD + DELEGATION * 257, "more than 256"),
        (HEAD + REQUIRE + "assurance = 'proven'", "one of claimed, corroborated, derived, rebuilt"),
        (HEAD + REQUIRE + "assurance = 'corroborated'", "require[0].threshold: must be 2 or more"),
        (HEAD + REQUIRE + "verifiers = ['v']", "require[0].verifiers: has a meaning only with"),
        (
            HEAD + REQUIRE + "assurance = 'corroborated'\nthreshold = 2\nverifiers = ['v']",
            "verifiers: has a meaning only with",
        ),
        (HEAD + REQUIRE + "assurance = 'derived'\nverifiers = []", "verifiers: is empty"),
        (HEAD + RULE + "pusher = 'alice'", "one of any, attester"),
        (HEAD + RULE + BREAK.replace("roles", "rules"), "break-glass.roles: is missing"),
        (HEAD + RULE + BREAK.replace("longest", "until"), "break-glass.longest: is missing"),
        (HEAD + RULE + BREAK.replace("waives", "drops"), "break-glass.waives: is missing"),
        (HEAD + RULE + BREAK.replace('"checks"', ""), "break-glass.waives: must hold some of"),
        (HEAD + RULE + BREAK.replace("checks", "policy"), "break-glass.waives: must hold some of"),
        (HEAD + RULE + BREAK.replace("4h", "169h"), "break-glass.longest: is longer than 168h"),
        (HEAD + RULE + BREAK + "threshold = 1", "break-glass.threshold: must be from 2"),
        (HEAD + RULE + BREAK + "other = 1", "break-glass: unknown key"),
        (b"\xef\xbb\xbf" + HEAD.encode(), "byte order mark"),
        (HEAD.encode() + b"# \xff", "not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_refused(text: str | bytes, says: str) -> None:
    assert says in refused(text)


@pytest.mark.parametrize(
    "pattern",
    """main heads/main refs/main refs/notes/lfci refs/heads refs/heads/ refs/tags/ refs/* ** refs/**
    refs/heads//a refs/heads/a/ !refs/heads/a refs/heads/../a refs/heads/.a refs/heads/a.
    refs/heads/a.lock refs/heads/a.lock/b refs/heads/a~1 refs/heads/a^ refs/heads/a:b
    refs/heads/a?b refs/heads/[ab] refs/heads/a\\\\b refs/heads/a@{1} refs/heads/a**
    refs/heads/**b refs/heads/**/** refs/HEADS/a Refs/heads/a refs/heads/{a,b} /refs/heads/a""".split(),
)
def test_ref_patterns_that_name_no_ref_are_refused(pattern: str) -> None:
    refused(HEAD + f'[[rules]]\nrefs = ["{pattern}"]\n')
    refused(HEAD + f'[[rules]]\nrefs = ["refs/heads/main", "{pattern}"]\n')


@pytest.mark.parametrize(
    "pattern", ["refs/heads/a b", "refs/heads/a\\u0007", "refs/heads/\\u0085", " refs/heads/a", ""]
)
def test_ref_patterns_with_spaces_or_control_characters_are_refused(pattern: str) -> None:
    refused(HEAD + f'[[rules]]\nrefs = ["{pattern}"]\n')


@pytest.mark.parametrize(
    ("ref", "rule"),
    [
        ("refs/heads/main", 0),
        ("refs/heads/release/1.0", 0),
        ("refs/heads/release/1.0/x", 2),
        ("refs/heads/release", None),
        ("refs/heads/main/x", None),
        ("refs/heads/Main", None),
        ("refs/tags/v1", 1),
        ("refs/tags/v", 1),
        ("refs/tags/v1/x", None),
        ("refs/heads/wip/a/b/c", 3),
        ("refs/heads/é", 4),
        ("refs/heads/\udcff", None),
        ("HEAD", None),
    ],
)
def test_the_first_rule_that_names_a_ref_counts(ref: str, rule: int | None) -> None:
    policy = parse(
        '[[rules]]\nrefs = ["refs/heads/main", "refs/heads/release/*"]\n'
        '[[rules]]\nrefs = ["refs/tags/v*"]\n'
        '[[rules]]\nrefs = ["refs/heads/release/**"]\n'
        '[[rules]]\nrefs = ["refs/heads/wip/**", "refs/heads/main"]\nscope = "each"\n'
        '[[rules]]\nrefs = ["refs/heads/é"]\n'
    )
    assert rule_for(policy, ref) == (None if rule is None else policy.rules[rule])


# -- lock-outs ---------------------------------------------------------------------------------


def test_a_policy_that_can_be_met_has_no_problems() -> None:
    assert unsatisfiable(parse_policy(EXAMPLE.encode())) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (REQUIRE, "check test needs 1 identity with the role agent; there are 0"),
        (key("a", 0) + REQUIRE + "threshold = 2\n", "needs 2 identities with the role agent; there are 1"),
        (key("a", 0, 'roles = ["agent"]\nrevoked = 2026-01-01T00:00:00Z') + REQUIRE, "there are 0"),
        (key("a", 0) + PROTECT, "a change of tests/ needs 1 identity with the role maintainer; there are 0"),
        (
            key("a", 0, 'roles = ["agent", "maintainer"]') + REQUIRE + PROTECT.removeprefix(RULE),
            "a change of tests/ needs 2 different identities, to attest test and to approve; there are 1",
        ),
    ],
)
def test_a_policy_that_locks_everybody_out_parses_and_is_told(text: str, says: str) -> None:
    found = [each for each in unsatisfiable(parse(text)) if ".lfci/policy.toml" not in each]
    assert len(found) == 1
    assert found[0].startswith("rules[0] (refs/heads/main): ")
    assert says in found[0]


def test_a_policy_that_nobody_could_ever_change_is_told() -> None:
    text = key("a", 0) + key("b", 1) + REQUIRE
    (found,) = unsatisfiable(parse(text))
    assert "a change of .lfci/policy.toml needs 1 identity with the role maintainer; there are 0" in found
    covered = PROTECT.removeprefix(RULE).replace("tests/", ".lfci/").replace("maintainer", "agent")
    assert unsatisfiable(parse(text + covered)) == ()


def test_two_keys_can_attest_and_approve_for_each_other() -> None:
    both = 'roles = ["agent", "maintainer"]'
    text = key("a", 0, both) + key("b", 1, both) + REQUIRE + PROTECT.removeprefix(RULE)
    assert unsatisfiable(parse(text)) == ()


# -- the hook's way ----------------------------------------------------------------------------


def test_reading_a_policy_imports_nothing_heavy() -> None:
    code = (
        "import sys; from lfci_gate.config.policy import parse_policy, rule_for;"
        "rule_for(parse_policy(sys.stdin.buffer.read()), 'refs/heads/main');"
        "print(sorted({'cryptography', 'pygit2', 'jinja2', 'tomli_w', 'yaml', 'subprocess', 'asyncio'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=EXAMPLE.encode(), capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


# -- properties --------------------------------------------------------------------------------

names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
roles = st.sets(names, min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
times = st.none() | st.integers(946684800, 4102444800).map(lambda at: datetime.fromtimestamp(at, UTC))
thresholds = st.integers(1, 64)


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    assurance = draw(st.sampled_from(Assurance))
    verified = assurance in (Assurance.DERIVED, Assurance.REBUILT)
    return Requirement(
        check=draw(names),
        roles=draw(roles),
        threshold=draw(st.integers(2 if assurance is Assurance.CORROBORATED else 1, 64)),
        engines=draw(st.sampled_from([(Engine.DEVELOP,), (Engine.BUILD,), (Engine.DEVELOP, Engine.BUILD)])),
        hermetic=draw(st.booleans()),
        report_required=draw(st.booleans()),
        assurance=assurance,
        verifiers=draw(roles) if verified else ("verifier",),
        max_attempts=draw(st.none() | st.integers(1, 1000)),
        quarantine=draw(st.booleans()),
    )


break_glasses = st.builds(
    BreakGlass,
    roles=roles,
    threshold=st.integers(2, 64),
    longest_s=st.integers(1, 7 * 86400),
    waives=st.sets(st.sampled_from(["approvals", "checks", "dependencies", "tests"]), min_size=1).map(
        lambda found: tuple(sorted(found))
    ),
)
ref_scopes = st.sampled_from([(), ("refs/heads/main",), ("refs/heads/docs/*", "refs/tags/v*")])
path_scopes = st.sampled_from([(), ("docs/",), ("**", "!tests/")])
role_scopes = st.builds(RoleScope, role=names, refs=ref_scopes, paths=path_scopes)


@st.composite
def delegations(draw: st.DrawFn) -> Delegation:
    # From a later name to an earlier one: no circles; chains are as long as there are names.
    granter, to = draw(st.sampled_from([("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")]))
    refs, paths = draw(st.tuples(ref_scopes, path_scopes).filter(any))
    until = datetime.fromtimestamp(draw(st.integers(946684800, 4102444800)), UTC)
    return Delegation(granter, to, refs, paths, until)


protections = st.builds(
    Protection, paths=st.sampled_from([("tests/",), ("**", "!docs/", "é")]), roles=roles, threshold=thresholds
)
rules = st.builds(
    Rule,
    refs=st.sampled_from([("refs/heads/main",), ("refs/heads/**", "refs/tags/v*")]),
    scope=st.sampled_from(["tip", "each"]),
    max_age_s=st.none() | st.integers(1, 10_000_000),
    bind=st.sampled_from([(), ("base",), ("base", "ref")]),
    update=st.sampled_from(["fast-forward", "any"]),
    require=st.lists(requirements(), max_size=2).map(tuple),
    protect=st.lists(protections, max_size=2).map(tuple),
    tests_removed=st.sampled_from(["allow", "approval", "refuse"]),
    dependencies_unpinned=st.sampled_from(["allow", "refuse"]),
    nix_minimum=st.none() | st.just("2.18.1"),
    gitlinks=st.booleans(),
    pusher=st.sampled_from(["any", "attester"]),
    break_glass=st.none() | break_glasses,
)


def holders(name: str) -> st.SearchStrategy[str]:
    """The key's own name, or somebody who is no key."""
    return st.sampled_from([name, "somebody-else-entirely"])


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    keys = []
    for number, name in enumerate(sorted(draw(st.sets(names, max_size=4)))):
        start, end = draw(times), draw(times)
        if start is not None and end is not None and start >= end:
            end = None
        pushers = (f"{name}@example.com",) if draw(st.booleans()) else ()
        public = parse_public(LINES[number])
        keys.append(
            PolicyKey(name, public, draw(roles), start, end, draw(times), draw(holders(name)), pushers)
        )
    return Policy(
        version=draw(st.integers(1, 2**53 - 1)),
        repository=UUID,
        keys=tuple(keys),
        rules=tuple(draw(st.lists(rules, max_size=3))),
        bootstrap=draw(st.sampled_from(["report", "approval"])),
        digest=Sha256(""),
        roles=tuple(draw(st.lists(role_scopes, max_size=2, unique_by=lambda each: each.role).map(in_order))),
        delegations=tuple(draw(st.lists(delegations(), max_size=3))),
    )


def in_order(scopes: list[RoleScope]) -> list[RoleScope]:
    return sorted(scopes, key=lambda each: each.role)


ALL_OF_IT = f"""{HEAD}bootstrap = "approval"
[keys.bob]
public = "{LINES[1]}"
roles = ["agent"]
identity = "bob"
[keys.laptop]
public = "{LINES[0]}"
roles = ["agent", "maintainer"]
identity = "alice"
pushers = ["b@example.com"]
valid-from = 2026-01-01T00:00:00Z
valid-until = 2027-01-01T00:00:00Z
revoked = 2026-06-01T00:00:00Z
[roles.agent]
refs = ["refs/heads/docs/*"]
paths = ["docs/"]
[roles.free]
{DELEGATION}
[[rules]]
refs = ["refs/heads/main"]
scope = "each"
bind = ["base", "ref"]
update = "any"
gitlinks = true
pusher = "attester"
max-age = "90m"
tests = {{ removed = "refuse" }}
dependencies = {{ unpinned = "refuse" }}
nix = {{ minimum = "2.18" }}
{BREAK}threshold = 3
[[rules.require]]
check = "test"
roles = ["agent"]
threshold = 2
engines = ["build"]
hermetic = false
report = "optional"
assurance = "rebuilt"
verifiers = ["v"]
quarantine = "allow"
max-attempts = 3
[[rules.require]]
check = "lint"
roles = ["agent"]
threshold = 2
engines = ["develop", "build"]
hermetic = true
report = "required"
assurance = "corroborated"
[[rules.protect]]
paths = ["tests/"]
roles = ["maintainer"]
threshold = 2
[[rules]]
refs = ["refs/tags/v*"]
scope = "tip"
bind = []
update = "fast-forward"
gitlinks = false
pusher = "any"
require = []
protect = []
tests = {{ removed = "allow" }}
dependencies = {{ unpinned = "allow" }}
"""


def test_everything_is_written_and_nothing_else() -> None:
    assert tomllib.loads(format_policy(parse_policy(ALL_OF_IT.encode()))) == tomllib.loads(ALL_OF_IT)
    # A key made without a holder is its own.
    lone = PolicyKey("bob", parse_public(LINES[1]), ("agent",), None, None, None)
    written = format_policy(replace(parse(""), keys=(lone,)))
    assert [each.identity for each in parse_policy(written.encode()).keys] == ["bob"]
    assert tomllib.loads(written)["keys"]["bob"]["identity"] == "bob"
    bare = f'{HEAD}bootstrap = "report"\nrules = []\n[keys]\n'
    assert tomllib.loads(format_policy(parse(""))) == tomllib.loads(bare)


@given(policies())
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_again(policy: Policy) -> None:
    data = format_policy(policy).encode("utf-8")
    found = parse_policy(data)
    assert found.digest == hashlib.sha256(data).hexdigest()
    assert dataclasses.replace(found, digest=Sha256("")) == policy


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_policy_or_one_error(data: bytes) -> None:
    for each in (data, HEAD.encode() + data):
        with contextlib.suppress(UsageError):
            parse_policy(each)


@given(
    st.integers(0, len(EXAMPLE) - 1),
    st.sampled_from(["", "\x00", '"', "'", "[", "]", "\n", "=", ".", "é", "#"]),
)
@settings(max_examples=150, deadline=None)
def test_any_damaged_file_is_a_policy_or_one_error(position: int, text: str) -> None:
    damaged = EXAMPLE[:position] + text + EXAMPLE[position + 1 :]
    with contextlib.suppress(UsageError):
        parse_policy(damaged.encode())
