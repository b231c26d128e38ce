"""The hooks as git runs them: real git, the installed program, a forge with a gate behind git daemon."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfci_gate.cli.context import utc_now
from lfci_gate.clone.deliver import MARK
from tests.cli.conftest import Run
from tests.support.forge import Developer, Forge, first_landing, make_forge
from tests.support.repos import Repo

# -- pre-push --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with make_forge(tmp_path_factory.mktemp("server")) as made:
        first_landing(Developer(tmp_path_factory.mktemp("first") / "clone", made))
        yield made


@pytest.fixture
def ada(server: Forge, tmp_path: Path, here: Run) -> Developer:
    """A clone of the forge with hooks, one commit ahead of it."""
    developer = Developer(tmp_path / "ada", server)
    repo = developer.repo
    repo.git("fetch", "-q", "origin")
    repo.git("reset", "-q", "--hard", "origin/main")
    repo.git("branch", "-q", "--set-upstream-to=origin/main")
    installed = here("install", cwd=repo.path)
    assert installed.status == 0, installed.err
    repo.write("src/lib.py", os.urandom(4).hex().encode())
    repo.commit("change")
    return developer


def attest(developer: Developer, rev: str = "HEAD") -> str:
    """Evidence for ``rev`` in an inbox ref of the clone, as `lfci check` leaves it; its ref."""
    oid, _, ref = developer.evidence(rev).partition(":")
    developer.repo.git("update-ref", ref, oid)
    return ref


def test_a_push_without_proof_is_stopped_before_anything_is_sent(server: Forge, ada: Developer) -> None:
    before = server.state()
    pushed = ada.push("origin", "main")
    assert pushed.status != 0
    assert pushed.codes == {"LFCI101"}
    assert "remote:" not in pushed.output
    assert "Nothing was sent." in pushed.output
    assert server.state() == before


def test_a_plain_push_brings_the_proof_first_and_lands(server: Forge, ada: Developer) -> None:
    attest(ada)
    pushed = ada.push("origin", "main")
    assert pushed.status == 0, pushed.output
    assert server.refs()["refs/heads/main"] == ada.repo.line("rev-parse", "HEAD")
    assert b"payloadType" in server.note("lfci", ada.repo.line("rev-parse", "HEAD^{tree}"))


def test_all_refs_of_a_push_are_judged(server: Forge, ada: Developer) -> None:
    attest(ada)
    ada.repo.git("branch", "release/1", "HEAD~")
    ada.repo.git("checkout", "-q", "--detach")
    ada.repo.write("other", os.urandom(4))
    ada.repo.commit("unproven")
    before = server.state()
    pushed = ada.push("origin", "main", "HEAD:refs/heads/release/2")
    assert pushed.status != 0
    assert "ref refs/heads/release/2" in pushed.output
    assert server.state() == before


def test_a_branch_that_no_rule_covers_goes_through(server: Forge, ada: Developer) -> None:
    name = f"topic-{os.urandom(4).hex()}"
    pushed = ada.push("origin", f"HEAD:refs/heads/{name}")
    assert pushed.status == 0, pushed.output


def test_a_remote_that_has_only_a_url_is_judged_too(server: Forge, ada: Developer) -> None:
    before = server.state()
    pushed = ada.push(server.url, "main")
    assert pushed.codes == {"LFCI101"}, pushed.output
    assert server.state() == before


def test_our_own_pushes_pass_the_hook(lfci: Run, ada: Developer) -> None:
    shown = lfci("hook", "pre-push", "origin", "x", cwd=ada.repo.path, env={MARK: "1"})
    assert (shown.status, shown.out, shown.err) == (0, "", "")


@pytest.mark.parametrize("lines", ["nonsense\n", "a b c\n", "refs/heads/main 12 refs/heads/main 34\n"])
def test_input_that_is_not_git_s_stops_the_push(lfci: Run, ada: Developer, lines: str) -> None:
    shown = lfci("hook", "pre-push", "origin", "x", cwd=ada.repo.path, input=lines)
    assert shown.status == 2
    assert "error[LFCI514]" in shown.err


def test_a_repository_without_a_policy_pushes_as_ever(lfci: Run, repo: Repo, tmp_path: Path) -> None:
    repo.git("init", "-q", "--bare", str(tmp_path / "plain.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "plain.git"))
    repo.commit("first")
    assert lfci("install", cwd=repo.path).status == 0
    done = subprocess.run(
        ["git", "push", "-q", "origin", "main"], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- pre-push through a framework ------------------------------------------------------------------


def framework(developer: Developer, **said: str) -> dict[str, str]:
    """What pre-commit sets for its pre-push hooks."""
    url = developer.forge.url
    return {"PRE_COMMIT": "1", "PRE_COMMIT_REMOTE_NAME": "origin", "PRE_COMMIT_REMOTE_URL": url} | said


@pytest.mark.parametrize(
    "said",
    [
        {"PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main", "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/main",
         "PRE_COMMIT_FROM_REF": "HEAD~", "PRE_COMMIT_TO_REF": "HEAD"},
        # a push with a root commit: pre-commit names no commits
        {"PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main", "PRE_COMMIT_REMOTE_BRANCH": "refs/heads/main"},
        # a framework that says less still does not mean "nothing to do"
        {},
    ],
)  # fmt: skip
def test_what_a_framework_leaves_out_is_never_nothing_to_do(
    here: Run, ada: Developer, said: dict[str, str]
) -> None:
    env = framework(ada, **said)
    shown = here("hook", "pre-push", "--framework", cwd=ada.repo.path, env=env, now=utc_now())
    assert shown.status == 1, shown.err
    assert "error[LFCI101]" in shown.err
    attest(ada)
    shown = here("hook", "pre-push", "--framework", cwd=ada.repo.path, env=env, now=utc_now())
    assert shown.status == 0, shown.err


def test_a_framework_that_says_nothing_at_all_stops_the_push(here: Run, repo: Repo) -> None:
    shown = here("hook", "pre-push", "--framework", cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI514]" in shown.err


def test_before_a_commit_the_working_copy_is_checked(here: Run, repo: Repo) -> None:
    shown = here("hook", "pre-commit", "--framework", cwd=repo.path)
    assert shown.status == here("check", "--worktree", cwd=repo.path).status == 2
    assert "error[LFCI201]" in shown.err


# -- post-checkout -----------------------------------------------------------------------------------


@pytest.fixture
def hooked(repo: Repo, here: Run) -> Repo:
    repo.write("a", b"1\n")
    repo.commit("first")
    assert here("install", cwd=repo.path).status == 0
    return repo


def session_of(here: Run, repo: Repo) -> dict[str, object] | None:
    found = here("session", "status", "--format", "json", cwd=repo.path).json["session"]
    assert found is None or isinstance(found, dict)
    return found


def test_switching_to_a_branch_opens_a_session_once(here: Run, hooked: Repo) -> None:
    hooked.git("switch", "-q", "-c", "topic")
    session = session_of(here, hooked)
    assert session is not None
    assert session["goal"] == "work on topic"
    hooked.git("switch", "-q", "main")
    assert session_of(here, hooked) == session


@pytest.mark.parametrize("words", [["HEAD", "--", "a"], ["--detach"]])
def test_checking_out_a_file_or_no_branch_opens_none(here: Run, hooked: Repo, words: list[str]) -> None:
    hooked.git("checkout", "-q", *words)
    assert session_of(here, hooked) is None


def test_a_session_that_cannot_be_read_does_not_stop_git(hooked: Repo) -> None:
    (hooked.path / ".git/lfci").mkdir(exist_ok=True)
    (hooked.path / ".git/lfci/session.json").write_text("{")
    done = subprocess.run(
        ["git", "switch", "-c", "topic"], cwd=hooked.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "(LFCI509); going on without" in done.stderr
    assert hooked.line("symbolic-ref", "HEAD") == "refs/heads/topic"


def test_each_worktree_has_its_own_session(here: Run, hooked: Repo, tmp_path: Path) -> None:
    for name in ("one", "two"):
        hooked.git("worktree", "add", "-q", str(tmp_path / name))
    sessions = here("session", "list", "--format", "json", cwd=hooked.path).json["sessions"]
    assert sorted(each["goal"] for each in sessions) == ["work on one", "work on two"]


# -- prepare-commit-msg --------------------------------------------------------------------------------


def trailer(repo: Repo, rev: str = "HEAD") -> str:
    return repo.line("log", "-1", "--format=%(trailers:key=Lfci-Session,valueonly)", rev)


def test_a_commit_names_the_open_session(here: Run, hooked: Repo) -> None:
    hooked.git("commit", "-q", "--allow-empty", "-m", "before any")
    assert trailer(hooked) == ""
    here("session", "start", cwd=hooked.path)
    session = session_of(here, hooked)
    assert session is not None
    hooked.git("commit", "-q", "--allow-empty", "-m", "subject", "-m", "body")
    assert trailer(hooked) == session["id"]
    hooked.git("commit", "-q", "--amend", "--allow-empty", "--no-edit")
    assert hooked.line("log", "-1", "--format=%B") == f"subject\n\nbody\n\nLfci-Session: {session['id']}"


def test_from_a_folder_below_and_with_an_editor(here: Run, hooked: Repo) -> None:
    here("session", "start", cwd=hooked.path)
    hooked.write("below/b", b"1")
    hooked.git("add", "-A")
    editor = 'f() { printf "typed\\n" >"$1.new"; cat "$1" >>"$1.new"; mv "$1.new" "$1"; }; f'
    subprocess.run(
        ["git", "commit", "-q", "-t", "/dev/null"],
        cwd=hooked.path / "below",
        env={**os.environ, "GIT_EDITOR": editor},
        check=True,
    )
    assert hooked.line("log", "-1", "--format=%s") == "typed"


def test_giving_no_message_still_aborts_the_commit(here: Run, hooked: Repo) -> None:
    here("session", "start", cwd=hooked.path)
    before = hooked.line("rev-parse", "HEAD")
    done = subprocess.run(
        ["git", "commit", "--allow-empty"],
        cwd=hooked.path,
        env={**os.environ, "GIT_EDITOR": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "empty commit message" in done.stderr
    assert hooked.line("rev-parse", "HEAD") == before


@pytest.mark.parametrize("still_open", [True, False])
def test_squashing_commits_of_a_session_leaves_one_trailer(here: Run, hooked: Repo, still_open: bool) -> None:
    here("session", "start", cwd=hooked.path)
    session = session_of(here, hooked)
    assert session is not None
    for name in ("one", "two"):
        hooked.write(name, b"1")
        hooked.git("add", "-A")
        hooked.git("commit", "-q", "-m", name)
    if not still_open:
        here("session", "end", cwd=hooked.path)
    editor = {"GIT_SEQUENCE_EDITOR": "sed -i '2,$s/^pick/squash/'", "GIT_EDITOR": "true"}
    hooked.git("rebase", "-q", "-i", "HEAD~2", env=editor)
    message = hooked.line("log", "-1", "--format=%B")
    assert hooked.line("rev-list", "--count", "HEAD") == "2"
    assert message.count("Lfci-Session: ") == 1
    assert trailer(hooked) == session["id"]
    assert all(word in message for word in ("one", "two"))
