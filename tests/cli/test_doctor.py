"""`lfci doctor`: what is wrong is named with the command that helps, and nothing else is."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.cli.sandbox_probe import probe_sandbox
from lfci_gate.errors import Undecided
from tests.cli.conftest import NOW, Run
from tests.support.repos import Repo


def findings(screen: Any) -> dict[str, tuple[str, str, str | None]]:
    return {each["name"]: (each["status"], each["detail"], each["fix"]) for each in screen.json["findings"]}


@pytest.fixture
def clone(repo: Repo, here: Run, tmp_path: Path) -> Repo:
    """A clone in which nothing is missing."""
    repo.write("Makefile", b"check:\n\tpytest\n")
    repo.write("flake.nix", b"{ outputs = _: { }; }\n")
    repo.write("flake.lock", b"{}\n")
    assert here("init", cwd=repo.path).status == 0
    repo.commit("first")
    repo.git("init", "-q", "--bare", str(tmp_path / "server.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "server.git"))
    repo.git("push", "-q", "origin", "main")
    assert here("install", cwd=repo.path).status == 0
    return repo


def test_a_clone_in_order_as_a_screen(here: Run, clone: Repo, screen) -> None:
    shown = here("doctor", cwd=clone.path)
    assert shown.status == 0, shown.out
    text = re.sub(r"(?m)^(ok    (?:git|nix|sandbox) .*?)\d+(\.\d+)+", r"\1VERSION", shown.out)
    # How limits are held is the machine's.
    text = re.sub(r"limits by (cgroup v[12]|rlimits and a watch \(no control group\))", "LIMITS", text)
    screen("doctor", re.sub(r"(?<=  )(nix|lix) VERSION", "nix VERSION", text))


def test_outside_of_a_clone_only_the_machine_is_looked_at(here: Run) -> None:
    shown = here("doctor", "--format", "json")
    assert shown.status == 0
    assert {name: each[0] for name, each in findings(shown).items()} == {
        "git": "ok", "nix": "ok", "sandbox": "ok", "clone": "warn",
    }  # fmt: skip


def test_a_new_repository_as_a_screen(here: Run, repo: Repo, screen) -> None:
    shown = here("doctor", cwd=repo.path)
    assert shown.status == 1
    screen("doctor-new", shown.out.partition("fail  checks")[1] + shown.out.partition("fail  checks")[2])


def only(tmp_path: Path, *programs: str) -> str:
    """A PATH with these programs alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_a_machine_without_nix_and_bubblewrap(here: Run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", only(tmp_path, "git", "true"))
    monkeypatch.setattr("lfci_gate.nix.process._PLACES", ())
    shown = here("doctor", "--format", "json")
    assert shown.status == 1
    assert shown.json["ok"] is False
    found = findings(shown)
    assert found["nix"][0] == "fail"
    assert "[LFCI303]" in found["nix"][1]
    assert found["sandbox"] == (
        "fail",
        "bubblewrap is not installed [LFCI305]",
        "install the package bubblewrap (bwrap)",
    )


def test_a_kernel_that_forbids_the_sandbox() -> None:
    # Not below tmp_path: as root the engine runs bubblewrap as somebody who cannot look into it.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        fake = Path(folder, "bwrap")
        fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
        fake.chmod(0o755)
        fake.parent.chmod(0o755)
        with pytest.raises(Undecided) as caught:
            probe_sandbox({"PATH": f"{folder}:{os.environ['PATH']}"})
    assert caught.value.code == "LFCI305"
    assert caught.value.facts == ("bwrap: No permissions to create new namespace",)


def test_the_probe_really_runs_in_a_sandbox_and_leaves_nothing() -> None:
    before = set(Path("/tmp").glob("lfci-run-*"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", probe_sandbox(os.environ))
    assert set(Path("/tmp").glob("lfci-run-*")) - before == set()


def spoil_flake(repo: Repo, _home: Path) -> None:
    (repo.path / "flake.nix").unlink()


LOCK = "nix --extra-experimental-features 'nix-command flakes' flake lock && git add flake.lock"


def spoil_lock(repo: Repo, _home: Path) -> None:
    (repo.path / "flake.lock").unlink()


def spoil_tracking(repo: Repo, _home: Path) -> None:
    repo.git("rm", "-q", "--cached", "flake.lock")


def spoil_config(repo: Repo, _home: Path) -> None:
    repo.write(".lfci/config.toml", b"version = 7\n")


def spoil_checks(repo: Repo, _home: Path) -> None:
    repo.write(".lfci/config.toml", b"version = 1\n")


def spoil_key(_repo: Repo, home: Path) -> None:
    for path in (home / ".config/lfci").iterdir():
        path.unlink()


def spoil_private(_repo: Repo, home: Path) -> None:
    (home / ".config/lfci/key").unlink()


def spoil_mode(_repo: Repo, home: Path) -> None:
    (home / ".config/lfci/key").chmod(0o644)


def spoil_hook_mode(repo: Repo, _home: Path) -> None:
    (repo.path / ".git/hooks/pre-push").chmod(0o644)


def spoil_hook(repo: Repo, _home: Path) -> None:
    (repo.path / ".git/hooks/pre-push").unlink()


def spoil_hooks(repo: Repo, _home: Path) -> None:
    shutil.rmtree(repo.path / ".git/hooks")


def spoil_fetch(repo: Repo, _home: Path) -> None:
    repo.git("config", "--unset", "remote.origin.fetch", "results")


def spoil_remote(repo: Repo, _home: Path) -> None:
    repo.git("remote", "remove", "origin")


@pytest.mark.parametrize(
    ("spoil", "name", "status", "detail", "fix"),
    [
        (spoil_flake, "flake", "fail", "flake.nix is missing", "lfci help flake"),
        (spoil_lock, "flake", "fail", "flake.lock is missing", LOCK),
        (spoil_tracking, "flake", "warn", "git does not track it", "git add flake.nix flake.lock"),
        (spoil_config, "checks", "fail", "[LFCI405]", ".lfci/config.toml"),
        (spoil_checks, "checks", "fail", "declares none", "lfci help checks"),
        (spoil_key, "key", "fail", "[LFCI511]", "lfci key generate"),
        (spoil_private, "key", "fail", "[LFCI511]", "lfci key generate"),
        (spoil_mode, "key", "fail", "[LFCI512]", "chmod 600 "),
        (spoil_hook_mode, "hooks", "fail", "is not executable", "chmod 755 "),
        (spoil_hook, "hooks", "warn", "missing: pre-push", "lfci install"),
        (spoil_hooks, "hooks", "warn", "none: a plain git push brings no proof", "lfci install"),
        (spoil_fetch, "evidence", "warn", "does not bring", "lfci install"),
        (spoil_remote, "evidence", "warn", "there is no remote", "git remote add origin URL"),
    ],
)
def test_each_thing_that_is_wrong_is_named_with_what_helps(
    here: Run, clone: Repo, hermetic: Path, monkeypatch, spoil, name: str, status: str, detail: str, fix: str
) -> None:
    # The machine stays as it is, and building a sandbox each time takes its time.
    monkeypatch.setattr("lfci_gate.cli.findings_machine.machine_findings", lambda _context: ())
    spoil(clone, hermetic)
    shown = here("doctor", "--format", "json", cwd=clone.path)
    assert shown.status == (1 if status == "fail" else 0)
    found = findings(shown)[name]
    assert found[0] == status
    assert detail in found[1]
    assert fix in (found[2] or "")


def test_a_key_whose_time_is_over_fails(here: Run, clone: Repo) -> None:
    import tomllib

    import tomli_w

    path = clone.path / ".lfci/policy.toml"
    policy = tomllib.loads(path.read_text())
    policy["keys"]["ada-author-agent"]["valid-until"] = NOW - timedelta(days=1)
    path.write_text(tomli_w.dumps(policy))
    clone.commit("expired")
    clone.git("push", "-q", "--no-verify", "origin", "main")
    shown = here("doctor", "--format", "json", cwd=clone.path)
    assert shown.status == 1
    assert "is expired" in findings(shown)["key"][1]


def test_hooks_through_pre_commit_count(here: Run, clone: Repo) -> None:
    here("install", "--uninstall", cwd=clone.path)
    here("install", "--framework", "pre-commit", cwd=clone.path)
    assert (
        findings(here("doctor", "--format", "json", cwd=clone.path))["hooks"][0] == "warn"
    )  # not installed yet
    hook = clone.write(".git/hooks/pre-push", b"#!/bin/sh\n# File generated by pre-commit\n", mode=0o755)
    assert hook.exists()
    found = findings(here("doctor", "--format", "json", cwd=clone.path))["hooks"]
    assert found == ("ok", "through .pre-commit-config.yaml", None)
