"""`lfci install`: beside whatever is there, said, repeatable, and gone without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lfci_gate.cli.client_hooks import install_hook, remove_hooks
from lfci_gate.cli.hook_places import HOOKS, plan
from lfci_gate.cli.install import AGENTS
from lfci_gate.clone.evidence import MIRROR
from tests.cli.conftest import PROGRAM, Run
from tests.support.repos import Repo

# A hook of the user's that writes down what it is given, and ends as it is told.
WITNESS = """\
#!/bin/sh
{{ printf '%s|' {name} "$@"; [ {name} != pre-push ] || cat; echo; }} >>{record}
exit {status}
"""


def witness(path: Path, record: Path, status: int = 0, mode: int = 0o755) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(WITNESS.format(name=path.name, record=record, status=status))
    path.chmod(mode)
    return path.read_bytes()


def state(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything that an installation may touch."""
    places = [
        repo.path / ".git/config",
        *(repo.path / ".git/hooks").rglob("*"),
        *(repo.path / ".git/lfci").rglob("*"),
    ]
    places += [each for each in repo.path.rglob("*") if ".git" not in each.relative_to(repo.path).parts]
    return {
        str(each): (each.lstat().st_mode, b"" if each.is_dir() else os.readlink(each).encode()
                    if each.is_symlink() else each.read_bytes())
        for each in places
    }  # fmt: skip


@pytest.fixture
def clone(repo: Repo, tmp_path: Path) -> Repo:
    """One commit, and a plain bare repository as its remote."""
    repo.git("init", "-q", "--bare", str(tmp_path / "server.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "server.git"))
    repo.write("a", b"1\n")
    repo.commit("first")
    return repo


def push(repo: Repo) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "push", "-q", "origin", "main"], cwd=repo.path, capture_output=True, text=True, check=False
    )


# -- native -----------------------------------------------------------------------------------------


def test_an_empty_hooks_folder_gets_three_shims(here: Run, clone: Repo, screen) -> None:
    shown = here("install", cwd=clone.path)
    assert shown.status == 0
    screen("install", shown.out)
    for hook in HOOKS:
        path = clone.path / ".git/hooks" / hook
        assert os.access(path, os.X_OK)
        assert f"lfci={PROGRAM}\n" in path.read_text()
    fetch = clone.git("config", "--get-all", "remote.origin.fetch").decode().split()
    assert fetch == ["+refs/heads/*:refs/remotes/origin/*", *MIRROR]
    assert push(clone).returncode == 0


def test_repeating_it_changes_nothing_and_says_so(here: Run, clone: Repo) -> None:
    here("install", cwd=clone.path)
    before = state(clone)
    done = here("install", "--format", "json", cwd=clone.path).json["done"]
    assert {each["state"] for each in done} == {"there"}
    assert state(clone) == before


def test_a_shim_of_an_older_version_is_brought_up_to_date(here: Run, clone: Repo) -> None:
    here("install", cwd=clone.path)
    path = clone.path / ".git/hooks/pre-push"
    new = path.read_bytes()
    path.write_bytes(new.replace(b"shim version: 1", b"shim version: 0"))
    done = here("install", "--format", "json", cwd=clone.path).json["done"]
    assert [each["state"] for each in done if each["what"] == "pre-push"] == ["updated"]
    assert path.read_bytes() == new


@pytest.mark.parametrize("before", ["nothing", "own hooks", "links", "own refspecs"])
def test_uninstalling_restores_what_was_there_exactly(
    here: Run, clone: Repo, tmp_path: Path, before: str
) -> None:
    hooks = clone.path / ".git/hooks"
    if before == "own hooks":
        for hook in HOOKS:
            witness(hooks / hook, tmp_path / "record", mode=0o711)
    elif before == "links":
        (hooks / "pre-push").symlink_to("../../a")
        (hooks / "post-checkout").symlink_to("nowhere")
    elif before == "own refspecs":
        clone.git("config", "--add", "remote.origin.fetch", "+refs/notes/lfci*:refs/notes/mine/*")
    was = state(clone)
    assert here("install", "--agents", "claude,codex", cwd=clone.path).status == 0
    assert state(clone) != was
    assert here("install", "--uninstall", cwd=clone.path).status == 0
    folders = {str(clone.path / ".git/lfci")}  # the folder of sessions and evidence stays
    assert {name: held for name, held in state(clone).items() if name not in folders} == was


def test_uninstalling_nothing_says_so(here: Run, clone: Repo) -> None:
    was = state(clone)
    shown = here("install", "--uninstall", cwd=clone.path)
    assert (shown.status, shown.out) == (0, "nothing of lfci is installed in this clone\n")
    assert state(clone) == was


def test_an_added_worktree_shares_the_hooks(here: Run, clone: Repo, tmp_path: Path) -> None:
    clone.git("worktree", "add", "-q", str(tmp_path / "other"))
    assert here("install", cwd=tmp_path / "other").status == 0
    assert (clone.path / ".git/hooks/pre-push").exists()


def test_without_a_remote_it_says_to_repeat_it(here: Run, repo: Repo) -> None:
    shown = here("install", cwd=repo.path)
    assert shown.status == 0
    assert "There is no remote yet" in shown.out


def test_a_bare_repository_is_for_forge_init(here: Run, clone: Repo, tmp_path: Path) -> None:
    shown = here("install", cwd=tmp_path / "server.git")
    assert shown.status == 2
    assert "error[LFCI510]" in shown.err
    assert "hint: lfci forge init" in shown.err


# -- hooks that are there -----------------------------------------------------------------------------


def test_own_hooks_run_first_with_all_arguments_and_input(
    here: Run, clone: Repo, tmp_path: Path, screen
) -> None:
    record = tmp_path / "record"
    kept = {hook: witness(clone.path / ".git/hooks" / hook, record) for hook in HOOKS}
    shown = here("install", cwd=clone.path)
    screen("install-chain", shown.out)
    for hook, data in kept.items():
        assert (clone.path / f".git/hooks/{hook}.legacy").read_bytes() == data
    head = clone.line("rev-parse", "HEAD")
    assert push(clone).returncode == 0
    clone.git("switch", "-q", "-c", "topic")
    assert here("session", "status", "--format", "json", cwd=clone.path).json["session"] is not None
    clone.git("commit", "-q", "--allow-empty", "-m", "subject")
    assert "Lfci-Session: " in clone.line("log", "-1", "--format=%B")
    assert record.read_text().splitlines() == [
        f"pre-push|origin|{tmp_path}/server.git|refs/heads/main {head} refs/heads/main {'0' * 40}",
        "",
        f"post-checkout|{head}|{head}|1|",
        "prepare-commit-msg|.git/COMMIT_EDITMSG|message|",
    ]


def test_an_own_hook_that_refuses_stops_the_push(here: Run, clone: Repo, tmp_path: Path) -> None:
    witness(clone.path / ".git/hooks/pre-push", tmp_path / "record", status=7)
    here("install", cwd=clone.path)
    assert push(clone).returncode != 0
    assert clone.git("ls-remote", "origin") == b""


def test_lfci_refuses_after_an_own_hook_that_passed(here: Run, clone: Repo, tmp_path: Path) -> None:
    witness(clone.path / ".git/hooks/pre-push", tmp_path / "record")
    here("install", cwd=clone.path)
    shim = clone.path / ".git/lfci/hooks/pre-push"
    shim.write_text("#!/bin/sh\ncat >&2\nexit 3\n")
    done = push(clone)
    assert done.returncode != 0
    assert "refs/heads/main " in done.stderr
    assert clone.git("ls-remote", "origin") == b""


def test_an_own_post_checkout_that_fails_is_heard_and_the_session_starts(
    here: Run, clone: Repo, tmp_path: Path
) -> None:
    witness(clone.path / ".git/hooks/post-checkout", tmp_path / "record", status=5)
    here("install", cwd=clone.path)
    done = subprocess.run(["git", "switch", "-q", "-c", "topic"], cwd=clone.path, check=False)
    assert done.returncode != 0
    assert here("session", "status", "--format", "json", cwd=clone.path).json["session"] is not None


def test_an_own_hook_that_git_skipped_is_still_skipped(here: Run, clone: Repo, tmp_path: Path) -> None:
    witness(clone.path / ".git/hooks/pre-push", tmp_path / "record", status=1, mode=0o644)
    here("install", cwd=clone.path)
    assert push(clone).returncode == 0
    assert not (tmp_path / "record").exists()


def test_two_hooks_in_the_way_are_lfci518_and_nothing_is_touched(
    here: Run, clone: Repo, tmp_path: Path
) -> None:
    for name in ("pre-push", "pre-push.legacy"):
        witness(clone.path / ".git/hooks" / name, tmp_path / "record")
    was = state(clone)
    shown = here("install", cwd=clone.path)
    assert shown.status == 2
    assert "error[LFCI518]" in shown.err
    assert '  add to your pre-push hook: lfci hook pre-push "$@"\n' in shown.err
    assert state(clone) == was


# -- other owners of the hooks ------------------------------------------------------------------------


def pre_commit(repo: Repo, *words: str) -> None:
    program = Path(sys.executable).with_name("pre-commit")
    done = subprocess.run([str(program), *words], cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_keeps_its_place_and_runs_ours(here: Run, clone: Repo) -> None:
    clone.write(".pre-commit-config.yaml", b"repos: []\n")
    clone.commit("config")
    pre_commit(clone, "install", "-t", "pre-push")
    theirs = (clone.path / ".git/hooks/pre-push").read_bytes()
    done = here("install", "--format", "json", cwd=clone.path).json["done"]
    assert done[0]["path"].endswith("/pre-push.legacy")
    assert (clone.path / ".git/hooks/pre-push").read_bytes() == theirs
    shim = clone.path / ".git/hooks/pre-push.legacy"
    shim.write_text(shim.read_text().replace('exec "$lfci"', 'cat >&2; exit 9; exec "$lfci"'))
    pushed = push(clone)
    assert pushed.returncode != 0
    assert "refs/heads/main " in pushed.stderr
    here("install", "--uninstall", cwd=clone.path)
    assert (clone.path / ".git/hooks/pre-push").read_bytes() == theirs
    assert not shim.exists()


def test_as_hooks_of_pre_commit(here: Run, clone: Repo) -> None:
    from pre_commit.clientlib import load_config, load_manifest

    shown = here("install", "--framework", "pre-commit", cwd=clone.path)
    assert shown.status == 0
    assert "Next: pre-commit install\n" in shown.out
    assert not (clone.path / ".git/hooks/pre-push").exists()
    config = load_config(str(clone.path / ".pre-commit-config.yaml"))
    manifest = load_manifest(str(Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml"))
    ours = {hook["id"]: (hook["entry"], hook["stages"]) for hook in config["repos"][0]["hooks"]}
    assert ours == {hook["id"]: (hook["entry"], hook["stages"]) for hook in manifest}
    stages = {stage for _, each in ours.values() for stage in each if stage != "manual"}
    assert set(config["default_install_hook_types"]) == stages


def test_pre_commit_runs_the_gate_before_a_push(
    here: Run, clone: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("install", "--framework", "pre-commit", cwd=clone.path)
    pre_commit(clone, "install", "-t", "pre-push")
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "config")
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}:{os.environ['PATH']}")
    pushed = push(clone)
    assert pushed.returncode == 0, pushed.stderr
    assert "lfci: judging refs/heads/main" in pushed.stdout + pushed.stderr


def test_a_configuration_of_pre_commit_is_its_owner_s(here: Run, clone: Repo) -> None:
    clone.write(".pre-commit-config.yaml", b"repos: []\n")
    shown = here("install", "--framework", "pre-commit", cwd=clone.path)
    assert shown.status == 0
    assert ".pre-commit-config.yaml exists and is yours. Add this to it:" in shown.out
    assert "      default_install_hook_types:" not in shown.out
    assert "  default_install_hook_types: [pre-commit, pre-push, post-checkout]\n" in shown.out
    assert (clone.path / ".pre-commit-config.yaml").read_bytes() == b"repos: []\n"


def test_a_hooks_path_of_the_clone_is_kept_and_used(here: Run, clone: Repo) -> None:
    clone.git("config", "core.hooksPath", ".githooks")
    shown = here("install", cwd=clone.path)
    assert "in the folder of core.hooksPath, .githooks/pre-push\n" in shown.out
    assert (clone.path / ".githooks/pre-push").exists()
    assert not (clone.path / ".git/hooks/pre-push").exists()
    assert clone.line("config", "core.hooksPath") == ".githooks"
    assert push(clone).returncode == 0
    assert here("install", "--uninstall", cwd=clone.path).status == 0
    assert not list((clone.path / ".githooks").iterdir())


def test_a_hook_in_somebody_s_folder_is_not_moved(here: Run, clone: Repo, tmp_path: Path) -> None:
    clone.git("config", "core.hooksPath", ".githooks")
    witness(clone.path / ".githooks/post-checkout", tmp_path / "record")
    was = state(clone)
    shown = here("install", cwd=clone.path)
    assert shown.status == 2
    assert "error[LFCI518]" in shown.err
    assert 'add to your post-checkout hook: lfci hook post-checkout "$@"' in shown.err
    assert state(clone) == was


def test_a_hooks_path_of_the_user_is_for_all_repositories(here: Run, clone: Repo, tmp_path: Path) -> None:
    clone.git("config", "--global", "core.hooksPath", str(tmp_path / "hooks"))
    was = state(clone)
    shown = here("install", cwd=clone.path)
    assert shown.status == 2
    assert "error[LFCI518]" in shown.err
    assert not (tmp_path / "hooks").exists()
    assert state(clone) == was


def test_with_husky_the_hooks_go_into_its_folder(here: Run, clone: Repo, tmp_path: Path) -> None:
    # As husky 9 sets it up: git starts .husky/_/HOOK, which starts .husky/HOOK.
    clone.git("config", "core.hooksPath", ".husky/_")
    runner = clone.write(".husky/_/pre-push", b'#!/bin/sh\nexec sh -e ".husky/pre-push" "$@"\n', mode=0o755)
    shown = here("install", cwd=clone.path)
    assert "in husky's folder" in shown.out
    text = (clone.path / ".husky/pre-push").read_text()
    assert str(PROGRAM) not in text  # every clone has its own
    (clone.path / ".husky/pre-push").write_text(text.replace("lfci=@LFCI@", f"lfci={PROGRAM}"))
    assert push(clone).returncode == 0
    here("install", "--uninstall", cwd=clone.path)
    assert not (clone.path / ".husky/pre-push").exists()
    assert runner.exists()


def test_git_s_config_hooks_where_git_has_them(clone: Repo, tmp_path: Path) -> None:
    """What git 2.54 does with such a hook is done here: its command, through a shell, with arguments."""
    was = (clone.path / ".git/config").read_bytes()
    for place in plan(clone.tool, (2, 54, 0)):
        done = install_hook(clone.tool, place, PROGRAM)
        assert done.state == "installed"
        assert install_hook(clone.tool, place, PROGRAM).state == "there"
    assert not (clone.path / ".git/hooks/pre-push").exists()
    for hook in HOOKS:
        assert clone.line("config", f"hook.lfci-{hook}.event") == hook
    command = clone.line("config", "hook.lfci-pre-push.command")
    done = subprocess.run(
        ["sh", "-c", f'{command} "$@"', command, "origin", "url"],
        cwd=clone.path, input="nonsense\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "error[LFCI514]: git's list of pushed refs is not in form" in done.stderr
    assert {each.what for each in remove_hooks(clone.tool)} == set(HOOKS)
    assert (clone.path / ".git/config").read_bytes() == was


# -- agent tools --------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", AGENTS)
def test_settings_of_an_agent_tool(here: Run, clone: Repo, agent: str) -> None:
    assert here("install", "--agents", agent, cwd=clone.path).status == 0
    hooks = json.loads((clone.path / AGENTS[agent]).read_text())["hooks"]
    [start] = hooks["SessionStart"][0]["hooks"]
    assert start == {"type": "command", "command": "lfci session start --if-none"}
    again = here("install", "--agents", agent, "--format", "json", cwd=clone.path).json
    assert {each["state"] for each in again["done"]} == {"there"}


@pytest.mark.parametrize("agent", AGENTS)
def test_settings_that_are_there_are_never_edited(here: Run, clone: Repo, agent: str) -> None:
    clone.write(AGENTS[agent], b'{"hooks": {}}\n')
    shown = here("install", "--agents", agent, cwd=clone.path)
    assert shown.status == 0
    assert f"{AGENTS[agent]} exists and is yours. Add this to it:" in shown.out
    assert (clone.path / AGENTS[agent]).read_bytes() == b'{"hooks": {}}\n'
    here("install", "--uninstall", cwd=clone.path)
    assert (clone.path / AGENTS[agent]).read_bytes() == b'{"hooks": {}}\n'


def test_an_agent_tool_that_is_not_known_is_lfci514(here: Run, clone: Repo) -> None:
    was = state(clone)
    shown = here("install", "--agents", "claude,hal", cwd=clone.path)
    assert shown.status == 2
    assert "error[LFCI514]: no settings are known for the agent tool hal" in shown.err
    assert state(clone) == was


@pytest.mark.parametrize(
    ("said", "checked", "status"),
    [
        ({}, 0, 0),
        ({}, 1, 2),  # the tool hands the failure to the agent, which goes on
        ({}, 2, 0),  # nothing that an agent's next turn would mend
        ({}, 3, 0),
        ({"stop_hook_active": False}, 1, 2),
        ({"stop_hook_active": True}, 1, 0),  # it went on once because of us: do not go round in circles
    ],
)
def test_when_an_agent_stops_only_a_failed_check_keeps_it_going(
    here: Run, clone: Repo, tmp_path: Path, said: dict[str, bool], checked: int, status: int
) -> None:
    here("install", "--agents", "claude", cwd=clone.path)
    [stop] = json.loads((clone.path / AGENTS["claude"]).read_text())["hooks"]["Stop"][0]["hooks"]
    fake = tmp_path / "bin/lfci"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@: said"\nexit {checked}\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", stop["command"]],
        input=json.dumps(said, indent=1),
        env={"PATH": f"{fake.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == ("" if said.get("stop_hook_active") else "check: said\n")
