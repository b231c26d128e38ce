"""Each limit of both files is where it is said to be: the last value that is allowed is read, the next is
refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lfci_gate.attest.keys import parse_public
from lfci_gate.config import policy as policy_module
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.config.values import format_duration
from lfci_gate.errors import UsageError
from lfci_gate.model import CheckDefinition, Policy, Rule
from tests.config.test_policy import BREAK, HEAD, LINES, PROTECT, REQUIRE, RULE, key, parse, refused
from tests.config.test_project import ENTRY, HELD, check_of
from tests.config.test_project import refused as project_refused

LONG = "a" * 64
"""The longest name."""
KEY = key("a", 0, "roles = ['x']\n")


def refused_check(body: str) -> str:
    return project_refused(f"version = 1\n[checks.test]\n{body}\n")


def rule_of(text: str) -> Rule:
    (rule,) = parse(text).rules
    return rule


# -- policy.toml -----------------------------------------------------------------------------------


def test_a_policy_starts_with_version_1() -> None:
    first = parse_policy(HEAD.replace("version = 7", "version = 1").encode())
    assert (first.version, first.bootstrap) == (1, "report")
    assert "version: must be from 1" in refused(HEAD.replace("version = 7", "version = 0"))


def test_so_many_keys_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert policy_module.MAX_KEYS == 4096
    monkeypatch.setattr(policy_module, "MAX_KEYS", 2)
    two = key("a", 0) + key("b", 1)
    assert len(parse(two).keys) == 2
    assert "keys: has more than 2 keys" in refused(HEAD + two + key("c", 2))


def test_a_public_key_has_at_most_4096_characters() -> None:
    comment = "c" * (4096 - len(LINES[0]) - 1)
    longest = key("a", 0).replace(LINES[0], f"{LINES[0]} {comment}")
    assert parse(longest).keys[0].public == parse_public(LINES[0])
    assert "keys.a.public: is longer than 4096" in refused(HEAD + longest.replace(comment, f"{comment}c"))


def test_a_key_may_have_no_end_or_no_beginning() -> None:
    """Only a key with both can have them the wrong way round."""
    time = datetime(2026, 1, 1, tzinfo=UTC)
    for given, found in (("from", (time, None)), ("until", (None, time))):
        (one,) = parse(KEY + f"valid-{given} = 2026-01-01T00:00:00Z").keys
        assert (one.valid_from, one.valid_until) == found
    times = "valid-from = 2026-01-01T00:00:01Z\nvalid-until = 2026-01-01T00:00:0{}Z"
    assert len(parse(KEY + times.format(2)).keys) == 1
    for early in (0, 1):
        assert "is not after valid-from" in refused(HEAD + KEY + times.format(early))


def test_names_and_pushers_are_as_long_and_as_many_as_allowed() -> None:
    many = [f"r{number:02}" for number in range(17)]
    longest = key(LONG, 0, f"roles = {many[:16]}\nidentity = '{LONG[1:]}b'\npushers = {['p' * 200]}")
    (one,) = parse(longest).keys
    assert (one.name, one.identity, one.roles) == (LONG, LONG[1:] + "b", tuple(many[:16]))
    assert one.pushers == ("p" * 200,)
    assert "is not a name" in refused(HEAD + key(LONG + "a", 0))
    assert "roles: has more than 16 entries" in refused(HEAD + key("a", 0, f"roles = {many}"))
    assert len(parse(KEY + f"pushers = {many[:16]}").keys[0].pushers) == 16
    assert "pushers: has more than 16 entries" in refused(HEAD + KEY + f"pushers = {many}")


def test_so_many_rules_requirements_and_protections() -> None:
    assert len(parse(RULE * 256).rules) == 256
    require, protect = REQUIRE.removeprefix(RULE), PROTECT.removeprefix(RULE)
    assert len(rule_of(RULE + require * 64).require) == len(rule_of(RULE + protect * 64).protect) == 64
    assert "require: has more than 64" in refused(HEAD + RULE + require * 65)
    assert "protect: has more than 64" in refused(HEAD + RULE + protect * 65)


def test_refs_of_a_rule_are_at_most_64() -> None:
    refs = [f"refs/heads/r{number}" for number in range(65)]
    assert len(rule_of(f"[[rules]]\nrefs = {refs[:64]}").refs) == 64
    assert "refs: has more than 64" in refused(HEAD + f"[[rules]]\nrefs = {refs}")


@pytest.mark.parametrize(("text", "lowest"), [(REQUIRE, 1), (PROTECT, 1), (RULE + BREAK, 2)])
def test_thresholds(text: str, lowest: int) -> None:
    def threshold(made: Policy) -> int:
        (rule,) = made.rules
        (one,) = (*rule.require, *rule.protect, *filter(None, [rule.break_glass]))
        return one.threshold

    assert threshold(parse(text)) == lowest
    assert threshold(parse(f"{text}threshold = {lowest}")) == lowest
    assert threshold(parse(text + "threshold = 64")) == 64
    for wrong in (lowest - 1, 65):
        assert f"threshold: must be from {lowest} to 64" in refused(HEAD + f"{text}threshold = {wrong}")


def test_attempts() -> None:
    for most in (1, 1000):
        assert rule_of(REQUIRE + f"max-attempts = {most}").require[0].max_attempts == most
    assert rule_of(REQUIRE).require[0].max_attempts is None


def test_the_longest_times() -> None:
    assert rule_of(RULE + 'max-age = "3650d"').max_age_s == 3650 * 86400
    assert "max-age: is longer than 87600h" in refused(HEAD + RULE + f'max-age = "{3650 * 86400 + 1}s"')
    glass = rule_of(RULE + BREAK.replace("4h", "168h")).break_glass
    assert glass is not None
    assert glass.longest_s == 7 * 86400
    assert "longest: is longer than 168h" in refused(HEAD + RULE + BREAK.replace("4h", "604801s"))
    # As many digits as a number may have; one more is not a number any more, however small.
    assert "is longer than" in refused(HEAD + RULE + f'max-age = "{"9" * 9}s"')
    assert "must be a whole number" in refused(HEAD + RULE + f'max-age = "{"9" * 10}s"')


def test_all_may_be_waived_and_nothing_twice() -> None:
    glass = rule_of(
        RULE + BREAK.replace('"checks"', '"tests", "checks", "approvals", "dependencies"')
    ).break_glass
    assert glass is not None
    assert glass.waives == ("approvals", "checks", "dependencies", "tests")
    assert "waives: names something twice" in refused(
        HEAD + RULE + BREAK.replace('"checks"', '"tests", "tests"')
    )


@pytest.mark.parametrize("version", ["2.18", "0.0", "2.18.1", "2.18.1.9999"])
def test_versions_of_nix(version: str) -> None:
    assert rule_of(RULE + f'[rules.nix]\nminimum = "{version}"').nix_minimum == version


@pytest.mark.parametrize("version", ["2", "", "2.", ".2", "2.18.1.0.0", "2.18.10000", "2.18pre", "2..18"])
def test_what_is_no_version_of_nix(version: str) -> None:
    assert "a version like 2.18" in refused(HEAD + RULE + f'[rules.nix]\nminimum = "{version}"')


def test_words_that_nobody_knows_are_refused_in_every_table() -> None:
    for text in (
        REQUIRE,
        RULE + "[rules.dependencies]\nunpinned = 'allow'\n",
        RULE + "[rules.nix]\nminimum='2.18'\n",
    ):
        assert len(parse(text).rules) == 1
        assert "unknown key 'other'" in refused(HEAD + text + "other = 1")


def test_who_corroborates_is_two() -> None:
    two = rule_of(REQUIRE + "assurance = 'corroborated'\nthreshold = 2").require[0]
    assert two.threshold == 2
    assert "must be 2 or more" in refused(HEAD + REQUIRE + "assurance = 'corroborated'\nthreshold = 1")


def test_bind_may_be_empty_and_engines_may_not() -> None:
    assert rule_of(RULE + "bind = []").bind == ()
    assert rule_of(RULE + "bind = ['ref']").bind == ("ref",)
    assert "bind: has more than 2" in refused(HEAD + RULE + "bind = ['ref', 'base', 'ref']")


# -- config.toml -----------------------------------------------------------------------------------


def test_so_many_checks_arguments_and_variables() -> None:
    checks = [f"[checks.c{number}]\nrun = 'x'\n" for number in range(64)]
    assert len(parse_project(("version = 1\n" + "".join(checks)).encode()).checks) == 64
    assert len(check_of(f"run = {['x'] * 256}").run or "") == 256
    assert "run: has more than 256" in refused_check(f"run = {['x'] * 257}")
    variables = [f"A{number} = ''\n" for number in range(128)]
    assert len(check_of("run = 'x'\n[checks.test.env]\n" + "".join(variables)).env) == 128


def test_a_file_has_at_most_so_many_assignments() -> None:
    lines = "".join(f"k{number}=1\n" for number in range(4095))
    assert "unknown key" in project_refused(f"version=1\n{lines}")
    assert "more than 4096 keys" in project_refused(f"version=1\n{lines}more=1\n")


def test_a_command_has_at_most_32768_characters() -> None:
    most = 32 * 1024
    assert len(check_of(f"run = '{'x' * most}'").run or "") == most
    assert "run: is longer than 32768" in refused_check(f"run = '{'x' * (most + 1)}'")
    halves = ("x" * (most // 2),) * 2
    assert len(check_of(f"run = {list(halves)}").run or "") == 2
    assert "run: is longer than 32768" in refused_check(f"run = {[*halves, 'y']}")


def test_a_variable_has_at_most_128_letters_and_32768_characters() -> None:
    name, value = "A" * 128, "x" * 32 * 1024
    assert len(check_of(f"run = 'x'\nenv = {{ {name} = '{value}' }}").env) == 1
    assert "env.A: is too long" in refused_check(f"run = 'x'\nenv = {{ A = '{value}x' }}")
    assert "is not the name of an environment variable" in refused_check(
        f"run = 'x'\nenv = {{ {name}A = '' }}"
    )


def test_a_command_is_named_by_its_first_word() -> None:
    assert check_of("run = ['x', ' ', '']").run == ("x", " ", "")
    assert "run: names no command" in refused_check("run = [' ', 'x']")


@pytest.mark.parametrize("attribute", ["a", "_a", "A-b'0", LONG])
def test_names_of_dev_shells_and_flake_checks(attribute: str) -> None:
    assert check_of(f'run = "x"\nshell = "{attribute}"').shell == attribute
    assert check_of(f'flake = "checks.{attribute}"').flake == f"checks.{attribute}"
    assert "flake: must be checks.<name>" in refused_check(f'flake = "{attribute}"')


@pytest.mark.parametrize("attribute", ["", "0a", "-a", "'a", "a.b", "a b", "é", LONG + "a"])
def test_what_names_no_dev_shell_and_no_flake_check(attribute: str) -> None:
    assert "shell: must be the name of a dev shell" in refused_check(f'run = "x"\nshell = "{attribute}"')
    assert "flake: must be checks.<name>" in refused_check(f'flake = "checks.{attribute}"')
    assert "flake: must be checks.<name>" in refused_check(f'flake = "{attribute}"')


def test_what_a_flake_check_may_say_of_itself() -> None:
    report = "report = { format = 'junit', path = 'a.xml' }"
    check: CheckDefinition = check_of(
        f"flake = 'checks.x'\n{report}\nartifacts = ['b', 'a']\ninputs = ['src/']"
    )
    assert (check.artifacts, check.inputs, check.network, check.shell) == (
        ("a", "b"),
        ("src/",),
        False,
        "default",
    )
    assert check.report is not None
    assert "artifacts: has more than 256" in refused_check(
        f"run = 'x'\nartifacts = {[str(n) for n in range(257)]}"
    )
    assert len(check_of(f"run = 'x'\nartifacts = {[str(n) for n in range(256)]}").artifacts) == 256


def test_paths_below_out_have_components_of_at_most_255_bytes() -> None:
    longest = "é" * 127 + "a"
    assert check_of(f"run = 'x'\nartifacts = ['a/{longest}']").artifacts == (f"a/{longest}",)
    assert "more than 255 bytes" in refused_check(f"run = 'x'\nartifacts = ['a/{longest}a/b']")


def test_a_test_in_quarantine_has_a_name_and_a_reason_as_long_as_allowed() -> None:
    entry = ENTRY.replace("a::é", "n" * 4096).replace("races", "r" * 500)
    (held,) = parse_project((HELD + entry).encode()).quarantine
    assert (len(held.test), len(held.reason)) == (4096, 500)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (1, "1s"),
        (59, "59s"),
        (60, "1m"),
        (61, "61s"),
        (3540, "59m"),
        (3600, "1h"),
        (3660, "61m"),
        (86400, "24h"),
    ],
)
def test_durations_are_written_as_they_are_read(seconds: int, written: str) -> None:
    assert format_duration(seconds) == written
    assert check_of(f"run = 'x'\ntimeout = '{written}'").timeout_s == seconds


def test_each_error_is_one_of_ours() -> None:
    """Keys are quoted and cut, however they are written."""
    for text, code in (
        (f"{HEAD}[keys.'{'é' * 500}']", "LFCI202"),
        (f"{HEAD}[roles.'{'é' * 500}']", "LFCI202"),
    ):
        with pytest.raises(UsageError) as caught:
            parse_policy(text.encode())
        assert (caught.value.code, len(caught.value.message) < 300) == (code, True)
