"""Files of ours are whole or absent, and a lock is free when its holder is dead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lfci_gate import files
from lfci_gate.errors import Undecided

_HOLDER = """
import sys, time
from pathlib import Path
from lfci_gate import files
with files.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_writing_replaces_in_one_step_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a/b/file"
    files.write_file(target, b"one")
    files.write_file(target, b"two", mode=0o600)
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


def test_reading_stops_one_byte_behind_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    assert files.read_file(tmp_path / "file", 10) == b"x" * 11
    assert files.read_file(tmp_path / "absent", 10) is None


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("/etc/passwd")
    with pytest.raises(Undecided) as caught:
        files.read_file(tmp_path / "file", 10)
    assert caught.value.code == "LFCI520"


def test_a_directory_that_cannot_be_made_is_undecided(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with pytest.raises(Undecided) as caught:
        files.write_file(tmp_path / "plain/file", b"")
    assert caught.value.code == "LFCI520"
    files.remove(tmp_path / "absent")


def test_a_lock_is_waited_for_said_and_freed_by_kill_9(tmp_path: Path) -> None:
    lock = tmp_path / "below/lock"
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, lock], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Undecided) as caught, files.locked(lock, wait_s=0.05):
        pytest.fail("two held the lock")
    assert caught.value.code == "LFCI515"
    holder.kill()
    holder.communicate(timeout=60)
    with files.locked(lock, wait_s=0):
        pass
