"""The hook shims under real git: what they start, with which environment, and how they fail."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lfci_gate import resources
from tests.support.repos import Repo, make_repo

SERVER = ("pre-receive", "post-receive")
CLIENT = ("pre-push", "post-checkout", "prepare-commit-msg")

# What a program that is started in the place of the interpreter, or of lfci, tells about itself.
_WITNESS = """#!{python} -I
import json, os, sys
seen = {{"argv": sys.argv[1:], "env": dict(os.environ), "stdin": sys.stdin.read() if {reads} else ""}}
with open({record!r}, "a") as file:
    file.write(json.dumps(seen) + "\\n")
sys.exit({status})
"""


def witness(path: Path, record: Path, *, status: int = 0, reads: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_WITNESS.format(python=sys.executable, record=str(record), status=status, reads=reads))
    path.chmod(0o755)
    return path


def seen(record: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def install(hooks: Path, name: str, *, mark: str = "", program: Path | None = None) -> Path:
    """A shim as an installer writes it: the mark replaced by the quoted path of the program."""
    text = (resources.hooks() / name).read_text()
    if program is not None:
        assert text.count(mark) == 1
        text = text.replace(mark, shlex.quote(str(program)))
    hooks.mkdir(exist_ok=True)
    (hooks / name).write_text(text)
    (hooks / name).chmod(0o755)
    return hooks / name


def run(*args: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        args,
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Repo:
    """A working copy with one commit, and its empty forge ``forge.git`` as origin."""
    make_repo(tmp_path / "forge.git", bare=True)
    repo = make_repo(tmp_path / "clone")
    repo.write("README", b"hello\n")
    repo.commit()
    repo.git("remote", "add", "origin", str(tmp_path / "forge.git"))
    return repo


def refs(repository: Path) -> str:
    return run("git", "for-each-ref", cwd=repository).stdout


# -- all -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVER + CLIENT)
def test_each_shim_says_what_it_is_and_which_version(name: str) -> None:
    path = resources.hooks() / name
    lines = path.read_text().splitlines()
    assert lines[:3] == ["#!/bin/sh", f"# lfci-gate hook: {name}", "# lfci-gate shim version: 1"]
    assert os.access(path, os.X_OK)


def test_the_folder_holds_these_shims_only() -> None:
    assert sorted(path.name for path in resources.hooks().iterdir()) == sorted(SERVER + CLIENT)


def test_the_shims_are_clean_posix_shell() -> None:
    done = run(
        "shellcheck",
        "--shell=sh",
        "--enable=quote-safe-variables",
        *sorted(resources.hooks().iterdir()),
        cwd=Path("/"),
    )
    assert (done.returncode, done.stdout) == (0, "")


# -- server ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVER)
def test_the_server_shims_pass_only_what_git_and_the_forge_set(
    clone: Repo, tmp_path: Path, name: str
) -> None:
    record = tmp_path / "record"
    python = witness(tmp_path / "it's a place/python", record)
    install(tmp_path / "forge.git/hooks", name, mark="@PYTHON@", program=python)
    hostile = {
        "PYTHONPATH": "/evil",
        "PYTHONSTARTUP": "/evil",
        "LD_LIBRARY_PATH": "/evil",
        "BASH_ENV": "/evil",
        "ENV": "/evil",
        "LFCI_KEY": "/evil",
        "GIT_CONFIG_PARAMETERS": "'lfci.policy=/evil'",
        "GIT_CONFIG_COUNT": "0",
        "GIT_REPLACE_REF_BASE": "refs/evil/",
        "GIT_TRACE": "0",
        "HTTP_PROXY": "evil",
    }
    forge = {"REMOTE_USER": "ada", "GL_USERNAME": 'a "b" $c', "GITEA_PUSHER_NAME": ""}
    done = run("git", "push", "-q", "origin", "main", cwd=clone.path, **hostile, **forge)
    assert done.returncode == 0, done.stderr
    [told] = seen(record)
    environment = told["env"]
    assert isinstance(environment, dict)
    # What sh itself always exports, and what the interpreter adds for its own locale.
    environment = {
        k: v for k, v in environment.items() if k not in ("PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE")
    }
    expected = {"PATH", "GIT_DIR", *forge}
    if name == "pre-receive":
        expected |= {"GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    assert set(environment) == expected
    assert {variable: environment[variable] for variable in forge} == forge
    assert told["argv"] == ["-I", "-m", "lfci_gate.gate.receive", name]
    assert told["stdin"] == f"{'0' * 40} {clone.line('rev-parse', 'main')} refs/heads/main\n"


def test_a_refusal_of_the_package_is_a_refusal_of_the_push(clone: Repo, tmp_path: Path) -> None:
    python = witness(tmp_path / "python", tmp_path / "record", status=1)
    install(tmp_path / "forge.git/hooks", "pre-receive", mark="@PYTHON@", program=python)
    assert run("git", "push", "-q", "origin", "main", cwd=clone.path).returncode != 0
    assert refs(tmp_path / "forge.git") == ""


@pytest.mark.parametrize("installed", ["not installed", "gone", "not executable"])
def test_without_its_interpreter_the_gate_refuses(clone: Repo, tmp_path: Path, installed: str) -> None:
    hooks = tmp_path / "forge.git/hooks"
    if installed == "not installed":
        install(hooks, "pre-receive")
        # A relative name is never run, even where the repository has a file of that name.
        witness(tmp_path / "forge.git/@PYTHON@", tmp_path / "record")
    else:
        program = tmp_path / "python"
        if installed == "not executable":
            program.write_text("")
        install(hooks, "pre-receive", mark="@PYTHON@", program=program)
    done = run("git", "push", "-q", "origin", "main", cwd=clone.path)
    assert done.returncode != 0
    assert "remote: error[LFCI516]" in done.stderr
    assert "remote: hint: " in done.stderr
    assert refs(tmp_path / "forge.git") == ""
    assert seen(tmp_path / "record") == []


# -- client ------------------------------------------------------------------------------------


def without_lfci(tmp_path: Path) -> str:
    """A PATH with git and a shell, and certainly no lfci."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name in ("git", "sh", "cat", "sed"):
        found = run("sh", "-c", f"command -v {name}", cwd=tmp_path).stdout.strip()
        if not (folder / name).exists():
            (folder / name).symlink_to(found)
    return str(folder)


def test_pre_push_hands_all_refs_and_arguments_to_lfci(clone: Repo, tmp_path: Path) -> None:
    program = witness(tmp_path / "my tools/lfci", tmp_path / "record")
    install(clone.path / ".git/hooks", "pre-push")
    clone.git("branch", "other")
    path = f"{program.parent}:{without_lfci(tmp_path)}"
    done = run("git", "push", "-q", "origin", "main", "other", cwd=clone.path, PATH=path)
    assert done.returncode == 0, done.stderr
    [told] = seen(tmp_path / "record")
    assert told["argv"] == ["hook", "pre-push", "origin", str(tmp_path / "forge.git")]
    assert str(told["stdin"]).count("\n") == 2
    assert refs(tmp_path / "forge.git").count("\n") == 2


def test_the_installed_path_comes_before_the_search_path(clone: Repo, tmp_path: Path) -> None:
    program = witness(tmp_path / "it's here/lfci", tmp_path / "installed")
    other = witness(tmp_path / "tools/lfci", tmp_path / "other")
    install(clone.path / ".git/hooks", "pre-push", mark="@LFCI@", program=program)
    path = f"{other.parent}:{without_lfci(tmp_path)}"
    assert run("git", "push", "-q", "origin", "main", cwd=clone.path, PATH=path).returncode == 0
    assert len(seen(tmp_path / "installed")) == 1
    assert seen(tmp_path / "other") == []
    program.unlink()
    assert run("git", "push", "-q", "origin", "main:again", cwd=clone.path, PATH=path).returncode == 0
    assert len(seen(tmp_path / "other")) == 1


def test_pre_push_fails_closed_without_lfci(clone: Repo, tmp_path: Path) -> None:
    install(clone.path / ".git/hooks", "pre-push")
    done = run("git", "push", "-q", "origin", "main", cwd=clone.path, PATH=without_lfci(tmp_path))
    assert done.returncode != 0
    assert "error[LFCI519]" in done.stderr
    assert refs(tmp_path / "forge.git") == ""


def test_pre_push_refuses_when_lfci_refuses(clone: Repo, tmp_path: Path) -> None:
    program = witness(tmp_path / "tools/lfci", tmp_path / "record", status=1)
    install(clone.path / ".git/hooks", "pre-push", mark="@LFCI@", program=program)
    assert run("git", "push", "-q", "origin", "main", cwd=clone.path).returncode != 0
    assert refs(tmp_path / "forge.git") == ""


@pytest.mark.parametrize("lfci", ["passes", "fails", "is missing"])
def test_post_checkout_fails_open(clone: Repo, tmp_path: Path, lfci: str) -> None:
    record = tmp_path / "record"
    path = without_lfci(tmp_path)
    if lfci != "is missing":
        program = witness(tmp_path / "tools/lfci", record, status=int(lfci == "fails"), reads=False)
        path = f"{program.parent}:{path}"
    install(clone.path / ".git/hooks", "post-checkout")
    head = clone.line("rev-parse", "HEAD")
    done = run("git", "switch", "-q", "-c", "topic", cwd=clone.path, PATH=path)
    assert done.returncode == 0, done.stderr
    assert clone.line("symbolic-ref", "HEAD") == "refs/heads/topic"
    expected = [] if lfci == "is missing" else [["hook", "post-checkout", head, head, "1"]]
    assert [told["argv"] for told in seen(record)] == expected


@pytest.mark.parametrize("lfci", ["passes", "fails", "is missing"])
def test_prepare_commit_msg_fails_open(clone: Repo, tmp_path: Path, lfci: str) -> None:
    record = tmp_path / "record"
    path = without_lfci(tmp_path)
    if lfci != "is missing":
        program = witness(tmp_path / "tools/lfci", record, status=int(lfci == "fails"), reads=False)
        path = f"{program.parent}:{path}"
    install(clone.path / ".git/hooks", "prepare-commit-msg")
    done = run("git", "commit", "-q", "--allow-empty", "-m", "second", cwd=clone.path, PATH=path)
    assert done.returncode == 0, done.stderr
    assert clone.line("log", "-1", "--format=%s") == "second"
    expected = (
        [] if lfci == "is missing" else [["hook", "prepare-commit-msg", ".git/COMMIT_EDITMSG", "message"]]
    )
    assert [told["argv"] for told in seen(record)] == expected


@pytest.mark.parametrize("name", ["@LFCI@", "lfci"])
def test_a_program_in_the_working_copy_is_never_run(clone: Repo, tmp_path: Path, name: str) -> None:
    install(clone.path / ".git/hooks", "pre-push")
    witness(clone.path / name, tmp_path / "record")
    path = f".:{without_lfci(tmp_path)}"
    done = run("git", "push", "-q", "origin", "main", cwd=clone.path, PATH=path)
    assert done.returncode != 0
    assert "error[LFCI519]" in done.stderr
    assert seen(tmp_path / "record") == []
