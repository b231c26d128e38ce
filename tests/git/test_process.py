"""Git is started with what it may know, and its failures have codes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lfci_gate.errors import Undecided, UsageError
from lfci_gate.git.process import Git, failure
from tests.support.repos import Repo


def test_local_variables_of_a_surrounding_hook_do_not_redirect_git(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    for name in repo.line("rev-parse", "--local-env-vars").split():
        monkeypatch.setenv(name, str(elsewhere))
    for name in ("GIT_QUARANTINE_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_NAMESPACE"):
        monkeypatch.setenv(name, str(elsewhere))
    assert Git(repo.path).git_dir == repo.path / ".git"


def test_config_injected_by_environment_is_not_seen(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "lfci.key")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "/evil")
    assert repo.tool.config("lfci.key") is None


def test_layout_of_a_repository_and_of_a_second_worktree(any_repo: Repo) -> None:
    any_repo.commit()
    any_repo.git("worktree", "add", "-q", "../second", "-b", "other")
    second = any_repo.path.parent / "second"
    (second / "deep").mkdir()
    git = Git(second / "deep")
    assert git.toplevel == second
    assert git.git_dir == any_repo.path / ".git/worktrees/second"
    assert git.common_dir == any_repo.path / ".git"
    assert git.hash_name == any_repo.hash_name
    assert not git.is_bare


def test_a_bare_repository_has_no_working_copy(bare_repo: Repo) -> None:
    git = bare_repo.tool
    assert git.is_bare
    assert git.git_dir == git.common_dir == bare_repo.path
    with pytest.raises(UsageError) as caught:
        _ = git.toplevel
    assert caught.value.code == "LFCI510"


def test_no_repository_and_no_directory_are_510(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError) as caught:
            _ = Git(place).git_dir
        assert caught.value.code == "LFCI510"


def test_no_git_is_519(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Git(repo.path, env={"PATH": str(tmp_path)}).run("version")
    assert caught.value.code == "LFCI519"


def test_an_unexpected_status_is_513_with_the_last_line_of_git(repo: Repo) -> None:
    with pytest.raises(Undecided) as caught:
        repo.tool.run("rev-parse", "--verify", "refs/heads/none")
    assert caught.value.code == "LFCI513"
    assert "Needed a single revision" in caught.value.facts[0]
    assert repo.tool.run("rev-parse", "-q", "--verify", "refs/heads/none", ok=(0, 1)) == b""


def test_a_git_that_does_not_end_is_ended(repo: Repo) -> None:
    repo.git("config", "alias.hang", "!exec sleep 60")
    start = time.monotonic()
    with pytest.raises(Undecided) as caught:
        repo.tool.run("hang", timeout_s=0.2)
    assert caught.value.code == "LFCI513"
    assert time.monotonic() - start < 10


def test_config_names_are_read_as_git_reads_them(repo: Repo) -> None:
    repo.git("config", "lfci.timeBudget", "4s")
    repo.git("config", "remote.Up.Stream.url", "one")
    repo.git("config", "--add", "remote.Up.Stream.url", "two\nlines")
    with (repo.path / ".git/config").open("a") as file:
        file.write("[lfci]\n\tbare\n")
    git = repo.tool
    assert git.config("LFCI.timebudget") == "4s"
    assert git.config("remote.Up.Stream.url") == "two\nlines"
    assert git.config("remote.up.stream.url") is None
    assert git.config("lfci.bare") == "true"
    assert git.config("lfci.none") is None


def test_hooks_and_fsmonitor_run_only_when_asked(repo: Repo, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    script = repo.write("../trap.sh", f"#!/bin/sh\necho x >> {trap}\n".encode(), mode=0o755)
    repo.write("file", b"1")
    commit = repo.commit()
    repo.git("config", "core.fsmonitor", str(script))
    hook = repo.write(".git/hooks/reference-transaction", script.read_bytes(), mode=0o755)
    repo.git("status")
    assert trap.exists(), "the trap works"
    trap.unlink()
    git = repo.tool
    git.run("status", "--porcelain")
    git.run("update-ref", "refs/heads/one", commit)
    assert not trap.exists()
    git.run("update-ref", "refs/heads/two", commit, hooks=True)
    assert trap.exists()
    assert os.access(hook, os.X_OK)


def test_commands_at_once_answer_in_order_and_leave_nobody_behind(repo: Repo) -> None:
    git = repo.tool
    repo.git("config", "alias.long", "!exec sleep 60")
    assert git.run_at_once(("config", "core.bare"), ("rev-parse", "--show-prefix")) == [b"false\n", b"\n"]
    with pytest.raises(Undecided) as caught:
        git.run_at_once(("config", "core.bare"), ("rev-parse", "--verify", "refs/none"))
    assert caught.value.code == "LFCI513"
    bad = ("config", "\0")
    start = time.monotonic()
    with pytest.raises(ValueError, match="null"):
        git.run_at_once(("long",), bad)
    assert time.monotonic() - start < 10


def test_stream_passes_standard_error_through(repo: Repo, capfd: pytest.CaptureFixture[str]) -> None:
    status, out = repo.tool.stream("rev-parse", "--verify", "refs/heads/none")
    assert (status, out) == (128, b"")
    assert "Needed a single revision" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        (b"error: unable to write file x: No space left on device\nfatal: failed\n", Undecided, "LFCI502"),
        (b"fatal: write error: Disk quota exceeded\n", Undecided, "LFCI502"),
        (
            b"fatal: detected dubious ownership in repository at '/x'\n\nTo add\n",
            UsageError,
            "LFCI510",
        ),
        (b"hint: h\nfatal: \xff\x1b[31mred\n\n", Undecided, "LFCI513"),
        (b"", Undecided, "LFCI513"),
    ],
)
def test_what_git_says_decides_about_the_code(said: bytes, kind: type[Exception], code: str) -> None:
    error = failure(("push",), 128, said)
    assert isinstance(error, kind)
    assert error.code == code
    assert error.facts[0].isascii()
    assert error.facts[0].isprintable()


# -- asking ahead -----------------------------------------------------------------------------------


def test_what_was_asked_ahead_answers_the_next_such_question_and_no_other(repo: Repo) -> None:
    question = ("symbolic-ref", "HEAD")
    git = Git(repo.path)
    git.run(*question)
    git.ahead(*question)
    [asked] = git._started.values()
    asked.wait()  # what it says is in the pipe
    git.run("symbolic-ref", "HEAD", "refs/heads/later")
    assert git.with_env({"LFCI_OTHER": "1"}).run(*question) == b"refs/heads/later\n"  # another environment
    assert git.with_env({}).run(*question) == b"refs/heads/main\n"  # the answer is of then
    assert git.run(*question) == b"refs/heads/later\n"


def test_a_question_asked_ahead_takes_its_input_along(repo: Repo) -> None:
    git = Git(repo.path)
    question = ("hash-object", "-w", "--stdin")
    git.ahead(*question, input=b"content")
    assert git.run("hash-object", "-w", "--stdin", input=b"other") != git.run(*question, input=b"content")
    assert git.run("cat-file", "blob", "6b584e8ece562ebffc15d38808cd6b98fc3d97ea") == b"content"


def test_what_fails_ahead_fails_when_it_is_asked(repo: Repo, tmp_path: Path) -> None:
    git = Git(repo.path)
    git.ahead("cat-file", "-p", "HEAD")
    with pytest.raises(Undecided) as failed:
        git.run("cat-file", "-p", "HEAD")
    assert failed.value.code == "LFCI513"
    nowhere = Git(tmp_path / "nowhere")
    nowhere.ahead("rev-parse", "HEAD")
    with pytest.raises(UsageError) as missing:
        nowhere.run("rev-parse", "HEAD")
    assert missing.value.code == "LFCI510"


def test_what_nobody_asks_for_is_ended(repo: Repo) -> None:
    git = Git(repo.path)
    git.ahead("-c", "alias.hang=!sleep 600", "hang")
    git.with_env({"LFCI_OTHER": "1"}).ahead("rev-parse", "HEAD")
    children = list(git._started.values())  # what is asked ahead is shared with the same git elsewhere
    assert len(children) == 2
    git.close()
    git.close()
    assert [child.returncode is not None for child in children] == [True, True]
