"""`.lfci/config.toml`: what is read, what is refused, and the definition digest."""

from __future__ import annotations

import contextlib
import json
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate import canonical
from lfci_gate.config.project import format_project, normal_form, parse_project
from lfci_gate.errors import UsageError
from lfci_gate.model import CheckDefinition, ProjectConfig, Quarantined, ReportSpec
from lfci_gate.value import replace

EXAMPLE = """\
version = 1

[checks.test]
run = "mix test --formatter JUnitFormatter"
shell = "default"
inputs = ["**"]
report = { format = "junit", path = "junit.xml" }
artifacts = ["coverage.json"]
timeout = "15m"
network = false
env = { MIX_ENV = "test" }

[checks.lint]
run = ["ruff", "check", "."]
inputs = ["**/*.py", "pyproject.toml"]

[checks.package]
flake = "checks.package"
"""


def check_of(body: str, name: str = "test") -> CheckDefinition:
    (check,) = parse_project(f"version = 1\n[checks.{name}]\n{body}\n".encode()).checks
    return check


def refused(text: str | bytes) -> str:
    data = text.encode("utf-8") if isinstance(text, str) else text
    with pytest.raises(UsageError) as caught:
        parse_project(data)
    assert caught.value.code == "LFCI405"
    assert caught.value.message.isascii()
    assert caught.value.message.startswith(".lfci/config.toml: ")
    assert len(caught.value.message) < 1500
    return caught.value.message


def test_the_example_of_the_formats_page() -> None:
    config = parse_project(EXAMPLE.encode())
    assert [check.name for check in config.checks] == ["lint", "package", "test"]
    test = config.check("test")
    assert test is not None
    assert test.run == "mix test --formatter JUnitFormatter"
    assert test.report == ReportSpec("junit", "junit.xml")
    assert (test.timeout_s, test.network, test.env) == (900, False, (("MIX_ENV", "test"),))
    lint = config.check("lint")
    assert lint is not None
    assert lint.run == ("ruff", "check", ".")
    assert lint.inputs == ("**/*.py", "pyproject.toml")
    package = config.check("package")
    assert package is not None
    assert (package.flake, package.run, package.inputs) == ("checks.package", None, ("**",))
    assert config.check("other") is None


def test_the_normal_form_and_its_digest_are_fixed() -> None:
    check = check_of('run = "make check"')
    form = (
        b'{"artifacts":[],"env":{},"flake":null,"inputs":["**"],"name":"test","network":false,'
        b'"report":null,"run":"make check","shell":"default","timeout":900}'
    )
    assert canonical.dumps(normal_form(check)) == form
    assert check.digest == "598d9f5717a9935a49d6af8623ba2eee35404551a3036bcfeb8f3824ab75a36c"


def test_what_is_the_default_may_be_left_out() -> None:
    spelled = check_of(
        'run = "x"\nshell = "default"\ninputs = ["**"]\nartifacts = []\ntimeout = "900s"\nnetwork = false'
    )
    assert spelled == check_of('run = "x"')


@pytest.mark.parametrize(
    "change",
    [
        'run = "y"',
        'run = ["x"]',
        'run = "x "',
        'run = "x"\nshell = "ci"',
        'run = "x"\ninputs = ["src/"]',
        'run = "x"\nreport = { format = "tap" }',
        'run = "x"\nreport = { format = "junit", path = "a.xml" }',
        'run = "x"\nartifacts = ["a"]',
        'run = "x"\ntimeout = "16m"',
        'run = "x"\nnetwork = true',
        'run = "x"\nenv = { A = "" }',
        'run = "x"\nreport = { format = "tap" }\nfailures = "report"',
        'flake = "checks.x"',
    ],
)
def test_every_field_is_part_of_the_digest(change: str) -> None:
    assert check_of(change).digest != check_of('run = "x"').digest
    assert check_of('run = "x"', "other").digest != check_of('run = "x"').digest


def test_what_says_that_tests_failed_is_in_the_digest_only_where_it_is_not_the_status() -> None:
    plain = check_of(TAP)
    assert (plain.failures, check_of(TAP + '\nfailures = "status"')) == ("status", plain)
    told = check_of(TAP + '\nfailures = "report"')
    assert told.failures == "report"
    assert canonical.dumps(normal_form(told)) == canonical.dumps(normal_form(plain)).replace(
        b'"flake"', b'"failures":"report","flake"'
    )
    assert told.digest != plain.digest


TAP = 'run = "x"\nreport = { format = "tap" }'
HELD = f'version = 1\n[checks.test]\n{TAP}\nfailures = "report"\n[checks.lint]\nrun = "y"\n'
ENTRY = '[[quarantine]]\ncheck = "test"\ntest = "a::é"\nreason = "races"\nuntil = 2027-01-01T00:00:00Z\n'


def test_tests_in_quarantine_have_a_reason_and_an_end() -> None:
    one = Quarantined("test", "a::é", "races", datetime(2027, 1, 1, tzinfo=UTC))
    found = parse_project((HELD + ENTRY.replace("a::é", "b").replace("races", "r") + ENTRY).encode())
    assert found.quarantine == (one, replace(one, test="b", reason="r"))
    assert parse_project((HELD + ENTRY).encode()).check("test") == parse_project(HELD.encode()).check("test")
    assert parse_project(format_project(found).encode()) == found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('reason = "races"\n', "", "reason: is missing"),
        ('reason = "races"', 'reason = " "', "reason: is empty"),
        ('reason = "races"', f'reason = "{"x" * 501}"', "reason: is longer than 500"),
        ('reason = "races"', 'reason = "a\\nb"', "reason: "),
        ('test = "a::é"\n', "", "test: is missing"),
        ('test = "a::é"', 'test = ""', "test: is empty"),
        ('test = "a::é"', 'test = " "', "test: is empty"),
        ('test = "a::é"', 'test = ["a"]', "test: must be"),
        ('test = "a::é"', f'test = "{"x" * 4097}"', "test: is longer than 4096"),
        ("until = 2027-01-01T00:00:00Z\n", "", "until: is missing: a quarantine ends"),
        ("00:00:00Z", "00:00:00", "until: must be in UTC"),
        ("00:00:00Z", "00:00:00+01:00", "until: must be in UTC"),
        ("2027-01-01T00:00:00Z", '"2027-01-01T00:00:00Z"', "until: must be"),
        ('check = "test"', 'check = "other"', "check: must be one of lint, test"),
        ('check = "test"', 'check = "lint"', 'check: has no effect: checks.lint has no failures = "report"'),
        ('reason = "races"', 'reason = "races"\nmore = 1', "quarantine[0]: unknown key 'more'"),
    ],
)
def test_a_quarantine_that_says_too_little_is_refused(old: str, new: str, says: str) -> None:
    assert old in ENTRY
    assert says in refused(HELD + ENTRY.replace(old, new))


def test_the_quarantine_is_bounded_and_names_a_test_once() -> None:
    assert "quarantine[1].test: is in quarantine already" in refused(HELD + ENTRY + ENTRY)
    many = [ENTRY.replace("a::é", str(number)) for number in range(101)]
    assert len(parse_project((HELD + "".join(many[:100])).encode()).quarantine) == 100
    assert "more than 100" in refused(HELD + "".join(many))
    for body in ('run = "x"\nfailures = "report"', 'flake = "checks.x"\nfailures = "report"'):
        assert "failures: " in refused(f"version = 1\n[checks.test]\n{body}\n")
    assert "failures: must be one of status, report" in refused(HELD.replace('"report"\n', '"exit"\n'))


def test_the_order_of_patterns_is_part_of_the_digest() -> None:
    one = check_of('run = "x"\ninputs = ["a/", "!a/b", "a/b"]')
    two = check_of('run = "x"\ninputs = ["a/", "a/b", "!a/b"]')
    assert one.digest != two.digest


@given(st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_normal_form_does_not_depend_on_the_order_of_the_file(shuffle: random.Random) -> None:
    lines = [
        'run = "x"',
        'inputs = ["b/", "a/"]',
        "network = true",
        'timeout = "1h"',
        'report = { path = "r.xml", format = "junit" }',
    ]
    env, artifacts = [("A", "1"), ("B", "2"), ("C", "3")], ["x", "y", "z"]
    for each in (lines, env, artifacts):
        shuffle.shuffle(each)  # type: ignore[arg-type]
    table = ", ".join(f'{key} = "{value}"' for key, value in env)
    body = "\n".join([*lines, f"env = {{ {table} }}", f"artifacts = {json.dumps(artifacts)}"])
    assert check_of(body).digest == "33b5138bb1a5204cb900a5ea34adafcc7f121ca592ddbb61cd639f525360de21"


def test_a_config_without_checks_is_a_config() -> None:
    assert parse_project(b"version = 1\n").checks == ()
    assert parse_project(b"version = 1\r\n[checks]\r\n").checks == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "version: is missing"),
        ("version = 2", "version: must be from 1 to 1"),
        ("version = true", "must be an integer, not true or false"),
        ('version = "1"', "must be an integer, not a string"),
        ("version = 1.0", "floating point numbers are not allowed"),
        ("version = inf", "floating point numbers are not allowed"),
        ("version = 1979-05-27T07:32:00Z", "must be an integer, not a date and time"),
        ("version = 1\nversion = 1", "not TOML"),
        ("version = 1\nchecks = []", "checks: must be a table, not an array"),
        ("version = 1\nextra = 1", "unknown key 'extra'"),
        ("version = 1\n[checks.test]\nrun = 'x'\n[checks.test]\n", "not TOML"),
        ("version = 1\n[checks.test]\nrun = 'x'\nRun = 'y'", "checks.test: unknown key 'Run'"),
        ("version = 1\n[checks]\ntest = 'x'", "checks.test: must be a table, not a string"),
        ("version = 1\n[checks.Test]\nrun = 'x'", "'Test' is not a name"),
        ("version = 1\n[checks.-a]\nrun = 'x'", "is not a name"),
        ("version = 1\n[checks.'']\nrun = 'x'", "is not a name"),
        ("version = 1\n[checks.'a/b']\nrun = 'x'", "is not a name"),
        ("version = 1\n[checks.'é']\nrun = 'x'", "is not a name"),
        (f"version = 1\n[checks.{'a' * 65}]\nrun = 'x'", "is not a name"),
        (b"\xef\xbb\xbfversion = 1", "byte order mark"),
        (b"version = 1 # \xff", "not UTF-8"),
        (b"version = 1\x00", "not TOML"),
        (b"version = 1\r", "not TOML"),
        (b"version = 1\n" + b"#" * 256 * 1024, "larger than 262144 bytes"),
        ("version = 1\n" + "".join(f"[checks.c{n}]\nrun = 'x'\n" for n in range(65)), "more than 64 checks"),
        ("version = 1\n" + "".join(f"a{n} = 1\n" for n in range(4096)), "more than 4096 keys"),
        ("version = 1\n" + "".join(f"a{n} = 1\n" for n in range(4095)), "unknown key 'a0'"),
    ],
)
def test_refused_files(text: str | bytes, says: str) -> None:
    assert says in refused(text)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "run: is missing (or name a `flake` check)"),
        ("run = ''", "is empty"),
        ("run = ' \\n\\t'", None),
        ('run = " \\n\\t"', "is empty"),
        ("run = 1", "must be an array, not an integer"),
        ("run = []", "names no command"),
        ("run = ['']", "names no command"),
        ("run = ['a', 1]", "run[1]: must be a string"),
        ('run = "a\\u0000b"', "control characters"),
        ('run = "a\\rb"', "control characters"),
        ('run = "a\\u001b[0m"', "control characters"),
        ('run = "a\\u202eb"', None),
        ('run = "a\\u2028b"', "control characters"),
        ('run = ["a", "\\u0007"]', "control characters"),
        (f"run = '{'x' * 40000}'", "longer than"),
        (f"run = ['{'x' * 40000}']", "longer than"),
        ("run = 'x'\nflake = 'checks.x'", "run: a flake check brings its own"),
        ("flake = 'checks.x'\nshell = 'a'", "shell: a flake check brings its own"),
        ("flake = 'checks.x'\nenv = {}", "env: a flake check brings its own"),
        ("flake = 'checks.x'\nnetwork = false", "network: a flake check brings its own"),
        ("flake = 'packages.x'", "checks.<name>"),
        ("flake = 'checks.x.y'", "checks.<name>"),
        ("flake = 'checks.\"x\"'", "checks.<name>"),
        ("flake = 'checks.${x}'", "checks.<name>"),
        ("flake = 'checks.x'\nreport = { format = 'tap' }", "flake check does not show"),
        ("run = 'x'\nshell = 'a.b'", "name of a dev shell"),
        ("run = 'x'\nshell = ''", "name of a dev shell"),
        ("run = 'x'\ninputs = []", "inputs: is empty"),
        ("run = 'x'\ninputs = '**'", "must be an array"),
        ("run = 'x'\ninputs = ['/a']", "patterns start at the tree's root"),
        ("run = 'x'\ninputs = ['!a']", "nothing to take away"),
        (f"run = 'x'\ninputs = {['a'] * 257}", "more than 256"),
        ("run = 'x'\nreport = 'junit'", "must be a table"),
        ("run = 'x'\nreport = { format = 'junit' }", "report.path: is missing"),
        ("run = 'x'\nreport = { path = 'a' }", "report.format: is missing"),
        ("run = 'x'\nreport = { format = 'xml', path = 'a' }", "must be one of junit, tap"),
        ("run = 'x'\nreport = { format = 'tap', path = 'a' }", "unknown key 'path'"),
        *(
            (f"run = 'x'\nreport = {{ format = 'junit', path = '{path}' }}", "not a normalised path")
            for path in ("/a", "../a", "a/../b", "./a", "a/", "a//b", ".", "..")
        ),
        ("run = 'x'\nreport = { format = 'junit', path = '' }", "is empty"),
        (f"run = 'x'\nreport = {{ format = 'junit', path = '{'a' * 256}' }}", "more than 255 bytes"),
        ("run = 'x'\nartifacts = ['a', 'a']", "twice"),
        ("run = 'x'\nartifacts = ['/etc/passwd']", "not a normalised path"),
        ('run = "x"\nartifacts = ["a\\nb"]', "control characters"),
        ("run = 'x'\nnetwork = 0", "must be true or false"),
        *(
            (f"run = 'x'\ntimeout = '{text}'", "timeout")
            for text in (
                "",
                "15",
                "m",
                "0m",
                "015m",
                "1.5h",
                "15 m",
                "-1m",
                "25h",
                "1d",
                "86401s",
                "1h30m",
                "٣m",
            )
        ),
        ("run = 'x'\ntimeout = 900", "must be a string"),
        ("run = 'x'\nenv = { A = 1 }", "env.A: must be a string"),
        ("run = 'x'\nenv = { 'A-B' = '' }", "is not the name of an environment variable"),
        ("run = 'x'\nenv = { '1A' = '' }", "is not the name of an environment variable"),
        ("run = 'x'\nenv = { 'Ä' = '' }", "is not the name of an environment variable"),
        ("run = 'x'\nenv = { '' = '' }", "is not the name of an environment variable"),
        ('run = "x"\nenv = { A = "\\u0000" }', "control characters"),
        (f"run = 'x'\nenv = {{ A = '{'x' * 40000}' }}", "too long"),
        ("run = 'x'\n[checks.test.env]\n" + "".join(f"A{n} = ''\n" for n in range(129)), "more than 128"),
        ("run = 'x'\nunknown = 1", "unknown key"),
    ],
)
def test_refused_checks(body: str, says: str | None) -> None:
    text = f"version = 1\n[checks.test]\n{body}\n"
    if says is None:  # looks wrong, is not
        assert parse_project(text.encode()).checks
    else:
        assert says in refused(text)


RESERVED = """
out src builder args system name outputs PATH HOME TMPDIR TZ LC_ALL SOURCE_DATE_EPOCH stdenv
shellHook NIX_PATH NIX_BUILD_TOP nix_x lfciCommand LFCI_KEY BASH_ENV BASHOPTS bash LD_PRELOAD
LD_LIBRARY_PATH PYTHONHASHSEED SHELLOPTS ENV IFS PS4 PROMPT_COMMAND __noChroot __impure
__structuredAttrs outputHash outputHashAlgo passAsFile allowSubstitutes impureEnvVars
requiredSystemFeatures preferLocalBuild exportReferencesGraph GCONV_PATH _ UID PWD
"""


@pytest.mark.parametrize("name", RESERVED.split())
def test_names_that_bash_nix_or_the_run_script_own_are_not_environment(name: str) -> None:
    assert "cannot be declared" in refused(f"version = 1\n[checks.test]\nrun = 'x'\nenv = {{ {name} = '1' }}")


@pytest.mark.parametrize(
    "name", ["MIX_ENV", "CI", "RUST_BACKTRACE", "_x", "a", "OUT", "TERM", "LANG", "NIXPKGS_X"]
)
def test_other_names_are(name: str) -> None:
    assert check_of(f"run = 'x'\nenv = {{ {name} = '' }}").env == ((name, ""),)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("15m", 900), ("24h", 86400), ("1440m", 86400), ("86400s", 86400)],
)
def test_timeouts(text: str, seconds: int) -> None:
    assert check_of(f"run = 'x'\ntimeout = '{text}'").timeout_s == seconds


def test_run_may_have_several_lines() -> None:
    check = check_of('run = """\nmake\n\tmake check\n"""')
    assert check.run == "make\n\tmake check\n"
    assert check_of('run = ["sh", "-c", "a\\n\\tb", ""]').run == ("sh", "-c", "a\n\tb", "")


# -- properties --------------------------------------------------------------------------------

plain = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)
lines = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], include_characters="\n\t"),
    min_size=1,
    max_size=20,
).filter(lambda text: bool(text.strip()))
out_paths = st.lists(st.from_regex(r"[a-z0-9_é]{1,5}", fullmatch=True), min_size=1, max_size=3).map("/".join)
reports = st.none() | st.just(ReportSpec("tap", None)) | out_paths.map(lambda path: ReportSpec("junit", path))


@st.composite
def definitions(draw: st.DrawFn, name: str) -> CheckDefinition:
    flake = draw(st.booleans())
    report = draw(reports)
    form = {
        "name": name,
        "run": None if flake else draw(lines | st.lists(lines, min_size=1, max_size=3).map(tuple)),
        "flake": "checks.a" if flake else None,
        "shell": "default" if flake else draw(st.sampled_from(["default", "ci"])),
        "inputs": draw(st.sampled_from([("**",), ("src/", "*.toml"), ("**", "!docs/")])),
        "report": None if flake and report is not None and report.format == "tap" else report,
        "artifacts": tuple(sorted(draw(st.sets(out_paths, max_size=3)))),
        "timeout_s": draw(st.integers(1, 86400)),
        "network": not flake and draw(st.booleans()),
        "env": () if flake else tuple(sorted(draw(st.dictionaries(st.sampled_from("ABC"), lines)).items())),
        "digest": "",
    }
    if form["report"] is not None and not flake:
        form["failures"] = draw(st.sampled_from(["status", "report"]))
    check = CheckDefinition(**form)
    object.__setattr__(check, "digest", canonical.digest(normal_form(check)))
    return check


@st.composite
def projects(draw: st.DrawFn) -> ProjectConfig:
    names = draw(st.sets(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True), max_size=3))
    checks = tuple(draw(definitions(name)) for name in sorted(names))
    moments = st.integers(1, 4102444800).map(lambda at: datetime.fromtimestamp(at, UTC))
    words = plain.filter(lambda text: bool(text.strip()))
    held = {
        (check.name, test): Quarantined(check.name, test, draw(words), draw(moments))
        for check in checks
        if check.failures == "report"
        for test in draw(st.sets(words, max_size=2))
    }
    return ProjectConfig(version=1, checks=checks, quarantine=tuple(held[key] for key in sorted(held)))


@given(projects())
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_again(config: ProjectConfig) -> None:
    assert parse_project(format_project(config).encode("utf-8")) == config


def test_the_normal_form_is_made_of_what_json_has() -> None:
    check = check_of('run = ["a", "b"]\nartifacts = ["c"]\nenv = { A = "d" }')
    form = normal_form(check)
    assert json.loads(canonical.dumps(form)) == form
    assert form["run"] == ["a", "b"]


def test_a_command_of_several_lines_is_written_in_several_lines() -> None:
    config = parse_project(b'version = 1\n[checks.a]\nrun = "one\\ntwo\\n"\n')
    assert 'run = """\none\ntwo\n"""\n' in format_project(config)


def test_defaults_are_not_written() -> None:
    assert format_project(parse_project(b"version = 1\nchecks.test.run = 'x'")) == (
        'version = 1\n\n[checks.test]\nrun = "x"\n'
    )


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_config_or_one_error(data: bytes) -> None:
    for each in (data, b"version = 1\n[checks.test]\n" + data):
        with contextlib.suppress(UsageError):
            parse_project(each)


@given(
    st.integers(0, len(EXAMPLE) - 1),
    st.sampled_from(["", "\x00", '"', "'", "[", "]", "\n", "=", ".", "é", "#"]),
)
@settings(max_examples=150, deadline=None)
def test_any_damaged_file_is_a_config_or_one_error(position: int, text: str) -> None:
    damaged = EXAMPLE[:position] + text + EXAMPLE[position + 1 :]
    with contextlib.suppress(UsageError):
        parse_project(damaged.encode())
