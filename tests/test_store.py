"""The content store: what has a name is whole and is what the name says."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.model import Sha256
from lfci_gate.store import ContentStore


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "cas")


def visible(store: ContentStore) -> dict[str, bytes]:
    """Every stored file by its name; half-written ones have other names."""
    found = store.directory.glob("sha256/[0-9a-f][0-9a-f]/*")
    return {file.parent.name + file.name: file.read_bytes() for file in found if "." not in file.name}


def leftovers(store: ContentStore) -> list[Path]:
    return list(store.directory.rglob(".lfci-tmp-*"))


def test_bytes_come_back_under_their_sha256(store: ContentStore) -> None:
    name = store.put_bytes(b"hello\n")
    assert name == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    assert store.path(name) == store.directory / "sha256/58" / name[2:]
    assert store.read(name) == b"hello\n"
    assert store.put_bytes(b"hello\n") == name
    assert visible(store) == {name: b"hello\n"}
    assert leftovers(store) == []


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 7])
def test_a_file_is_copied_whole(store: ContentStore, tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (tmp_path / "log").write_bytes(data)
    name = store.put_file(tmp_path / "log")
    assert name == hashlib.sha256(data).hexdigest()
    assert store.read(name) == data
    assert store.put_file(tmp_path / "log") == name == store.put_bytes(data)
    assert leftovers(store) == []


def test_what_was_never_stored_is_absent(store: ContentStore) -> None:
    assert store.read(Sha256("0" * 64)) is None


@pytest.mark.parametrize("name", ["", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n"])
def test_a_name_is_64_hex_digits_and_never_a_path(store: ContentStore, name: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        store.path(Sha256(name))


@pytest.mark.parametrize("damage", [b"", b"hell", b"jello\n", b"hello\n\n"])
def test_damage_on_the_disk_is_never_handed_out_and_the_next_put_mends_it(
    store: ContentStore, damage: bytes
) -> None:
    name = store.put_bytes(b"hello\n")
    store.path(name).chmod(0o644)
    store.path(name).write_bytes(damage)
    assert store.read(name) is None
    assert store.put_bytes(b"hello\n") == name
    assert store.read(name) == b"hello\n"


def test_more_than_the_limit_is_refused_before_it_is_read(store: ContentStore) -> None:
    name = store.put_bytes(b"x" * 100)
    assert store.read(name, max_bytes=100) == b"x" * 100
    with pytest.raises(Refusal) as caught:
        store.read(name, max_bytes=99)
    assert caught.value.code == "LFCI412"


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_directory(path: Path) -> None:
    path.mkdir()


def make_nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("make", [make_link, make_pipe, make_directory, make_nothing])
def test_only_plain_files_are_taken(store: ContentStore, tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "junit.xml")
    with pytest.raises(Undecided) as caught:
        store.put_file(tmp_path / "junit.xml")
    assert caught.value.code == "LFCI520"
    assert visible(store) == {}
    assert leftovers(store) == []


def test_no_space_is_said_and_leaves_nothing(store: ContentStore, tmp_path: Path) -> None:
    script = f"""
import resource, signal
from pathlib import Path
from lfci_gate.errors import Undecided
from lfci_gate.store import ContentStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    ContentStore(Path({str(store.directory)!r})).put_bytes(b"x" * 10000)
except Undecided as error:
    print(error.code)
"""
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "LFCI502\n"
    assert visible(store) == {}
    assert leftovers(store) == []


_WRITER = """
import random, sys
from pathlib import Path
from lfci_gate.store import ContentStore
store = ContentStore(Path(sys.argv[1]))
source = Path(sys.argv[2])
for n in range(int(sys.argv[3])):
    print(n, flush=True)
    data = random.Random(n).randbytes(200_000)
    store.put_bytes(data)
    source.write_bytes(data + b"file")
    store.put_file(source)
"""


def writer(store: ContentStore, source: Path, rounds: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _WRITER, store.directory, source, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_parallel_writers_of_the_same_bytes_agree(store: ContentStore, tmp_path: Path) -> None:
    writers = [writer(store, tmp_path / f"source-{n}", 12) for n in range(6)]
    for child in writers:
        child.communicate(timeout=60)
    assert [child.returncode for child in writers] == [0] * 6
    held = visible(store)
    assert len(held) == 24
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in held.items())
    assert leftovers(store) == []


def test_kill_9_leaves_only_whole_files_and_the_sweep_takes_the_rest(
    store: ContentStore, tmp_path: Path
) -> None:
    for n in range(8):
        child = writer(store, tmp_path / "source", 1_000)
        assert child.stdout is not None
        while child.stdout.readline() != b"1\n":  # one round is over, however busy the machine is
            assert child.poll() is None
        time.sleep(0.007 * n)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
        assert child.returncode == -signal.SIGKILL
    held = visible(store)
    assert held
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in held.items())
    # What is put beside a writer that lives must survive the sweep.
    (store.directory / "sha256/new/.lfci-tmp-1-old").parent.mkdir(exist_ok=True)
    (store.directory / "sha256/new/.lfci-tmp-1-old").touch()
    count = len(leftovers(store))
    assert store.sweep(older_than=time.time() - 3600) == 0
    assert store.sweep(older_than=time.time() + 1) == count
    assert leftovers(store) == []
    assert visible(store) == held


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_survive(tmp_path_factory: pytest.TempPathFactory, all_data: list[bytes]) -> None:
    store = ContentStore(tmp_path_factory.mktemp("cas"))
    names = [store.put_bytes(data) for data in all_data]
    assert [store.read(name) for name in names] == all_data
    assert len(visible(store)) == len(set(all_data))
