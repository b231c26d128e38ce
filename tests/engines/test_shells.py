"""Kinds of development shells, and what their hooks do to a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lfci_gate.errors import Refusal
from lfci_gate.model import Outcome
from tests.support.world_project import GREEN, JUNIT, Project, definition, report

Make = Callable[..., Project]


def body(kind: str, extra: str = "") -> str:
    return f'{{ devShells.x86_64-linux.default = world.lib.shell "{kind}" {{ {extra} }}; }}'


def hook(kind: str, text: str) -> str:
    return body(kind, f"shellHook = ''\n{text}\n'';")


@pytest.mark.parametrize("kind", ["plain", "stdenv", "structured", "devshell"])
def test_every_kind_of_shell_runs_checks(make_project: Make, kind: str) -> None:
    project = make_project(body(kind))
    project.write({"data": "content"})
    check = definition(
        f"cat data; python3 -c 'print(1)'; pwd; echo $out $HOME $TMPDIR $WORD; {report(GREEN)}",
        report=JUNIT,
        env={"WORD": "set"},
    )
    result = project.run(check)
    assert (result.outcome, result.code) == (Outcome.PASSED, None), project.heard.output
    expected = b"content1\n/build/source\n/build/out /build/home /build/tmp set\n"
    assert project.heard.output == expected


@pytest.mark.parametrize("kind", ["plain", "stdenv", "structured", "devshell"])
def test_every_kind_of_shell_tells_failure(make_project: Make, kind: str) -> None:
    result = make_project(body(kind)).run("exit 3")
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, 3)


@pytest.mark.parametrize("kind", ["plain", "stdenv", "structured"])
def test_the_hook_runs_in_the_source_before_the_command(make_project: Make, kind: str) -> None:
    project = make_project(hook(kind, "export MADE=$PWD; echo hook"))
    assert project.said("echo $MADE") == "hook\n/build/source\n"


@pytest.mark.parametrize("kind", ["plain", "stdenv", "structured"])
@pytest.mark.parametrize(
    "text",
    [
        "exit 0",
        "exec true",
        "exec sh -c 'exit 0'",
        "kill -9 $BASHPID",
        "trap 'exit 0' EXIT; exit 1",
        "builtin() { :; }",
        "printf() { :; }; builtin() { :; }; exit() { command true; }",
        "trap 'exit 0' EXIT",
        "trap 'builtin exit 0' EXIT DEBUG ERR",
        "set -o noexec",
    ],
)
def test_no_trick_of_a_hook_makes_a_failing_command_pass(make_project: Make, kind: str, text: str) -> None:
    result = make_project(hook(kind, text)).run("exit 1")
    assert result.outcome is not Outcome.PASSED
    if text.startswith(("exit", "exec", "kill")):
        assert result.code == "LFCI309"


@pytest.mark.parametrize(
    "text",
    [
        "exec() { echo never; }",
        "exit() { echo never; }; return() { echo never; }",
        "set -eu -o pipefail",
        "unset out TMPDIR shellHook src HOME",
        "trap 'echo bye' EXIT",
        "alias exec=true",
        "readonly out 2>/dev/null || true",
    ],
)
def test_odd_hooks_do_not_keep_a_good_command_from_passing(make_project: Make, text: str) -> None:
    result = make_project(hook("plain", text)).run(definition(report(GREEN), report=JUNIT))
    assert (result.outcome, result.code) == (Outcome.PASSED, None), result


def test_a_hook_that_leaves_processes_behind_does_not_hold_the_run(make_project: Make) -> None:
    project = make_project(hook("plain", "(sleep 600; echo) & disown"))
    assert project.run("true").outcome is Outcome.PASSED


def test_functions_and_options_of_the_shell_do_not_reach_the_command(make_project: Make) -> None:
    project = make_project(hook("stdenv", "python3() { echo fake; }; shopt -s nullglob"))
    assert project.said("python3 -c 'print(1)'; echo *.none") == "1\n*.none\n"


def test_structured_attributes_are_there_as_nix_writes_them(make_project: Make) -> None:
    hooked = 'export LISTED="${#worldList[@]} ${worldList[0]} ${worldMap[key]}"'.replace("${", "''${")
    project = make_project(hook("structured", hooked))
    said = project.said("echo $LISTED; echo $WORLD_FROM_ENV; ls $NIX_ATTRS_JSON_FILE")
    assert said == "2 one two value\nstructured\n/build/.attrs.json\n"


def test_attributes_that_are_passed_as_files_are_files(make_project: Make) -> None:
    project = make_project(body("plain", 'passAsFile = [ "long" ]; long = "text of it";'))
    assert project.said('cat $longPath; echo "${long-unset}"') == "text of itunset\n"


def test_a_shell_without_cp_cannot_run_checks(make_project: Make) -> None:
    result = make_project(body("empty")).run(":")
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI319")


def test_a_shell_whose_builder_is_no_bash_is_refused(make_project: Make) -> None:
    project = make_project(body("box"))
    with pytest.raises(Refusal) as refused:
        project.run("true")
    assert refused.value.code == "LFCI319"
    assert "busybox" in refused.value.facts[0]


def test_a_failing_setup_is_undecided(make_project: Make) -> None:
    setup = 'stdenv = world.lib.tools; __setup = builtins.toFile "x" "";'
    project = make_project(body("plain", setup))
    assert project.run("true").outcome is Outcome.PASSED  # no setup there: nothing to run
    broken = make_project(
        'let dir = derivation { name = "setup"; system = "x86_64-linux"; PATH = world.lib.path;'
        ' builder = "${world.lib.tools}/bin/bash";'
        ' args = [ "-c" "mkdir $out; echo \'set -e; false\' > $out/setup" ]; };'
        ' in { devShells.x86_64-linux.default = world.lib.shell "plain" { stdenv = dir; }; }',
        "broken",
    )
    result = broken.run("true")
    assert (result.outcome, result.code) == (Outcome.UNDECIDED, "LFCI309")
