"""Looking at a clone runs nothing that its config names: every trap here is set and stays shut."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from lfci_gate.errors import Undecided
from lfci_gate.git.quick import maybe_dirty
from lfci_gate.git.worktree import snapshot_worktree
from tests.support.repos import Repo, make_repo

HOOKS = (
    "post-index-change fsmonitor-watchman query-watchman pre-commit post-checkout reference-transaction"
    " pre-auto-gc post-rewrite push-to-checkout applypatch-msg"
).split()
FILTERS = ("x", "a=b", "with space", 'we"ird.name', "Case")


class Trap:
    """A program that writes a file when somebody runs it."""

    def __init__(self, place: Path) -> None:
        self.mark = place / "sprung"
        self.script = place / "trap.sh"
        self.script.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.mark}\nexit 1\n')
        self.script.chmod(0o755)

    def sprung(self) -> str:
        text = self.mark.read_text() if self.mark.exists() else ""
        self.mark.unlink(missing_ok=True)
        return text


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def arm(repo: Repo, trap: Trap) -> None:
    """Everything in a config that git runs while it looks, adds or compares."""
    run = str(trap.script)
    for name in FILTERS:
        for kind in ("clean", "smudge", "process"):
            repo.git("config", f"filter.{name}.{kind}", run)
        repo.git("config", f"filter.{name}.required", "true")
        repo.git("config", f"diff.{name}.command", run)
        repo.git("config", f"diff.{name}.textconv", run)
        repo.git("config", f"merge.{name}.driver", run)
    hooks = repo.path.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in HOOKS:
        for place in (hooks / hook, Path(repo.line("rev-parse", "--git-path", f"hooks/{hook}"))):
            target = repo.path / place
            target.unlink(missing_ok=True)
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(trap.script)
    for name in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand", "core.gitProxy"),
        *("core.alternateRefsCommand", "diff.external", "gpg.program", "credential.helper"),
        *("sequence.editor", "interactive.diffFilter", "pager.status", "uploadpack.packObjectsHook"),
    ):
        repo.git("config", name, run)
    for name in ("status", "check-attr", "ls-files", "update-index", "hash-object", "cat-file"):
        repo.git("config", f"alias.{name}", f"!{run}")
    repo.git("config", "core.hooksPath", str(hooks))
    repo.git("config", "diff.x.cachetextconv", "true")


def fill(repo: Repo) -> None:
    """Files that every trap would like to see, committed before the traps are set."""
    lines = [b'"*.f%d" filter=%s\n' % (i, name.encode()) for i, name in enumerate(FILTERS) if " " not in name]
    repo.write(".gitattributes", b"*.txt text diff=x merge=x\n" + b"".join(lines))
    for i in range(len(FILTERS)):
        repo.write(f"file.f{i}", b"filtered\n")
    repo.write("plain", b"plain\n")
    repo.write("crlf.txt", b"x\n")
    repo.commit()


def index_of(repo: Repo) -> tuple[str, int]:
    path = repo.path / ".git/index"
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def plain_git(repo: Repo, *args: str) -> None:
    """What a user would start; it may fail."""
    subprocess.run(["git", *args], cwd=repo.path, capture_output=True, check=False)


def test_the_traps_work(repo: Repo, trap: Trap) -> None:
    fill(repo)
    arm(repo, trap)
    repo.write("plain", b"changed\n")
    plain_git(repo, "status")
    assert "trap.sh 2" in trap.sprung(), "fsmonitor"
    repo.git("config", "--unset", "core.fsmonitor")
    repo.write("file.f0", b"FILTERED\n")
    plain_git(repo, "status")
    assert "trap.sh" in trap.sprung(), "filter"
    plain_git(repo, "update-ref", "refs/heads/other", "HEAD")
    assert "reference-transaction" in trap.sprung(), "hook"


def test_nothing_runs_and_the_index_stays(repo: Repo, trap: Trap) -> None:
    fill(repo)
    arm(repo, trap)
    repo.write("plain", b"changed\n")
    repo.write("new\nline", b"new\n")
    repo.write("crlf.txt", b"x\r\ny\r\n")
    repo.write("new.txt", b"x\r\ny\r\n")
    (repo.path / "link").symlink_to("plain")
    before = index_of(repo)
    assert maybe_dirty(repo.tool)
    tree = snapshot_worktree(repo.tool)
    assert trap.sprung() == ""
    assert index_of(repo) == before
    assert repo.git("cat-file", "blob", f"{tree}:crlf.txt") == b"x\ny\n"
    assert repo.git("cat-file", "blob", f"{tree}:new\nline") == b"new\n"


def test_nothing_runs_in_a_clean_copy(repo: Repo, trap: Trap) -> None:
    fill(repo)
    for name in os.listdir(repo.path):
        if name != ".git":
            os.utime(repo.path / name, ns=(10**18, 10**18))
    repo.git("update-index", "-q", "--refresh")
    arm(repo, trap)
    before = index_of(repo)
    assert not maybe_dirty(repo.tool)
    assert snapshot_worktree(repo.tool) == repo.line("rev-parse", "HEAD^{tree}")
    assert trap.sprung() == ""
    assert index_of(repo) == before


@pytest.mark.parametrize("how", ["changed", "new", "large"])
@pytest.mark.parametrize("number", [0, 1, 3, 4])
def test_a_file_with_a_filter_is_refused_and_the_filter_does_not_run(
    repo: Repo, trap: Trap, how: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(repo)
    arm(repo, trap)
    if how == "large":
        monkeypatch.setattr("lfci_gate.git.worktree._HELD_BYTES", 3)
        repo.write(f"new.f{number}", b"12345")
    else:
        repo.write(f"{'new' if how == 'new' else 'file'}.f{number}", b"other\n")
    before = index_of(repo)
    assert maybe_dirty(repo.tool)
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(repo.tool)
    assert caught.value.code == "LFCI517"
    assert "filter" in caught.value.message
    assert trap.sprung() == ""
    assert index_of(repo) == before


def test_a_smudged_file_is_clean_until_its_times_say_otherwise(repo: Repo, trap: Trap) -> None:
    """As with git-lfs: other bytes on disk than in the store. Only the filter could tell they agree."""
    repo.git("config", "filter.x.clean", "tr A-Z a-z")
    repo.write(".gitattributes", b"*.f filter=x\n")
    repo.write("a.f", b"CONTENT")
    repo.write("raw.f", b"content")
    repo.commit()
    for name in ("a.f", "raw.f"):
        os.utime(repo.path / name, ns=(10**18, 10**18))
    repo.git("update-index", "-q", "--refresh")
    head = repo.line("rev-parse", "HEAD^{tree}")
    repo.git("config", "filter.x.clean", str(trap.script))
    assert not maybe_dirty(repo.tool)
    assert snapshot_worktree(repo.tool) == head
    os.utime(repo.path / "raw.f", ns=(1, 1))
    assert not maybe_dirty(repo.tool), "on disk are the very bytes of the tree"
    assert snapshot_worktree(repo.tool) == head
    os.utime(repo.path / "a.f", ns=(1, 1))
    assert maybe_dirty(repo.tool)
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(repo.tool)
    assert caught.value.code == "LFCI517"
    assert trap.sprung() == ""


def test_a_filter_that_only_must_exist_is_refused_too(repo: Repo) -> None:
    """`git add` would fail: required, and nothing to run."""
    fill(repo)
    repo.git("config", "filter.x.required", "true")
    repo.write("file.f0", b"other\n")
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(repo.tool)
    assert caught.value.code == "LFCI517"
    repo.git("config", "filter.x.required", "false")
    tree = snapshot_worktree(repo.tool)
    assert repo.git("cat-file", "blob", f"{tree}:file.f0") == b"other\n"


def test_traps_in_a_submodule_and_in_a_repository_inside_stay_shut(repo: Repo, trap: Trap) -> None:
    other = make_repo(repo.path.parent / "other")
    fill(other)
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "sub")
    repo.commit()
    inner = make_repo(repo.path / "inner")
    fill(inner)
    sub = Repo(repo.path / "sub", "sha1")
    for place in (sub, inner):
        arm(place, trap)
        place.write("plain", b"changed\n")
        os.utime(place.path / "file.f0", ns=(1, 1))
    plain_git(repo, "status")
    assert trap.sprung() != "", "a plain git status looks inside"
    assert maybe_dirty(repo.tool)
    tree = snapshot_worktree(repo.tool)
    assert repo.line("rev-parse", f"{tree}:sub") == other.line("rev-parse", "HEAD")
    assert repo.line("rev-parse", f"{tree}:inner") == repo.line("-C", "inner", "rev-parse", "HEAD")
    trap.sprung()
    snapshot_worktree(repo.tool)
    maybe_dirty(repo.tool)
    assert trap.sprung() == ""


def test_a_config_that_is_included_is_config(repo: Repo, trap: Trap) -> None:
    fill(repo)
    extra = repo.path.parent / "extra"
    run = str(trap.script)
    extra.write_text(f'[filter "x"]\n\tclean = {run}\n\trequired = true\n[core]\n\tfsmonitor = {run}\n')
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "include.path", str(extra))
    repo.write("file.f0", b"other\n")
    assert maybe_dirty(repo.tool)
    with pytest.raises(Undecided):
        snapshot_worktree(repo.tool)
    assert trap.sprung() == ""


def test_a_missing_object_is_not_fetched_from_a_remote_that_runs_programs(repo: Repo, trap: Trap) -> None:
    repo.write("d/f", b"1")
    repo.commit()
    subtree = repo.line("rev-parse", "HEAD:d")
    for name, value in (
        ("remote.origin.url", f"ext::{trap.script}"),
        ("protocol.ext.allow", "always"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialclonefilter", "tree:0"),
        ("extensions.partialClone", "origin"),
    ):
        repo.git("config", name, value)
    repo.write("d/f", b"2")
    (repo.path / ".git/objects" / subtree[:2] / subtree[2:]).unlink()
    plain_git(repo, "ls-tree", "-r", "HEAD")
    assert trap.sprung() != "", "a plain git fetches it"
    assert maybe_dirty(repo.tool)
    with pytest.raises(Undecided) as caught:
        snapshot_worktree(repo.tool)
    assert caught.value.code in ("LFCI501", "LFCI513")
    assert trap.sprung() == ""
