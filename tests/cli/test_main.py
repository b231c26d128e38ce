"""Dispatch, output and exit statuses, whatever the verb."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from lfci_gate import __version__, cli
from lfci_gate.cli.output import Output, printable, wants_color
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from tests.cli.conftest import PROGRAM, Run


def test_the_version(lfci: Run) -> None:
    shown = lfci("--version")
    assert (shown.status, shown.out, shown.err) == (0, f"lfci {__version__}\n", "")


def test_help_names_every_verb_in_the_order_of_need(lfci: Run, screen) -> None:
    shown = lfci("--help")
    assert shown.status == 0
    assert all(f"\n  {verb} " in shown.out for verb in cli.VERBS if verb != "hook")
    screen("overview", shown.out)


def test_without_a_verb_the_overview_is_shown_and_nothing_is_done(lfci: Run) -> None:
    assert lfci().status == 2
    assert lfci().out == lfci("--help").out


def test_git_finds_it_as_a_subcommand(lfci: Run, tmp_path: Path) -> None:
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["git", "lfci", "explain", "104"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == lfci("explain", "104").out


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_its_module_and_explains_itself(verb: str, here: Run) -> None:
    module = import_module(f"lfci_gate.cli.{verb.replace('-', '_')}")
    assert callable(module.add_arguments)
    assert callable(module.run)
    shown = here(verb, "--help")
    assert shown.status == 0
    assert shown.out.startswith(f"usage: lfci {verb} ")
    assert cli.VERBS[verb][1:] in shown.out.replace("\n", " ")
    assert "--format" in shown.out


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["explian"], "there is no verb explian", "lfci explain"),
        (["frobnicate"], "there is no verb frobnicate", "lfci --help"),
        (["--verbose", "check"], "a verb comes first, not --verbose", "lfci --help"),
        (["explain", "--foo"], "unrecognized arguments: --foo", "lfci explain --help"),
        (["session"], "the following arguments are required: ACTION", "lfci session --help"),
        (
            ["session", "status", "--form", "json"],
            "unrecognized arguments: --form json",
            "lfci session --help",
        ),
    ],
)
def test_a_command_line_that_is_wrong_says_what_is_right(
    here: Run, words: list[str], message: str, hint: str
) -> None:
    shown = here(*words)
    assert shown.status == 2
    assert shown.out == ""
    assert shown.err == f"error[LFCI514]: {message}\nhint: {hint}\nmore: lfci explain LFCI514\n"


@pytest.mark.parametrize("words", [["--format", "json"], ["--format=json"]])
def test_in_json_an_error_is_the_one_object_also_for_a_wrong_command_line(
    here: Run, words: list[str]
) -> None:
    shown = here("explain", "999", *words)
    assert shown.status == 2
    assert shown.json == {
        "schema": "lfci.error/1",
        "code": "LFCI514",
        "message": "there is no code 999",
        "facts": [],
        "hint": "lfci explain (lists all codes)",
        "exitStatus": 2,
    }
    assert shown.err.startswith("error[LFCI514]: ")


def test_format_may_stand_before_the_action_and_after_it(here: Run, repo) -> None:
    before = here("session", "--format", "json", "status", cwd=repo.path)
    after = here("session", "status", "--format", "json", cwd=repo.path)
    assert before.json == after.json


# -- how it ends -------------------------------------------------------------------------------


class _Verb:
    """Stands in for a verb's module and fails in a chosen way."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def add_arguments(self, _parser: object) -> None: ...

    def run(self, _args: object, _context: object) -> int:
        raise self.error


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    return lambda error: monkeypatch.setitem(sys.modules, "lfci_gate.cli.doctor", _Verb(error))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refusal("LFCI108", "no"), 1),
        (UsageError("LFCI405", "what"), 2),
        (Undecided("LFCI501", "cannot tell"), 3),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 3),
        (ZeroDivisionError("division by zero"), 3),
    ],
)
def test_the_exit_status_says_how_it_ended(failing, here: Run, error: BaseException, status: int) -> None:
    failing(error)
    shown = here("doctor")
    assert shown.status == status
    if isinstance(error, LfciError):
        assert f"error[{error.code}]: {error.message}" in shown.err


def test_what_nobody_expected_is_a_code_and_no_traceback(failing, here: Run) -> None:
    failing(ZeroDivisionError("division by zero"))
    shown = here("doctor", "--format", "json")
    assert shown.json["code"] == "LFCI505"
    assert shown.json["facts"][0] == "ZeroDivisionError: division by zero"
    assert "Traceback" not in shown.err


def test_a_reader_that_goes_away_is_no_complaint(tmp_path: Path) -> None:
    script = f"{{ '{PROGRAM}' explain; echo $? >status; }} | (exec <&-; sleep 0.5)"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert (tmp_path / "status").read_text() == "3\n"


# -- what is imported ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--version"], ["explain", "104"], ["help", "trust"], ["--help"]])
def test_what_needs_no_repository_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    script = (
        "import sys; from lfci_gate.cli import main; status = main(sys.argv[1:]);"
        "print(' '.join(sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    imported = set(done.stderr.split())
    heavy = {"pygit2", "cryptography", "jinja2", "tomli_w", "subprocess", "asyncio", "logging", "tempfile"}
    assert imported & heavy == set()
    verbs = {f"lfci_gate.cli.{verb}" for verb in cli.VERBS}
    assert imported & verbs <= {f"lfci_gate.cli.{words[0]}"}


def test_finding_out_about_a_session_imports_no_cryptography_and_no_pygit2(repo) -> None:
    script = (
        "import sys; from lfci_gate.cli import main; status = main(sys.argv[1:]);"
        "print(' '.join(sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "session", "status"],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"pygit2", "cryptography", "jinja2"} & set(done.stderr.split()) == set()


# -- output --------------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"CLICOLOR_FORCE": "1"}, True, False),
    ],
)
def test_when_there_is_color(choice: str, environ: dict[str, str], terminal: bool, colored: bool) -> None:
    assert wants_color(choice, environ, _Terminal() if terminal else io.StringIO()) is colored


def test_an_error_in_color_has_only_its_first_word_colored() -> None:
    err = io.StringIO()
    output = Output.make(["x", "--color", "always"], {}, io.StringIO(), err)
    output.error(Refusal("LFCI108", "it failed", facts=("one: two",), hint="lfci check"))
    assert err.getvalue().splitlines() == [
        "\x1b[31;1merror[LFCI108]:\x1b[m it failed",
        "  one: two",
        "\x1b[33mhint:\x1b[m lfci check",
        "more: lfci explain LFCI108",
    ]


def test_names_from_elsewhere_cannot_steer_the_terminal() -> None:
    out = io.StringIO()
    output = Output.make([], {}, out, io.StringIO())
    output.line("goal \x1b[2J\r\u202e\u009b31m and \u00fc")
    output.pair("agent", "a\nb")
    assert out.getvalue() == "goal \\x1b[2J\\r\\u202e\\x9b31m and \u00fc\nagent       a\\nb\n"
    assert printable("plain") == "plain"


def test_a_terminal_without_unicode_gets_escapes() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Output.make([], {}, stream, io.StringIO()).line("\u00fc")
    stream.flush()
    assert stream.buffer.getvalue() == b"\\xfc\n"


def test_in_json_nothing_else_is_on_stdout() -> None:
    out = io.StringIO()
    output = Output.make(["--format", "json"], {}, out, io.StringIO())
    output.line("words")
    output.pair("more", "words")
    output.marked("ok", "good", "words")
    assert out.getvalue() == ""
    output.json({"schema": "lfci.x/1"})
    output.error(Refusal("LFCI108", "after the answer"))
    assert out.getvalue() == '{\n  "schema": "lfci.x/1"\n}\n'
