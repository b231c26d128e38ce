"""The hooks of .pre-commit-hooks.yaml under the real pre-commit, installed by it from this package.

pre-commit clones a repository and installs it with pip into an environment of its own. Here that is
done without the network: build tool and dependencies come from the environment of the tests, our
package is built and installed as anywhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clone.conftest import Worker
from tests.clone.test_land import random_bytes, tip
from tests.support.repos import Repo, make_repo

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
_PARTS = (
    "lfci_gate",
    "hooks",
    "templates",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".pre-commit-hooks.yaml",
)

CONFIG = """\
default_install_hook_types: [pre-commit, pre-push, post-checkout]
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: lfci-session-start
      - id: lfci-check
      - id: lfci-gate
"""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A repository with what a release has, as pre-commit would clone it."""
    repo = make_repo(tmp_path_factory.mktemp("published") / "lfci-gate")
    for part in _PARTS:
        source, target = CHECKOUT / part, repo.path / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    repo.commit("release")
    return repo


@pytest.fixture(scope="session")
def framework(published: Repo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which pre-commit and its pip need no network; its environments are made once."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    return {
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit")),
        "PYTHONPATH": os.pathsep.join(packages),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say: without it
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture
def eve(ada: Worker, published: Repo, framework: dict[str, str]) -> Worker:
    """Ada, with pre-commit set up as its README says."""
    ada.env |= framework
    config = CONFIG.format(repository=published.path, revision=published.line("rev-parse", "HEAD"))
    (ada.path / ".pre-commit-config.yaml").write_text(config)
    (ada.path / ".git/info/exclude").write_text(".pre-commit-config.yaml\n")
    installed = run(ada, str(PRE_COMMIT), "install", "--install-hooks")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return ada


def run(worker: Worker, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=worker.path, env=worker.environ(), capture_output=True, text=True, check=False, timeout=120
    )


def git(worker: Worker, *args: str, status: int = 0) -> str:
    """`git ARGS` with the hooks of pre-commit; what it printed."""
    done = run(worker, "git", *args)
    assert (done.returncode != 0) == (status != 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def attest_staged(worker: Worker) -> None:
    """Evidence for what is staged, as `lfci check --staged` would leave it."""
    tree = worker.repo.line("write-tree")
    worker.attest(worker.repo.line("commit-tree", "-m", "staged", tree))


def test_from_a_switch_to_a_push(eve: Worker, no_nix: Path) -> None:
    # post-checkout: a session is open.
    git(eve, "switch", "-q", "-c", "topic", "--no-track")
    session = eve.lfci("session", "status", "--format", "json").json["session"]
    assert session["goal"] == "work on topic"

    # pre-commit: what is staged is checked, not what lies beside it.
    data = random_bytes()
    eve.repo.write("src/lib.py", data)
    eve.repo.git("add", "src/lib.py")
    attest_staged(eve)
    eve.repo.write("src/lib.py", data + b"# not staged\n")
    eve.repo.write("src/untracked.py", b"")
    said = git(eve, "commit", "-m", "proven")
    assert "lfci check" in said
    assert "test: passed, 2 tests passed, 0 failed, 0 skipped, known" in said
    assert (eve.path / "src/lib.py").read_bytes() == data + b"# not staged\n"

    # A commit of a file that is not staged yet: git says in GIT_INDEX_FILE what it is about to commit.
    assert not no_nix.exists()
    said = git(eve, "commit", "-a", "-m", "unproven", status=1)
    assert no_nix.exists(), said
    no_nix.unlink()
    assert eve.repo.line("log", "-1", "--format=%s") == "proven"

    # pre-push: judged before it is sent, and the evidence goes first.
    git(eve, "push", "origin", "topic:main")
    assert tip(eve) == eve.head()
    assert not eve.forge.waiting()


def test_a_push_without_evidence(eve: Worker) -> None:
    eve.repo.write("src/lib.py", random_bytes())
    git(eve, "commit", "-q", "-a", "--no-verify", "-m", "unproven")
    before = eve.forge.state()
    said = git(eve, "push", "origin", "main", status=1)
    assert "error[LFCI101]" in said
    assert "remote:" not in said
    assert eve.forge.state() == before


def test_only_the_first_ref_is_named_and_the_forge_decides_about_the_rest(eve: Worker) -> None:
    """The trap of the framework: a free branch first, and an unproven protected one behind it."""
    eve.repo.write("src/lib.py", random_bytes())
    git(eve, "commit", "-q", "-a", "--no-verify", "-m", "unproven")
    git(eve, "push", "-q", "origin", "main~:refs/heads/a-topic")
    old = tip(eve)
    said = git(eve, "push", "--atomic", "origin", "main:refs/heads/a-topic", "main", status=1)
    assert "names the first pushed ref only" in said
    assert "remote: error[LFCI101]" in said
    assert tip(eve) == old
    assert tip(eve, "a-topic") == old


def test_the_check_by_hand(eve: Worker) -> None:
    """The stage `manual`, for whoever does not want a check with each commit."""
    eve.repo.write("docs/a", b"1")
    eve.repo.git("add", "docs/a")
    attest_staged(eve)
    done: Any = run(eve, str(PRE_COMMIT), "run", "--hook-stage", "manual", "lfci-check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "known" in done.stdout
