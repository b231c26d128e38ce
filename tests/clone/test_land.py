"""`lfci land` over git daemon: what lands, and what becomes of the user's branch, index and files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clone.conftest import NARROW, Worker
from tests.gate.conftest import Farm
from tests.support.forge import AGENT, MAINTAINER, RULE, Developer, policy_text


def random_bytes() -> bytes:
    return os.urandom(8).hex().encode()


def landed(worker: Worker, *words: str, **options: Any) -> Any:
    """`lfci land` that ends well; its JSON."""
    shown = worker.lfci("land", "--format", "json", *words, **options)
    assert shown.status == 0, shown.text
    return shown.json


def refused(worker: Worker, code: str, *words: str, status: int = 1, **options: Any) -> str:
    """`lfci land` that ends with this code, and changes nothing on either side; its stderr."""
    mine, theirs = worker.mine(), worker.forge.state()
    shown = worker.lfci("land", *words, **options)
    assert shown.status == status, shown.text
    assert f"error[{code}]" in shown.err, shown.text
    assert "hint: " in shown.err
    assert worker.mine() == mine
    assert worker.forge.state() == theirs
    return shown.err


def elsewhere(worker: Worker, path: str = "docs/other", data: bytes | None = None) -> str:
    """Somebody lands a change that the check does not see."""
    worker.repo.git("pull", "-q", "--rebase")
    commit = worker.edit({path: data or random_bytes()}, "elsewhere")
    landed(worker)
    return commit


def tip(worker: Worker, branch: str = "main") -> str:
    return worker.forge.refs()[f"refs/heads/{branch}"]


# -- without replay ------------------------------------------------------------------------------


def test_a_fast_forward_lands_with_its_evidence(ada: Worker) -> None:
    commit = ada.edit({"src/lib.py": random_bytes()})
    name = ada.attest()
    before = ada.mine()
    answer = landed(ada)
    assert (answer["landed"], answer["commit"], answer["replayed"], answer["attempts"]) == (
        True,
        commit,
        0,
        1,
    )
    assert [(each["name"], each["known"], each["attestation"]) for each in answer["checks"]] == [
        ("test", True, name)
    ]
    assert tip(ada) == commit
    assert ada.mine() == before
    assert not ada.forge.waiting()
    # What the forge has is not kept twice, and stays known.
    assert ada.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    assert ada.lfci("check").status == 0
    ada.forge.fsck()


def test_what_it_says(ada: Worker) -> None:
    commit = ada.edit({"docs/a": random_bytes()})
    shown = ada.lfci("land")
    assert shown.out == f"landed {commit[:12]} on main\n"
    assert shown.err.startswith("test: known: attestation ")
    again = ada.lfci("land")
    assert (again.status, again.out) == (
        0,
        f"nothing to land: main of origin has this change already ({commit[:12]})\n",
    )


def test_without_a_passing_check_nothing_is_sent(ada: Worker) -> None:
    """A rule asks for a check by an agent, and the only run is by a key without that role."""
    worker = Worker(ada.developer, ada.key.with_name("maintainer"), ada.env)
    from tests.clone.conftest import save_key

    save_key(MAINTAINER, worker.key)
    worker.edit({"src/lib.py": random_bytes()})
    worker.attest(signer=MAINTAINER)
    text = refused(worker, "LFCI109")
    assert "key maintainer has roles maintainer; the rule wants agent" in text
    assert "Nothing was sent" in text


def test_a_dry_run_judges_and_pushes_nothing(ada: Worker) -> None:
    commit = ada.edit({"docs/a": random_bytes()})
    mine, theirs = ada.mine(), ada.forge.state()
    shown = ada.lfci("land", "--dry-run")
    assert (shown.status, shown.out) == (0, f"would land {commit[:12]} on main: the rules accept it\n")
    assert (ada.mine(), ada.forge.state()) == (mine, theirs)


def test_from_a_folder_below(ada: Worker) -> None:
    commit = ada.edit({"docs/a": random_bytes()})
    assert ada.lfci("land", cwd=ada.path / "docs").status == 0
    assert tip(ada) == commit


def test_from_a_feature_branch_to_the_branch_that_the_forge_s_head_names(ada: Worker) -> None:
    ada.repo.git("switch", "-q", "-c", "topic", "--no-track")
    commit = ada.edit({"docs/a": random_bytes()})
    landed(ada)
    assert tip(ada) == commit
    assert "refs/heads/topic" not in ada.forge.refs()


def test_a_clone_that_does_not_know_the_forge_s_head_asks(ada: Worker) -> None:
    ada.repo.git("remote", "set-head", "origin", "-d")
    ada.repo.git("switch", "-q", "-c", "topic", "--no-track")
    commit = ada.edit({"docs/a": random_bytes()})
    landed(ada)
    assert tip(ada) == commit


def test_another_target(ada: Worker) -> None:
    """A branch that is not there yet is compared with where it left the branch of HEAD."""
    commit = ada.edit({"docs/a": random_bytes()})
    answer = landed(ada, "--target", "release/1")
    assert answer["ref"] == "refs/heads/release/1"
    assert tip(ada, "release/1") == commit
    assert tip(ada) != commit


def test_evidence_that_tags_would_join_is_left_out(ada: Worker) -> None:
    ada.repo.git("config", "push.followTags", "true")
    ada.edit({"docs/a": random_bytes()})
    ada.repo.git("tag", "-a", "-m", "mine", "v1")
    landed(ada)
    assert "refs/tags/v1" not in ada.forge.refs()


# -- replay --------------------------------------------------------------------------------------


def test_replay_is_what_a_rebase_would_have_made(ada: Worker, bob: Worker, tmp_path: Path) -> None:
    ada.repo.git("config", "user.name", "Grace")
    for number in range(3):
        ada.repo.write(f"docs/{number}", random_bytes())
        ada.repo.git("add", "-A")
        author = {
            "GIT_AUTHOR_NAME": f"Author {number} \u00fc",
            "GIT_AUTHOR_DATE": f"{1700000000 + number} +0130",
        }
        ada.repo.git(
            "commit", "-q", "--cleanup=verbatim", "-m", f" subject {number}\n\nbody\n\n\n", env=author
        )
    (ada.path / "docs/0").chmod(0o755)
    os.symlink("../docs/1", ada.path / "src/link")
    ada.repo.commit("modes")
    old = ada.head()
    ada.attest()
    above = elsewhere(bob)

    subprocess.run(["cp", "-a", str(ada.path), str(tmp_path / "rebased")], check=True)
    rebased = Worker(Developer.__new__(Developer), ada.key)
    rebased.developer.repo = type(ada.repo)(tmp_path / "rebased", "sha1")
    rebased.repo.git("pull", "-q", "--rebase")

    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert f"replayed 4 commits onto origin/main {above[:12]}" in shown.err
    assert tip(ada) == ada.head()
    what = ("log", "--format=%T %an %ae %ad %cn %ce%n%B", "--date=raw", f"{above}..HEAD")
    assert ada.repo.git(*what) == rebased.repo.git(*what)
    assert ada.repo.line("rev-parse", "HEAD~4") == above
    assert ada.repo.git("status", "--porcelain") == b""
    assert ada.repo.git("ls-files", "-s") == rebased.repo.git("ls-files", "-s")
    files, theirs = ada.mine()["files"], rebased.mine()["files"]
    assert files == theirs
    assert os.access(ada.path / "docs/0", os.X_OK)
    assert ada.repo.line("symbolic-ref", "HEAD") == "refs/heads/main"
    assert ada.repo.line("rev-parse", "ORIG_HEAD") == old
    assert ada.repo.line("rev-parse", "main@{1}") == old
    ada.forge.fsck()


def test_a_replayed_commit_has_a_new_committer_time_and_no_signature(ada: Worker, bob: Worker) -> None:
    key = ada.key
    ada.repo.git("config", "gpg.format", "ssh")
    ada.repo.git("config", "user.signingkey", str(key))
    ada.repo.write("docs/a", random_bytes())
    ada.repo.git("add", "-A")
    ada.repo.git("commit", "-q", "-S", "-m", "signed")
    assert b"gpgsig" in ada.repo.git("cat-file", "commit", "HEAD")
    elsewhere(bob)
    landed(ada)
    raw = ada.repo.git("cat-file", "commit", "HEAD")
    assert b"gpgsig" not in raw
    assert b"signed" in raw
    assert ada.repo.line("log", "-1", "--format=%at") == "1767268800"
    assert ada.repo.line("log", "-1", "--format=%ct") != "1767268800"


def test_both_sides_of_one_file_are_merged(ada: Worker, bob: Worker) -> None:
    lines = b"".join(b"%d\n" % number for number in range(30))
    elsewhere(bob, "docs/long", lines)
    ada.repo.git("pull", "-q")
    elsewhere(bob, "docs/long", lines.replace(b"3\n", b"three\n", 1))
    ada.edit({"docs/long": lines.replace(b"27\n", b"twenty-seven\n")})
    landed(ada)
    assert (ada.path / "docs/long").read_bytes() == lines.replace(b"3\n", b"three\n", 1).replace(
        b"27\n", b"twenty-seven\n"
    )


def test_a_conflict_is_refused_and_nothing_has_changed(ada: Worker, bob: Worker) -> None:
    elsewhere(bob, "docs/a\u00fc b")
    ada.edit({"docs/a\u00fc b": random_bytes()})
    text = refused(ada, "LFCI508")
    assert "onto origin/main conflicts" in text
    assert "in: docs/a\\xfc b" in text
    assert "hint: git rebase origin/main" in text


def test_a_merge_commit_in_the_way(ada: Worker, bob: Worker) -> None:
    ada.repo.git("switch", "-q", "-c", "side")
    ada.edit({"docs/side": random_bytes()})
    ada.repo.git("switch", "-q", "main")
    ada.edit({"docs/main": random_bytes()})
    ada.repo.git("merge", "-q", "--no-edit", "side")
    elsewhere(bob)
    text = refused(ada, "LFCI508")
    assert "is a merge commit" in text
    assert "hint: git merge origin/main, then: lfci land" in text
    # The hint is right: after it the same command lands.
    ada.repo.git("merge", "-q", "--no-edit", "origin/main")
    landed(ada)
    assert tip(ada) == ada.head()


def test_a_change_that_somebody_else_landed_is_left_out(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/same": b"the same\n"}, "same")
    ada.edit({"docs/mine": random_bytes()}, "mine")
    elsewhere(bob, "docs/same", b"the same\n")
    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert "left out 1 commit whose change origin/main has already" in shown.err
    assert ada.repo.git("log", "-2", "--format=%s").split() == [b"mine", b"elsewhere"]


def test_when_nothing_is_left_nothing_lands(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/same": b"the same\n"}, "same")
    other = elsewhere(bob, "docs/same", b"the same\n")
    mine, theirs = ada.mine(), ada.forge.state()
    shown = ada.lfci("land")
    assert shown.status == 0
    assert shown.out == f"nothing to land: main of origin has this change already ({other[:12]})\n"
    assert shown.err.endswith("to bring your branch up to it: git rebase origin/main\n")
    assert (ada.mine(), ada.forge.state()) == (mine, theirs)


def test_a_commit_without_a_change_is_kept(ada: Worker, bob: Worker) -> None:
    ada.repo.git("commit", "-q", "--allow-empty", "-m", "a sign")
    elsewhere(bob)
    assert landed(ada)["replayed"] == 1
    assert ada.repo.line("log", "-1", "--format=%s") == "a sign"


def test_in_an_added_worktree(ada: Worker, bob: Worker, tmp_path: Path) -> None:
    ada.repo.git("worktree", "add", "-q", "-b", "topic", str(tmp_path / "tree"))
    repo = type(ada.repo)(tmp_path / "tree", "sha1")
    repo.write("docs/a", random_bytes())
    repo.commit()
    before = ada.mine()
    elsewhere(bob)
    assert ada.lfci("land", cwd=repo.path).status == 0
    assert repo.line("rev-parse", "HEAD") == tip(ada)
    assert repo.git("status", "--porcelain") == b""
    after = ada.mine()
    for each in (before, after):
        each.pop("branches")
    assert after == before


def test_a_repository_of_sha256_lands_and_names_the_way_around_replay(farm: Farm, clone_of: Any) -> None:
    """libgit2 knows no such repositories."""
    from tests.support.forge import first_landing

    forge = farm.empty(object_format="sha256")
    first_landing(Developer(farm.base / "sha256-clone", forge), config=NARROW)
    ada, bob = clone_of(forge, "a"), clone_of(forge, "b")
    elsewhere(bob, "docs/a", b"1\n2\n3\n4\n5\n6\n7\n8\n")
    ada.edit({"docs/b": random_bytes()})
    text = refused(ada, "LFCI508", status=3)
    assert "hint: git rebase origin/main, then: lfci land" in text
    ada.repo.git("rebase", "-q", "origin/main")
    landed(ada)
    assert tip(ada) == ada.head()


# -- uncommitted changes ---------------------------------------------------------------------------


def test_uncommitted_changes_elsewhere_stay_as_they_are(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/mine": random_bytes(), "docs/part": b"1\n", "docs/gone": b"x"})
    elsewhere(bob)
    ada.repo.write("docs/part", b"staged\n")
    ada.repo.write("docs/new", b"staged\n")
    ada.repo.git("add", "docs/part", "docs/new")
    ada.repo.write("docs/part", b"not staged\n")
    (ada.path / "docs/new").unlink()
    (ada.path / "docs/gone").unlink()
    ada.repo.write("untracked", b"u")
    before = ada.repo.git("status", "--porcelain")
    answer = landed(ada)
    assert (answer["replayed"], answer["leftBehind"]) == (1, False)
    assert ada.head() == tip(ada)
    assert ada.repo.git("status", "--porcelain") == before
    assert ada.repo.git("show", ":docs/part") == b"staged\n"
    assert ada.repo.git("show", ":docs/new") == b"staged\n"
    assert (ada.path / "docs/part").read_bytes() == b"not staged\n"
    assert (ada.path / "docs/other").exists()


@pytest.mark.parametrize("way", ["changed", "staged", "untracked", "ignored", "merging"])
def test_what_is_in_the_way_is_left_alone_and_said(ada: Worker, bob: Worker, way: str) -> None:
    ada.edit({"docs/mine": random_bytes(), ".gitignore": b"secret\n"}, "mine")
    other = "secret" if way == "ignored" else "src.txt"
    if way in ("changed", "staged"):
        elsewhere(bob, other, b"old\n")
        ada.repo.git("pull", "-q", "--rebase")
    bob.repo.git("pull", "-q", "--rebase")
    bob.repo.write(other, b"theirs\n")
    bob.repo.git("add", "-f", other)
    bob.repo.git("commit", "-q", "-m", "theirs")
    landed(bob)
    if way == "merging":
        side = ada.repo.line("commit-tree", "-p", "HEAD", "-m", "side", "HEAD^{tree}")
        ada.repo.git("merge", "-q", "--no-commit", "--no-ff", side)
    else:
        ada.repo.write(other, b"precious\n")
        if way == "staged":
            ada.repo.git("add", other)
    old, mine = ada.head(), ada.mine()
    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert shown.out == f"landed {tip(ada)[:12]} on main\n"
    assert "your branch was left where it was" in shown.err
    assert "later: git rebase --autostash origin/main" in shown.err
    assert (ada.mine(), ada.head()) == (mine, old)
    if way in ("changed", "staged"):
        # What it says to do is right: the landed commit is found there and not repeated.
        ada.repo.write(other, b"old\n")
        ada.repo.git("reset", "-q")
        ada.repo.git("rebase", "-q", "--autostash", "origin/main")
        assert ada.head() == tip(ada)


def test_a_detached_head_follows(ada: Worker, bob: Worker) -> None:
    ada.repo.git("checkout", "-q", "--detach")
    ada.edit({"docs/a": random_bytes()})
    elsewhere(bob)
    branch = ada.head("main")
    landed(ada)
    assert ada.head() == tip(ada)
    assert ada.repo.git("status", "--porcelain", "--branch") == b"## HEAD (no branch)\n"
    assert ada.head("main") == branch


def test_what_the_user_commits_meanwhile_is_neither_landed_nor_lost(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/a": random_bytes()}, "asked")
    elsewhere(bob)
    hook = ada.repo.write(
        ".git/hooks/pre-push",
        b"#!/bin/sh\nunset GIT_DIR\ngit commit -q --allow-empty -m meanwhile\n",
        mode=0o755,
    )
    answer = landed(ada)
    hook.unlink()
    assert answer["leftBehind"]
    assert ada.repo.line("log", "-1", "--format=%s") == "meanwhile"
    assert bob.forge.repo.line("log", "-1", "--format=%s", "main") == "asked"


# -- beginnings ------------------------------------------------------------------------------------


def project(farm: Farm, tmp_path: Path, person: Any, policy: bytes | None = None) -> Worker:
    """A clone with a first commit, and an empty forge with that commit's policy."""
    forge = farm.empty(policy)
    worker: Worker = person(Developer(tmp_path / "new", forge))
    files = {
        ".lfci/config.toml": NARROW,
        ".lfci/policy.toml": policy or policy_text(),
        "flake.nix": b"{ outputs = _: { }; }\n",
        "flake.lock": b'{"nodes":{"root":{}},"root":"root","version":7}\n',
        "src/lib.py": b"answer = 42\n",
    }
    worker.edit(dict(files), "first")
    return worker


def test_the_first_landing_of_an_empty_forge(farm: Farm, tmp_path: Path, person: Any) -> None:
    worker = project(farm, tmp_path, person)
    worker.attest()
    answer = landed(worker)
    assert answer["landed"]
    assert tip(worker) == worker.head()
    # The next one knows what landed, and needs nothing but what it changes.
    worker.edit({"docs/a": b"1"})
    assert landed(worker)["replayed"] == 0


def test_a_project_with_history_brings_its_first_policy(farm: Farm, tmp_path: Path, person: Any) -> None:
    """A forge made of a repository that had no policy: the operator's is in force until it lands."""
    forge = farm.empty()
    hooks = forge.path / "hooks/pre-receive"
    hooks.chmod(0o644)
    worker: Worker = person(Developer(tmp_path / "old", forge))
    worker.edit({"src/lib.py": b"answer = 42\n", "flake.nix": b"{ outputs = _: { }; }\n"}, "long ago")
    worker.repo.git("push", "-q", "origin", "main")
    hooks.chmod(0o755)
    worker.edit({".lfci/config.toml": NARROW, ".lfci/policy.toml": policy_text()}, "declare the checks")
    worker.attest()
    text = refused(worker, "LFCI206")
    assert "ask a maintainer for: lfci approve" in text
    from tests.clone.conftest import save_key

    key = save_key(MAINTAINER, tmp_path / "maintainer")
    approved = worker.lfci("approve", "HEAD", "--key", str(key))
    assert approved.status == 0, approved.text
    landed(worker)
    assert tip(worker) == worker.head()


def test_before_the_first_commit(farm: Farm, tmp_path: Path, person: Any) -> None:
    worker = person(Developer(tmp_path / "none", farm.empty()))
    shown = worker.lfci("land")
    assert shown.status == 2
    assert "error[LFCI514]: there is no commit to land" in shown.err


def test_without_a_remote(ada: Worker) -> None:
    ada.repo.git("remote", "remove", "origin")
    shown = ada.lfci("land")
    assert shown.status == 2
    assert "error[LFCI514]: this clone has no remote to land on" in shown.err
    assert "hint: git remote add origin URL" in shown.err


def test_a_remote_that_is_not_there(ada: Worker) -> None:
    text = refused(ada, "LFCI514", "--remote", "orign", status=2)
    assert "there is no remote orign" in text
    ada.repo.git("remote", "set-url", "origin", "git://127.0.0.1:1/nothing")
    text = refused(ada, "LFCI506", status=3)
    assert "cannot fetch from origin" in text
    assert "Connection refused" in text


def test_without_a_policy_anywhere(farm: Farm, tmp_path: Path, person: Any) -> None:
    worker = person(Developer(tmp_path / "none", farm.empty()))
    worker.edit({"a": b"1"})
    shown = worker.lfci("land")
    assert shown.status == 2
    assert "error[LFCI201]" in shown.err
    assert "hint: lfci init" in shown.err


# -- scope each ------------------------------------------------------------------------------------


@pytest.fixture
def each(farm: Farm, tmp_path: Path, person: Any) -> Worker:
    """A forge whose rule wants evidence for every commit."""
    policy = policy_text(rules=({**RULE, "scope": "each"},))
    worker = project(farm, tmp_path, person, policy)
    worker.attest()
    landed(worker)
    return worker


def test_each_commit_needs_and_brings_its_evidence(each: Worker) -> None:
    for _ in range(3):
        each.edit({"src/lib.py": random_bytes()})
        each.attest()
    answer = landed(each)
    assert len(answer["checks"]) == 3
    assert len({check["attestation"] for check in answer["checks"]}) == 3
    assert tip(each) == each.head()


def test_on_a_new_branch_only_the_commits_that_main_has_not(each: Worker) -> None:
    for _ in range(2):
        each.edit({"src/lib.py": random_bytes()})
        each.attest()
    answer = landed(each, "--target", "release/9")
    assert len(answer["checks"]) == 2
    assert tip(each, "release/9") == each.head()


# -- shallow clones ----------------------------------------------------------------------------------


def shallow(worker: Worker, place: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--depth", "1", worker.forge.url, str(place)], check=True)
    worker.developer.repo = type(worker.repo)(place, "sha1")


def test_a_shallow_clone_lands_what_is_on_top_of_it(ada: Worker, tmp_path: Path) -> None:
    elsewhere(ada)
    shallow(ada, tmp_path / "shallow")
    commit = ada.edit({"docs/a": random_bytes()})
    landed(ada)
    assert tip(ada) == commit


def test_a_shallow_clone_that_ends_too_early_says_so(ada: Worker, bob: Worker, tmp_path: Path) -> None:
    elsewhere(bob)
    shallow(ada, tmp_path / "shallow")
    orphan = ada.repo.line("commit-tree", "-m", "orphan", "HEAD^{tree}")
    ada.repo.git("reset", "-q", "--hard", orphan)
    (ada.path / ".git/shallow").write_text(orphan + "\n")
    text = refused(ada, "LFCI408", status=3)
    assert "hint: git fetch --unshallow" in text


def test_who_commits_must_be_known(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/a": random_bytes()})
    elsewhere(bob)
    ada.repo.git("config", "user.useConfigOnly", "true")
    nobody = {"GIT_COMMITTER_NAME": "", "GIT_COMMITTER_EMAIL": ""}
    text = refused(ada, "LFCI514", status=2, env=nobody)
    assert "git config user.name" in text
    assert AGENT.public.fingerprint not in text
