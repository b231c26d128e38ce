"""What a change of config.toml makes weaker, each thing by name."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.config.project import parse_project
from lfci_gate.config.weakening import FLAKE_FILES, KINDS, Weakening, only_widens, weakened, weakenings
from lfci_gate.git.inputs import ALWAYS
from lfci_gate.model import ProjectConfig
from lfci_gate.patterns import PatternSet

BASE = {
    "run": '"pytest"',
    "shell": '"test"',
    "inputs": '["src/", "tests/"]',
    "report": '{ format = "junit", path = "junit.xml" }',
    "artifacts": '["coverage.json", "log.txt"]',
    "timeout": '"15m"',
    "env": '{ MODE = "test" }',
}


def text(**changes: str | None) -> bytes:
    table = {key: value for key, value in (BASE | changes).items() if value is not None}
    lines = "".join(f"{key} = {value}\n" for key, value in table.items())
    return f"version = 1\n[checks.unit]\n{lines}".encode()


def config(**changes: str | None) -> ProjectConfig:
    return parse_project(text(**changes))


def told(
    old: ProjectConfig | None, new: ProjectConfig | None, files: list[bytes] | None = None
) -> list[tuple[str, str]]:
    found = weakenings(old, new, None if files is None else lambda: files)
    assert all(each.kind in KINDS for each in found)
    assert all(each.check == "unit" for each in found)
    return [(each.kind, each.text) for each in found]


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"timeout": '"30m"'}, "timeout", "the timeout was raised from 15m to 30m"),
        ({"timeout": '"901s"'}, "timeout", "the timeout was raised from 15m to 901s"),
        ({"network": "true"}, "network", "the network was switched on: the run is no longer hermetic"),
        (
            {"report": None},
            "report",
            'the test report was dropped (junit "junit.xml"): only the exit status counts now',
        ),
        (
            {"report": '{ format = "tap" }'},
            "report",
            'the test report changed from junit "junit.xml" to tap',
        ),
        (
            {"report": '{ format = "junit", path = "other.xml" }'},
            "report",
            'the test report changed from junit "junit.xml" to junit "other.xml"',
        ),
        ({"run": '"pytest -k x"'}, "command", 'the command changed from "pytest" to "pytest -k x"'),
        ({"run": '["pytest"]'}, "command", "the command changed from \"pytest\" to ['pytest']"),
        ({"shell": '"other"'}, "shell", 'the shell changed from "test" to "other"'),
        ({"env": '{ MODE = "prod" }'}, "env", "the environment changed: MODE changed"),
        ({"env": None}, "env", "the environment changed: MODE removed"),
        (
            {"env": '{ A = "1", B = "2", C = "3", D = "4" }'},
            "env",
            "the environment changed: A added, B added, C added and 2 more",
        ),
        (
            {"env": '{ A = "1", B = "2", MODE = "test" }'},
            "env",
            "the environment changed: A added, B added",
        ),
        (
            {"env": '{ A = "1", B = "2", MODE = "x" }'},
            "env",
            "the environment changed: A added, B added, MODE changed",
        ),
        ({"artifacts": '["log.txt"]'}, "artifacts", 'artifacts no longer kept: "coverage.json"'),
        ({"inputs": '["src/"]'}, "inputs", 'the check may see less: "tests/" dropped'),
        (
            {"inputs": '["src/", "tests/", "!tests/slow/"]'},
            "inputs",
            'the check may see less: "!tests/slow/" added',
        ),
        (
            {"inputs": '["src/", "!tests/slow/"]'},
            "inputs",
            'the check may see less: "tests/" dropped, "!tests/slow/" added',
        ),
    ],
)
def test_each_way_to_be_weaker(change: dict[str, str | None], kind: str, says: str) -> None:
    assert told(config(), config(**change)) == [(kind, says)]


def held(*entries: tuple[str, int, str]) -> ProjectConfig:
    """With these tests in quarantine: id, year in which it ends, reason."""
    more = "".join(
        f'[[quarantine]]\ncheck = "unit"\ntest = "{test}"\nreason = "{reason}"\n'
        f"until = {year}-01-01T00:00:00Z\n"
        for test, year, reason in entries
    )
    return parse_project(text(failures='"report"') + more.encode())


def test_failures_that_are_borne_are_told() -> None:
    borne = ("failures", "the command may end with 0 when tests failed: the report says it")
    one, other = ("a::b", 2027, "races"), ("c", 2028, "é" * 100)
    said = 'failures of test "a::b" are borne until 2027-01-01 00:00Z (races)'
    assert told(config(), held()) == [borne]
    assert told(config(), held(one)) == [borne, ("quarantine", said)]
    assert told(held(), held(one)) == [("quarantine", said)]
    longer = (
        'failures of test "a::b" are borne until 2028-01-01 00:00Z, before until 2027-01-01 00:00Z (races)'
    )
    assert told(held(one), held(("a::b", 2028, "races"))) == [("quarantine", longer)]
    [(_, cut)] = told(held(one), held(one, other))
    assert cut == f'failures of test "c" are borne until 2028-01-01 00:00Z ({ascii("é" * 20)[1:-1]}...)'
    # Less of it is nothing weaker; nor are other words for it.
    for new in (held(), held(("a::b", 2026, "races")), held(("a::b", 2027, "x")), config()):
        assert told(held(one), new) == []


def test_a_quarantine_is_told_of_the_check_that_it_is_of() -> None:
    """What another check has in quarantine, though by the same name, is another thing."""
    lint = '[checks.lint]\nrun = "lint"\nfailures = "report"\nreport = { format = "tap" }\n'
    entry = '[[quarantine]]\ncheck = "{}"\ntest = "a::b"\nreason = "races"\nuntil = 2027-01-01T00:00:00Z\n'
    none, theirs, ours = (
        parse_project(text(failures='"report"') + each.encode())
        for each in (lint, lint + entry.format("lint"), lint + entry.format("unit"))
    )
    assert [each.check for each in weakenings(none, theirs)] == ["lint"]
    assert [each.check for each in weakenings(theirs, ours)] == ["unit"]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"timeout": '"5m"'},
        {"artifacts": '["log.txt", "coverage.json", "more"]'},
        {"inputs": '["**"]'},
        {"inputs": None},
        {"inputs": '["docs/", "src/", "tests/"]'},
        {"network": "false"},
    ],
)
def test_what_is_no_weaker_is_not_named(change: dict[str, str | None]) -> None:
    assert told(config(), config(**change)) == []


def test_what_was_weak_before_is_not_named_again() -> None:
    weak = {"network": "true", "report": None, "artifacts": None, "env": None, "timeout": '"1h"'}
    assert told(config(**weak), config(**weak)) == []
    assert [kind for kind, _ in told(config(**weak), config())] == ["env"]
    assert [kind for kind, _ in told(config(**weak), config(**weak | {"timeout": '"2h"'}))] == ["timeout"]


def test_everything_at_once_in_one_order() -> None:
    change: dict[str, str | None] = {
        "run": '"true"',
        "shell": '"default"',
        "env": None,
        "inputs": '["src/"]',
        "report": None,
        "artifacts": None,
        "timeout": '"1h"',
        "network": "true",
    }
    assert [kind for kind, _ in told(config(), config(**change))] == [
        *("command", "shell", "env", "inputs", "report", "artifacts", "timeout", "network")
    ]


FLAKE: dict[str, str | None] = {"run": None, "shell": None, "env": None, "flake": '"checks.unit"'}


def test_a_flake_check_that_is_replaced_is_named_as_that() -> None:
    assert told(config(), config(**FLAKE)) == [
        ("flake", 'the command "pytest" was replaced by the flake\'s checks.unit')
    ]
    assert told(config(**FLAKE), config()) == [
        ("flake", 'the flake\'s checks.unit was replaced by the command "pytest"')
    ]
    other = config(**FLAKE | {"flake": '"checks.other"', "timeout": '"1h"'})
    assert told(config(**FLAKE), other) == [
        ("flake", "the flake's checks.unit was replaced by the flake's checks.other"),
        ("timeout", "the timeout was raised from 15m to 1h"),
    ]


def test_checks_that_go_come_and_are_renamed() -> None:
    two = parse_project(text() + b'[checks.lint]\nrun = "lint"\n')
    one = parse_project(text())
    assert weakenings(two, one) == (Weakening("lint", "check", "the check is no longer declared"),)
    assert weakenings(one, two) == ()
    renamed = parse_project(text().replace(b"checks.unit", b"checks.units"))
    assert [each.check for each in weakenings(one, renamed)] == ["unit"]
    assert [each.check for each in weakenings(two, None)] == ["lint", "unit"]
    assert weakenings(None, two) == weakenings(None, None) == ()
    assert weakenings(two, one)[0].line == "check lint: the check is no longer declared"


# -- inputs ---------------------------------------------------------------------------------------


def test_the_files_that_are_no_longer_seen() -> None:
    files = [b"src/a", b"tests/b", b"tests/\xc3\xbc", b"tests/b", b"docs/c", b"flake.nix"]
    assert told(config(), config(inputs='["src/"]'), files) == [
        (
            "inputs",
            'the check may see less: "tests/" dropped; no longer seen: "tests/b", "tests/\\xfc"',
        )
    ]
    assert told(config(), config(inputs='["src/"]'), [b"src/a"]) == [
        ("inputs", 'the check may see less: "tests/" dropped; every file of today is still seen')
    ]
    assert told(config(inputs='["**"]'), config(inputs='["src/"]'), [b"flake.nix", b"flake.lock"]) == [
        ("inputs", 'the check may see less: "**" dropped; every file of today is still seen')
    ]
    assert told(config(), config(inputs='["**"]'), files) == []


def test_a_pattern_that_took_away_and_is_dropped_is_nothing_weaker() -> None:
    old = config(inputs='["src/", "tests/", "!tests/slow/"]')
    assert told(old, config(inputs='["src/"]')) == [("inputs", 'the check may see less: "tests/" dropped')]
    twice = config(inputs='["src/", "src/"]')
    assert told(twice, config(inputs='["src/"]')) == [("inputs", 'the check may see less: "src/" dropped')]


def test_files_are_asked_for_only_where_it_matters() -> None:
    def never() -> list[bytes]:
        raise AssertionError

    assert weakenings(config(), config(inputs='["**"]'), never) == ()
    assert [each.kind for each in weakenings(config(), config(timeout='"1h"'), never)] == ["timeout"]
    assert weakened(text(), text(), never) == ()


def test_another_order_may_be_narrower() -> None:
    one = config(inputs='["src/", "!src/slow/", "src/slow/x"]')
    other = config(inputs='["src/", "src/slow/x", "!src/slow/"]')
    (found,) = told(one, other)
    orders = "src/ !src/slow/ src/slow/x before, src/ src/slow/x !src/slow/ now"
    assert found == ("inputs", f"the check may see less: other order, {orders}")


@pytest.mark.parametrize(
    ("old", "new", "widens"),
    [
        (["a"], ["a"], True),
        (["a"], ["a", "b"], True),
        (["a"], ["b", "a"], True),
        (["a", "b"], ["b", "a"], False),  # the same, but only a proof for every pattern would show it
        (["a", "b"], ["a"], False),
        (["a", "!b"], ["a"], True),
        (["a", "!b", "c"], ["a", "c"], True),
        (["a", "!b", "c"], ["a", "x", "!b", "c"], True),
        (["a", "!b", "c"], ["a", "!b"], False),
        (["a"], ["a", "!b"], False),
        (["a", "!b", "c"], ["a", "c", "!b"], False),
        (["a", "c", "!b"], ["a", "!b", "c"], False),
        (["a", "c", "!b"], ["a", "!b", "c", "!b"], False),
        (["a", "!b", "!b"], ["a", "!b"], True),
        (["a", "!b"], ["a", "!b", "!b"], False),
        (["a", "!b"], ["**"], True),
        (["a"], ["a", "**"], True),
        (["a"], ["**", "!b"], False),
        (["**"], ["*", "*/**"], False),
    ],
)
def test_patterns_that_only_widen(old: list[str], new: list[str], widens: bool) -> None:
    assert only_widens(tuple(old), tuple(new)) == widens


PATTERNS = st.lists(
    st.sampled_from(["a", "b/", "!a", "!b/", "b/c", "!b/c", "**", "*", "!*"]), min_size=1, max_size=5
)
PATHS = [*map(b"/".join, itertools.product([b"a", b"b", b"c"], repeat=2)), b"a", b"b", b"c"]


@given(PATTERNS, PATTERNS)
def test_what_only_widens_loses_no_path(old: list[str], new: list[str]) -> None:
    old, new = (["b/", *each] if each[0].startswith("!") else each for each in (old, new))
    if only_widens(tuple(old), tuple(new)):
        before, after = PatternSet(old), PatternSet(new)
        assert [path for path in PATHS if before.matches(path) and not after.matches(path)] == []


def test_many_patterns_cost_little() -> None:
    old = tuple(f"{'!' if number % 2 else ''}a{number % 4}" for number in range(256))
    assert not only_widens(old, (*old[2:], old[0], old[1]))
    assert only_widens(old, old)


def test_the_files_that_every_check_sees() -> None:
    assert FLAKE_FILES == ALWAYS


# -- words ----------------------------------------------------------------------------------------


def test_values_of_variables_are_never_shown() -> None:
    old, new = config(env='{ TOKEN = "hush-1" }'), config(env='{ TOKEN = "hush-2", OTHER = "hush-3" }')
    assert told(old, new) == [("env", "the environment changed: OTHER added, TOKEN changed")]
    assert "hush" not in str([told(old, None), told(new, old), told(old, config(**FLAKE))])


def test_lines_are_plain_and_bounded() -> None:
    wild = config(run='"""a\\u00fc\\n' + "x" * 9000 + '"""', inputs='["' + "\u00fc" * 500 + '"]')
    for old, new in ((config(), wild), (wild, config())):
        for kind, line in told(old, new, [b"tests/\xff\x1b" + b"x" * 4000]):
            assert line.isascii(), kind
            assert line.isprintable(), kind
            assert len(line) < 600, kind
    command = dict(told(config(), wild))["command"]
    assert '"pytest" to "a\\xfc\\nxxx' in command
    assert command.endswith('xxx..."')
    exact = "x" * 80
    assert dict(told(config(), config(run=f'"{exact}"')))["command"].endswith(f'"{exact}"')


def test_a_file_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    good, bad = text(), b"version = 1\n[checks.unit]\nrun = 7\n"
    for old, new, says in (
        (good, bad, ".lfci/config.toml cannot be read now, so no check is declared ("),
        (bad, good, ".lfci/config.toml could not be read before, so what became weaker is not known ("),
        (bad, b"\xff", ".lfci/config.toml cannot be read now, so no check is declared ("),
        (None, bad, ".lfci/config.toml cannot be read now"),
        (bad, None, ".lfci/config.toml could not be read before"),
    ):
        (found,) = weakened(old, new)
        assert (found.check, found.kind) == ("", "unreadable")
        assert found.line == found.text
        assert found.text.startswith(says)
        assert found.text.isascii()
        assert len(found.text) < 300
    assert weakened(bad, bad) == weakened(None, None) == weakened(good, good) == weakened(None, good) == ()
    assert [each.kind for each in weakened(good, None)] == ["check"]
    assert [each.kind for each in weakened(good, text(timeout='"1h"'))] == ["timeout"]


@given(st.binary(max_size=200), st.sampled_from([None, text(), b"\xff"]))
def test_any_bytes_are_told_and_stop_nothing(data: bytes, other: bytes | None) -> None:
    for found in (*weakened(data, other), *weakened(other, data)):
        assert found.line.isascii()
        assert found.line.isprintable()
