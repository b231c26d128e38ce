"""A plain `git push` in a clone with the installed hooks: real git, git daemon, the installed program."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clone.conftest import Worker, save_key
from tests.clone.test_land import elsewhere, random_bytes, tip
from tests.support.forge import AGENT, MAINTAINER, STRANGER, Pushed
from tests.support.repos import make_repo


@pytest.fixture
def eve(ada: Worker) -> Worker:
    """Ada, with `lfci install` done."""
    installed = ada.lfci("install")
    assert installed.status == 0, installed.text
    return ada


def stopped(worker: Worker, code: str, *args: str) -> str:
    """A push that our hook stops: this code, the next command, and nothing was sent."""
    mine, theirs = worker.mine(), worker.forge.state()
    pushed: Pushed = worker.push(*args)
    assert pushed.status != 0, pushed.output
    assert pushed.codes == {code}, pushed.output
    assert "hint: " in pushed.output
    assert "remote:" not in pushed.output
    assert worker.mine() == mine
    assert worker.forge.state() == theirs
    return pushed.output


def passes(worker: Worker, *args: str) -> str:
    pushed: Pushed = worker.push(*args)
    assert pushed.status == 0, pushed.output
    return pushed.output


# -- evidence ---------------------------------------------------------------------------------------


def test_the_evidence_goes_first_and_the_push_lands(eve: Worker) -> None:
    commit = eve.edit({"src/lib.py": random_bytes()})
    name = eve.attest()
    passes(eve)
    assert tip(eve) == commit
    assert not eve.forge.waiting()
    inputs = eve.repo.line("for-each-ref", "--format=%(refname)", "refs/lfci/inbox").split("/")[3]
    assert AGENT.public.fingerprint.encode() in eve.forge.note("lfci", inputs)
    # What went is found again after a fetch, and known from there.
    eve.repo.git("fetch", "-q")
    eve.repo.git("update-ref", "-d", f"refs/lfci/inbox/{inputs}/{name}")
    assert eve.lfci("check", "--format", "json").json["checks"][0]["attestation"] == name


def test_without_evidence_it_is_stopped_with_the_forge_s_words(eve: Worker) -> None:
    eve.edit({"src/lib.py": random_bytes()})
    here = stopped(eve, "LFCI101", "origin", "main")
    there = eve.developer.push("--no-verify", "origin", "main").output
    words = [line.removeprefix("remote: ").rstrip() for line in there.splitlines() if "remote: " in line]
    assert words[:5] == here.splitlines()[:5]
    assert "hint: lfci check && lfci land" in words


def test_several_refs_each_bring_their_own(eve: Worker) -> None:
    first = eve.edit({"src/lib.py": random_bytes()})
    eve.attest()
    second = eve.edit({"src/lib.py": random_bytes()})
    eve.attest()
    free = eve.edit({"src/lib.py": random_bytes()})
    passes(eve, "origin", f"{first}:main", f"{second}:refs/heads/release/1", f"{free}:refs/heads/topic")
    refs = eve.forge.refs()
    assert (refs["refs/heads/main"], refs["refs/heads/release/1"], refs["refs/heads/topic"]) == (
        first,
        second,
        free,
    )
    assert not eve.forge.waiting()


def test_one_ref_without_evidence_stops_all(eve: Worker) -> None:
    good = eve.edit({"src/lib.py": random_bytes()})
    eve.attest()
    bad = eve.edit({"src/lib.py": random_bytes()})
    text = stopped(eve, "LFCI101", "origin", f"{good}:main", f"{bad}:refs/heads/release/1")
    assert "ref refs/heads/release/1" in text
    assert "ref refs/heads/main" not in text


def test_evidence_of_a_stranger_does_not_help(eve: Worker) -> None:
    eve.edit({"src/lib.py": random_bytes()})
    eve.attest(signer=STRANGER)
    text = stopped(eve, "LFCI103")
    assert STRANGER.public.fingerprint in text


def test_evidence_that_only_the_forge_has(eve: Worker, bob: Worker) -> None:
    """It was delivered from another clone, and this one has not fetched since."""
    eve.edit({"src/lib.py": random_bytes()})
    bob.repo.git("fetch", "-q", str(eve.path), "main")
    bob.repo.git("reset", "-q", "--hard", "FETCH_HEAD")
    bob.attest()
    bob.lfci("install")
    passes(bob, "origin", "HEAD:refs/heads/release/1")
    assert eve.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    passes(eve, "origin", "main")
    assert tip(eve) == eve.head()


def test_approvals_that_only_the_forge_has(eve: Worker, mara: Worker) -> None:
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    assert 42\n"})
    text = stopped(eve, "LFCI206", "origin", "main")
    assert "changed: tests/test_lib.py" in text
    passes(eve, "origin", "main:refs/heads/review/1")
    mara.repo.git("fetch", "-q")
    approved = mara.lfci("approve", "origin/review/1")
    assert approved.status == 0, approved.text
    passes(eve, "origin", "main")
    assert tip(eve) == eve.head()


def test_a_trailer_in_the_message_is_evidence(eve: Worker) -> None:
    """The attestation travels in the commit; no inbox ref is made for it."""
    eve.repo.write("src/lib.py", random_bytes())
    eve.repo.git("add", "-A")
    eve.repo.git("commit", "-q", "-m", "to be attested")
    eve.attest()
    shown = eve.lfci("check", "--trailer")
    assert (shown.status, shown.out.count("\n")) == (0, 1)
    assert shown.out.startswith("Lfci-Attestation: v1.")
    eve.repo.git("commit", "-q", "--amend", "-m", "attested", "--trailer", shown.out.strip())
    for ref in eve.repo.git("for-each-ref", "--format=%(refname)", "refs/lfci").decode().split():
        eve.repo.git("update-ref", "-d", ref)
    assert eve.lfci("check").status == 0  # known from the message: no Nix was started
    passes(eve)
    assert tip(eve) == eve.head()
    assert not eve.forge.waiting()


# -- what moves without evidence ------------------------------------------------------------------------


def test_deletions_and_tags(eve: Worker) -> None:
    stopped(eve, "LFCI207", "origin", ":main")
    passes(eve, "origin", "HEAD:refs/heads/topic")
    passes(eve, "origin", ":topic")
    eve.repo.git("tag", "light")
    eve.repo.git("tag", "-a", "-m", "heavy", "heavy")
    passes(eve, "origin", "--tags")
    passes(eve, "origin", ":refs/tags/heavy")
    assert {"refs/tags/light"} == {ref for ref in eve.forge.refs() if ref.startswith("refs/tags/")}


def test_nothing_to_push(eve: Worker) -> None:
    assert "Everything up-to-date" in passes(eve, "origin", "main")


def test_a_moved_target_is_said_and_not_guessed_at(eve: Worker, bob: Worker) -> None:
    """git runs the hook before it says "fetch first"; the other commit is not in this clone."""
    eve.edit({"docs/mine": random_bytes()})
    elsewhere(bob)
    text = stopped(eve, "LFCI208", "origin", "main")
    assert "somebody else landed meanwhile" in text
    assert "hint: lfci land" in text
    assert eve.lfci("land").status == 0


def test_a_forced_push_over_what_landed(eve: Worker) -> None:
    eve.edit({"docs/a": random_bytes()})
    passes(eve)
    eve.repo.git("reset", "-q", "--hard", "HEAD~")
    eve.edit({"docs/b": random_bytes()})
    stopped(eve, "LFCI208", "--force", "origin", "main")


# -- other remotes -----------------------------------------------------------------------------------


def plain(tmp_path: Path, name: str) -> Path:
    make_repo(tmp_path / name, bare=True)
    return tmp_path / name


def test_a_second_remote_without_a_gate(eve: Worker, tmp_path: Path) -> None:
    """Branches that no rule covers go anywhere; a protected one is judged wherever it goes, and the
    way around is said."""
    eve.repo.git("remote", "add", "backup", str(plain(tmp_path, "backup.git")))
    eve.edit({"src/lib.py": random_bytes()})
    passes(eve, "backup", "HEAD:refs/heads/topic")
    pushed = eve.push("backup", "main")
    assert pushed.codes == {"LFCI101"}
    assert "git push --no-verify" in pushed.output
    eve.attest()
    passes(eve, "backup", "main")
    passes(eve, "origin", "main")
    assert tip(eve) == eve.head()


def test_each_remote_is_judged_by_what_it_has(eve: Worker, farm: Any, narrow_template: Path) -> None:
    """A second forge where main is elsewhere: the push is compared with that one."""
    from tests.support.forge import Forge

    farm.count += 1
    path = farm.base / f"{farm.count}.git"
    shutil.copytree(narrow_template, path)
    other = Forge(path, f"{farm.url}/{path.name}")
    eve.repo.git("remote", "add", "other", other.url)
    eve.edit({"docs/a": random_bytes()})
    passes(eve, "origin", "main")
    eve.edit({"docs/b": random_bytes()})
    passes(eve, "other", "main")
    assert other.refs()["refs/heads/main"] == eve.head()
    assert tip(eve) == eve.head("HEAD~")


# -- the surroundings ---------------------------------------------------------------------------------


def test_the_hook_of_an_added_worktree(eve: Worker, tmp_path: Path) -> None:
    eve.repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    tree = Worker(eve.developer, eve.key, eve.env)
    repo = type(eve.repo)(tmp_path / "tree", "sha1")
    repo.write("src/lib.py", random_bytes())
    repo.commit()
    done = subprocess.run(
        ["git", "push", "origin", "HEAD:main"],
        cwd=repo.path,
        env=tree.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "error[LFCI101]" in done.stderr
    eve.attest("side")
    subprocess.run(
        ["git", "push", "-q", "origin", "HEAD:main"], cwd=repo.path, env=tree.environ(), check=True
    )
    assert tip(eve) == repo.line("rev-parse", "HEAD")


def test_a_clone_whose_git_directory_is_elsewhere(eve: Worker, tmp_path: Path) -> None:
    """`git --git-dir --work-tree`, as people keep their dotfiles: git tells the hook by GIT_DIR only."""
    shutil.move(eve.path / ".git", tmp_path / "apart.git")
    commit = ["git", f"--git-dir={tmp_path}/apart.git", f"--work-tree={eve.path}"]
    (eve.path / "docs").mkdir(exist_ok=True)
    (eve.path / "src/lib.py").write_bytes(random_bytes())
    subprocess.run([*commit, "commit", "-q", "-a", "-m", "apart"], cwd=eve.path, check=True)
    done = subprocess.run(
        [*commit, "push", "origin", "main"],
        cwd=eve.path,
        env=eve.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "error[LFCI101]" in done.stderr


def test_the_approval_key_beside_the_agent_s(eve: Worker, tmp_path: Path) -> None:
    """One person with both keys: the change is attested by one, approved by the other, one push."""
    save_key(MAINTAINER, Path(eve.env["XDG_CONFIG_HOME"]) / "lfci/maintainer")
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    assert True is True\n"})
    env = {"LFCI_KEY": ""}
    approved = eve.lfci("approve", "HEAD", "--no-push", env=env)
    assert approved.status == 0, approved.text
    assert "kept in this clone" in approved.out
    assert not eve.forge.waiting()
    passes(eve, "origin", "main")
    assert tip(eve) == eve.head()


def test_a_dead_forge_is_git_s_to_say(eve: Worker) -> None:
    eve.edit({"docs/a": random_bytes()})
    eve.repo.git("remote", "set-url", "origin", "git://127.0.0.1:1/none")
    pushed = eve.push("origin", "main")
    assert pushed.status != 0
    assert "unable to connect" in pushed.output
    assert os.environ["HOME"] not in pushed.output
