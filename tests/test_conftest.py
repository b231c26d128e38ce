"""The world of the tests is closed: the rules of conftest.py, tried."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

REAL_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_the_home_is_fresh_and_git_knows_who_and_when(hermetic: Path, tmp_path: Path) -> None:
    assert Path.home() == hermetic
    assert {entry.name for entry in hermetic.iterdir()} == {".gitconfig", ".cache"}
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    shown = subprocess.check_output(["git", "-C", tmp_path, "log", "--format=%an %cn %ct %D"], text=True)
    assert shown == "Ada Author Carl Committer 1767268800 HEAD -> main\n"


def test_no_setting_of_the_caller_leaks_in() -> None:
    leaked = [
        name
        for name in os.environ
        if name.startswith(("LFCI_", "SSH_", "NIX_PATH", "PRE_COMMIT"))
        or (
            name.startswith("GIT_")
            and not name.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_", "GIT_TERMINAL_PROMPT"))
        )
    ]
    assert leaked == []


@pytest.mark.parametrize("touch", ["read", "write", "list"])
def test_touching_the_real_home_is_an_error_with_a_telling_name(touch: str) -> None:
    actions = {
        "read": lambda: (REAL_HOME / ".lfci-test-must-not-exist").read_bytes(),
        "write": lambda: (REAL_HOME / ".lfci-test-must-not-exist").write_bytes(b""),
        "list": lambda: os.listdir(REAL_HOME),
    }
    with pytest.raises(BaseException, match=str(REAL_HOME)) as caught:
        actions[touch]()
    assert caught.typename == "TouchedTheRealHome"
    assert not os.path.lexists(REAL_HOME / ".lfci-test-must-not-exist")


def test_the_home_of_a_child_process_is_the_tests_own(hermetic: Path) -> None:
    told = subprocess.check_output(
        [sys.executable, "-c", "import pathlib; print(pathlib.Path.home())"], text=True
    )
    assert told == f"{hermetic}\n"
