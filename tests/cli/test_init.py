"""`lfci init`: from a project that knows nothing of lfci to one that declares its checks."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from lfci_gate.attest.keys import parse_public
from lfci_gate.config.policy import parse_policy, unsatisfiable
from lfci_gate.config.project import parse_project
from lfci_gate.model import Policy, ProjectConfig
from tests.cli.conftest import PROGRAM, Run
from tests.support.repos import Repo

MAKEFILE = b"check:\n\tpytest\n"
JUSTFILE = b"test:\n    pytest\n"


def written(repo: Repo) -> tuple[ProjectConfig, Policy]:
    return (
        parse_project((repo.path / ".lfci/config.toml").read_bytes()),
        parse_policy((repo.path / ".lfci/policy.toml").read_bytes()),
    )


@pytest.fixture
def project(repo: Repo) -> Repo:
    repo.write("Makefile", MAKEFILE)
    repo.write("tests/test_a.py", b"def test_a(): pass\n")
    repo.write("uv.lock", b"version = 1\n")
    repo.commit("first")
    return repo


def test_a_first_time_as_a_screen(here: Run, project: Repo, hermetic: Path, screen) -> None:
    shown = here("init", cwd=project.path)
    assert (shown.status, shown.err) == (0, "")
    screen("init", shown.out)
    config, policy = written(project)
    assert [(check.name, check.run) for check in config.checks] == [("test", "make check")]
    keys = {key.name: (key.roles, key.public) for key in policy.keys}
    home = hermetic / ".config/lfci"
    assert keys == {
        "ada-author": (("maintainer",), parse_public((home / "maintainer.pub").read_text())),
        "ada-author-agent": (("agent",), parse_public((home / "key.pub").read_text())),
    }
    assert [rule.refs for rule in policy.rules] == [("refs/heads/main",)]
    assert re.fullmatch(r"[0-9a-f-]{36}", policy.repository)


def test_a_second_time_overwrites_nothing(here: Run, project: Repo, hermetic: Path, screen) -> None:
    here("init", cwd=project.path)
    files = [*(project.path / ".lfci").iterdir(), hermetic / ".config/lfci/key"]
    before = {path: path.read_bytes() for path in files}
    shown = here("init", cwd=project.path)
    assert shown.status == 0
    screen("init-again", shown.out)
    assert {path: path.read_bytes() for path in files} == before


@pytest.mark.parametrize("there", ["config", "policy"])
def test_what_is_missing_is_added_to_what_is_there(here: Run, project: Repo, there: str) -> None:
    here("init", cwd=project.path)
    kept = project.path / f".lfci/{there}.toml"
    missing = project.path / f".lfci/{'policy' if there == 'config' else 'config'}.toml"
    before = kept.read_bytes()
    missing.unlink()
    found = here("init", "--format", "json", cwd=project.path).json
    assert found["files"] == {
        f".lfci/{there}.toml": "there",
        str(missing.relative_to(project.path)): "written",
    }
    assert kept.read_bytes() == before


def test_before_the_first_commit_the_working_copy_counts(here: Run, repo: Repo) -> None:
    repo.write(".gitignore", b"Makefile\n")
    repo.write("Makefile", MAKEFILE)  # ignored: not the project's
    repo.write("justfile", JUSTFILE)
    found = here("init", "--format", "json", cwd=repo.path).json
    assert (found["command"], found["because"]) == ("just test", "justfile declares the recipe test")


def test_what_is_committed_counts_and_not_what_lies_around(here: Run, project: Repo) -> None:
    project.write("justfile", JUSTFILE)
    assert here("init", "--format", "json", cwd=project.path).json["command"] == "make check"


def test_from_a_folder_below(here: Run, project: Repo) -> None:
    assert here("init", cwd=project.path / "tests").status == 0
    written(project)


def test_the_command_given_outright(here: Run, project: Repo) -> None:
    words = (
        "--run",
        "pytest --junitxml=$out/r.xml",
        "--report",
        "junit:r.xml",
        "--name",
        "unit",
        "--branch",
        "trunk",
    )
    assert here("init", "--yes", *words, cwd=project.path).status == 0
    config, policy = written(project)
    [check] = config.checks
    assert (check.name, check.run) == ("unit", "pytest --junitxml=$out/r.xml")
    assert check.report is not None
    assert (check.report.format, check.report.path) == ("junit", "r.xml")
    [rule] = policy.rules
    assert rule.refs == ("refs/heads/trunk",)
    assert [(each.check, each.report_required) for each in rule.require] == [("unit", True)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--run", "x", "--report", "xml"], "LFCI514"),
        (["--run", "x", "--report", "junit:"], "LFCI514"),
        (["--run", "x", "--report", "junit:../x"], "LFCI405"),
        (["--run", "x", "--report", "tap:x"], "LFCI514"),
        (["--report", "tap"], "LFCI514"),
        (["--run", "x", "--name", "No Name"], "LFCI405"),
        (["--run", " "], "LFCI405"),
        (["--run", "x", "--branch", "a..b"], "LFCI202"),
    ],
)
def test_what_cannot_be_declared_is_said_and_nothing_is_written(
    here: Run, project: Repo, words: list[str], code: str
) -> None:
    shown = here("init", *words, cwd=project.path)
    assert shown.status == 2
    assert f"error[{code}]" in shown.err
    assert not (project.path / ".lfci").exists()


def test_a_command_for_a_project_that_has_declared_one_is_lfci514(here: Run, project: Repo) -> None:
    here("init", cwd=project.path)
    shown = here("init", "--run", "x", cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI514]: .lfci/config.toml is there already and is never overwritten" in shown.err


def test_nothing_to_run_is_lfci301(here: Run, repo: Repo, hermetic: Path) -> None:
    repo.write("README", b"hello\n")
    repo.commit("first")
    shown = here("init", cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI301]" in shown.err
    assert "hint: lfci init --run CMD" in shown.err
    assert not (repo.path / ".lfci").exists()
    assert not (hermetic / ".config/lfci").exists()


@pytest.mark.parametrize("words", [[], ["--yes"]])
def test_without_a_terminal_a_choice_is_lfci302_with_the_candidates(
    here: Run, project: Repo, words: list[str], screen
) -> None:
    project.write("justfile", JUSTFILE)
    project.commit("second")
    shown = here("init", *words, cwd=project.path)
    assert shown.status == 2
    screen("init-ambiguous", shown.err)
    assert not (project.path / ".lfci").exists()


@pytest.mark.parametrize(
    ("answer", "command"), [("2", "just test"), ("1", "make check"), ("", None), ("9", None)]
)
def test_on_a_terminal_the_user_chooses(project: Repo, answer: str, command: str | None) -> None:
    project.write("justfile", JUSTFILE)
    project.commit("second")
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [str(PROGRAM), "init"], cwd=project.path, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE
        )
        asked = b""
        while b"Which one?" not in asked:
            asked += os.read(ours, 4096)
        assert b"1  make check   (Makefile declares the target check)" in asked
        assert b"2  just test   (justfile declares the recipe test)" in asked
        os.write(ours, f"{answer}\n".encode())
        child.communicate(timeout=30)
    finally:
        os.close(theirs)
        os.close(ours)
    if command is None:
        assert child.returncode == 2
        assert not (project.path / ".lfci").exists()
    else:
        assert child.returncode == 0
        assert written(project)[0].checks[0].run == command


def test_a_flake_is_never_invented_only_missed(here: Run, project: Repo) -> None:
    shown = here("init", cwd=project.path)
    assert "MISSING: checks run in the dev shell of flake.nix (lfci help flake)" in shown.out
    assert not (project.path / "flake.nix").exists()
    project.write("flake.nix", b"{ outputs = _: { }; }\n")
    assert "flake.nix is there" in here("init", cwd=project.path).out


def test_a_key_that_is_configured_is_enrolled_and_none_is_made(
    here: Run, project: Repo, tmp_path: Path, hermetic: Path
) -> None:
    made = here("key", "generate", str(tmp_path / "mine"), "--format", "json").json
    project.git("config", "lfci.key", str(tmp_path / "mine"))
    here("init", cwd=project.path)
    signs, approves = sorted(written(project)[1].keys, key=lambda key: key.roles)
    assert (signs.roles, approves.roles) == (("agent",), ("maintainer",))
    assert signs.public.fingerprint == made["fingerprint"]
    assert not (hermetic / ".config/lfci/key").exists()


def test_a_configured_key_that_is_not_there_is_lfci511(here: Run, project: Repo, tmp_path: Path) -> None:
    project.git("config", "lfci.key", str(tmp_path / "nowhere"))
    shown = here("init", cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI511]" in shown.err
    assert not (project.path / ".lfci").exists()
    assert not (tmp_path / "nowhere").exists()


def test_a_policy_that_does_not_know_the_key_is_left_and_said(
    here: Run, project: Repo, hermetic: Path
) -> None:
    here("init", cwd=project.path)
    for path in (hermetic / ".config/lfci").iterdir():
        path.unlink()
    shown = here("init", cwd=project.path)
    assert "the policy does not know this key: see lfci key show" in shown.out


def test_a_configuration_that_is_there_and_broken_is_lfci405(here: Run, project: Repo) -> None:
    project.write(".lfci/config.toml", b"version = 9\n")
    shown = here("init", cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI405]" in shown.err
    assert not (project.path / ".lfci/policy.toml").exists()


def test_what_defines_the_checks_is_protected_from_the_first_day(here: Run, project: Repo) -> None:
    here("init", cwd=project.path)
    policy = written(project)[1]
    [protection] = policy.rules[0].protect
    assert protection.roles == ("maintainer",)
    assert {"flake.nix", ".lfci/", "tests/", "uv.lock", "Makefile"} <= set(protection.paths)
    assert unsatisfiable(policy) == ()
