"""What `lfci init` writes can be read by what reads it, whatever it is made from."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.config.candidates import JUNIT, TAP, Candidate, candidate
from lfci_gate.config.known_tests import known_tests, pattern_of
from lfci_gate.config.policy import parse_policy, rule_for, unsatisfiable
from lfci_gate.config.project import parse_project
from lfci_gate.config.scaffold import ScaffoldKey, scaffold_config, scaffold_policy
from lfci_gate.errors import UsageError
from lfci_gate.model import Engine
from lfci_gate.patterns import PatternSet

UUID = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"
ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
AGENT = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfrycmCzPLsSWjM0MVfEq9GYM"
ALONE = [ScaffoldKey("alice", ALICE, ("agent", "maintainer"))]
TWO = [ScaffoldKey("alice.b", ALICE, ("maintainer",)), ScaffoldKey("agent-7", AGENT + " a@b", ("agent",))]

PYTEST = candidate(
    "pyproject.toml", "configures pytest", "pytest", run='pytest --junitxml="$out/junit.xml"', report=JUNIT
)


def test_a_config_says_why_and_reads_as_the_candidate() -> None:
    text = scaffold_config(PYTEST)
    assert "# `pytest`, because pyproject.toml configures pytest\n[checks.test]\n" in text
    (check,) = parse_project(text.encode()).checks
    assert (check.name, check.run, check.report) == ("test", 'pytest --junitxml="$out/junit.xml"', JUNIT)
    assert check.inputs == ("**",)


@pytest.mark.parametrize("report", [None, JUNIT, TAP])
def test_each_kind_of_report(report: object) -> None:
    text = scaffold_config(Candidate("f", "r", "c", "c", report), name="a.b")  # type: ignore[arg-type]
    (check,) = parse_project(text.encode()).checks
    assert (check.name, check.report) == ("a.b", report)


def test_what_is_commented_out_is_right_too() -> None:
    text = scaffold_config(candidate("f", "r", "make check"))
    for start in ("# report =", "# inputs =", "# shell =", "# timeout =", "# network ="):
        assert start in text
        text = text.replace(start, start[2:])
    (check,) = parse_project(text.encode()).checks
    assert check.report == JUNIT
    assert (check.shell, check.timeout_s, check.network) == ("default", 900, False)


@pytest.mark.parametrize("name", ["", "A", "a b", 'a"]\nrun="x"\n[checks."b', "a]\n[checks.b"])
def test_a_name_cannot_break_out_of_its_place(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        scaffold_config(PYTEST, name=name)
    assert caught.value.code == "LFCI405"


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=80, deadline=None)
def test_any_candidate_is_written_exactly_or_refused(file: str, reason: str, run: str) -> None:
    try:
        text = scaffold_config(Candidate(file, reason, run, run, None))
    except UsageError:
        return
    assert tomllib.loads(text) == {"version": 1, "checks": {"test": {"run": run}}}


TREE = [b"tests/test_a.py", b"src/x/test/y.py", b"flake.nix", b"Makefile", b"\xff"]


def test_a_policy_with_two_people_protects() -> None:
    text = scaffold_policy(
        repository=UUID,
        keys=TWO,
        report=True,
        tree=TREE,
        lockfiles=["uv.lock", "a/Cargo.lock"],
        alias_file="Makefile",
    )
    policy = parse_policy(text.encode())
    assert [key.name for key in policy.keys] == ["agent-7", "alice.b"]
    assert (policy.version, policy.repository) == (1, UUID)
    rule = rule_for(policy, "refs/heads/main")
    assert rule is not None
    (requirement,), (protection,) = rule.require, rule.protect
    assert (requirement.check, requirement.hermetic, requirement.report_required) == ("test", True, True)
    assert requirement.engines == tuple(Engine)
    assert protection.roles == ("maintainer",)
    protected = PatternSet(protection.paths)
    for path in (
        b"flake.nix",
        b"flake.lock",
        b".lfci/policy.toml",
        b"tests/x/y",
        b"src/x/test/y.py",
        b"uv.lock",
        b"a/Cargo.lock",
        b"Makefile",
    ):
        assert protected.matches(path), path
    assert not protected.matches(b"src/main.py")
    assert unsatisfiable(policy) == ()


def test_the_branch_and_a_check_without_a_report_are_as_asked() -> None:
    text = scaffold_policy(
        repository=UUID, keys=ALONE, report=False, tree=TREE, branch="release/*", check="lint"
    )
    policy = parse_policy(text.encode())
    (rule,) = policy.rules
    assert rule.refs == ("refs/heads/release/*",)
    assert (rule.require[0].check, rule.require[0].report_required) == ("lint", False)
    assert rule.protect[0].paths[:3] == ("flake.nix", "flake.lock", ".lfci/")


def test_one_key_for_both_hats_is_a_policy_that_nobody_can_meet() -> None:
    policy = parse_policy(scaffold_policy(repository=UUID, keys=ALONE, report=True).encode())
    assert "2 different identities, to attest test and to approve" in unsatisfiable(policy)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "x"},
        {"branch": "a b"},
        {"branch": '"]\nrefs = ["x'},
        {"branch": ""},
        {"check": 'x"\nthreshold = 2'},
        {"keys": [ScaffoldKey("a]\nx", ALICE, ("maintainer",))]},
        {"keys": [ScaffoldKey("a", "ssh-rsa AAAA", ("maintainer",))]},
        {"keys": [ScaffoldKey("a", ALICE, ('x"]\ny = ["',))]},
        {"keys": [ScaffoldKey("a", ALICE, ("agent",)), ScaffoldKey("b", ALICE, ("maintainer",))]},
    ],
)
def test_a_policy_that_would_not_read_is_never_handed_out(change: dict[str, object]) -> None:
    arguments = {"repository": UUID, "keys": ALONE, "report": True, **change}
    with pytest.raises(UsageError) as caught:
        scaffold_policy(**arguments)  # type: ignore[arg-type]
    assert caught.value.code == "LFCI202"


@pytest.mark.parametrize(
    ("paths", "patterns"),
    [
        ([], ()),
        (["src/a.py", "README.md"], ()),
        (["tests/a.py", "tests/b/test_c.py"], ("tests/",)),
        (["a/tests/b.py", "tests/c.py"], ("**/tests/",)),
        (["src/test/java/A.java"], ("**/test/",)),
        (["t/a.t"], ("t/",)),
        (["src/t/a.c"], ()),
        (["spec/a_spec.rb", "lib/b_spec.rb"], ("**/*_spec.rb", "spec/")),
        (["a/b_test.go"], ("**/*_test.go",)),
        (["conftest.py", "test_a.py"], ("**/conftest.py", "**/test_*.py")),
        (["src/a.test.tsx", "src/b.spec.mjs"], ("**/*.spec.*", "**/*.test.*")),
        (["src/__tests__/a.js"], ("**/__tests__/",)),
        (["tests"], ()),
    ],
)
def test_known_tests(paths: list[str], patterns: tuple[str, ...]) -> None:
    assert known_tests(path.encode() for path in paths) == patterns
    if patterns:
        PatternSet(patterns)


component = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=6
).filter(lambda text: text not in (".", "..") and text.strip() == text)


@given(st.lists(component, min_size=1, max_size=3).map("/".join))
@settings(max_examples=150, deadline=None)
def test_a_pattern_for_any_path_matches_it(path: str) -> None:
    assert PatternSet([pattern_of(path)]).matches(path.encode())
