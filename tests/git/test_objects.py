"""The batch reader hands over the named object or says why not."""

from __future__ import annotations

import os
import random
import signal
import zlib
from pathlib import Path

import pytest

from lfci_gate.errors import Refusal, Undecided, UsageError
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.objects import LIMITS, BatchReader
from lfci_gate.model import GitObject, ObjectId
from tests.support.repos import Repo


def put(repo: Repo, data: bytes) -> ObjectId:
    return ObjectId(repo.git("hash-object", "-w", "--stdin", input=data).decode().strip())


def loose(repo: Repo, oid: str) -> Path:
    path = repo.path / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path


def test_every_kind_is_read_as_git_stores_it(any_repo: Repo) -> None:
    any_repo.write("f", b"bytes\0\xff\n")
    commit = ObjectId(any_repo.commit("one"))
    any_repo.git("tag", "-a", "-m", "t", "v1")
    with BatchReader(any_repo.tool) as reader:
        assert reader.hash_name == any_repo.hash_name
        for expression, kind in (
            ("v1", "tag"),
            ("HEAD", "commit"),
            ("HEAD^{tree}", "tree"),
            ("HEAD:f", "blob"),
        ):
            oid = reader.resolve(expression)
            assert oid is not None
            data = any_repo.git("cat-file", kind, oid)
            assert reader.read(oid) == GitObject(kind, data)
            assert reader.stat(oid) == (kind, len(data))
        assert reader.resolve("HEAD") == commit
        assert reader.read(empty_tree(any_repo.hash_name)).data == b""


def test_many_objects_come_in_the_order_asked_and_other_questions_may_be_between(any_repo: Repo) -> None:
    blobs = [b"%d\n" % (i % 700) for i in range(1500)]
    for data in set(blobs):
        any_repo.write(f"d/{data.decode().strip()}", data)
    any_repo.commit()
    oids = [oid_of("blob", data, any_repo.hash_name) for data in blobs]
    with BatchReader(any_repo.tool) as reader:
        for (oid, found), asked, data in zip(reader.read_many(oids), oids, blobs, strict=True):
            assert (oid, found) == (asked, GitObject("blob", data))
            assert reader.stat(asked) == ("blob", len(data))


def test_a_window_of_large_objects_is_split(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfci_gate.git.objects._WINDOW_BYTES", 1000)
    blobs = [bytes([65 + i]) * size for i, size in enumerate((400, 600, 1, 5000, 999, 1, 1))]
    oids = [put(repo, data) for data in blobs]
    with BatchReader(repo.tool) as reader:
        assert [found.data for _, found in reader.read_many(oids)] == blobs
        assert list(reader.read_many([])) == []


def test_a_missing_object_is_501_and_the_reader_goes_on(any_repo: Repo) -> None:
    there = put(any_repo, b"there")
    gone = oid_of("blob", b"gone", any_repo.hash_name)
    with BatchReader(any_repo.tool) as reader:
        assert reader.exists(there)
        assert not reader.exists(gone)
        for ask in (reader.read, reader.stat, lambda oid: list(reader.read_many([there, oid, there]))):
            with pytest.raises(Undecided, match="is missing") as caught:
                ask(gone)
            assert caught.value.code == "LFCI501"
            assert reader.read(there).data == b"there"


def test_an_unreadable_object_is_not_called_missing(any_repo: Repo) -> None:
    oid, good = put(any_repo, b"there"), put(any_repo, b"good")
    loose(any_repo, oid).write_bytes(b"junk")
    with BatchReader(any_repo.tool) as reader:
        for ask in (
            reader.exists,
            reader.read,
            reader.resolve,
            lambda oid: list(reader.read_many([oid, good])),
        ):
            with pytest.raises(Undecided, match="cannot be read") as caught:
                ask(oid)
            assert caught.value.code == "LFCI501"
            assert caught.value.facts
        assert reader.read(good).data == b"good"


def test_bytes_that_are_not_the_named_object_are_501(any_repo: Repo) -> None:
    oid = put(any_repo, b"hello\n")
    loose(any_repo, oid).write_bytes(zlib.compress(b"blob 6\0hellX\n"))
    with BatchReader(any_repo.tool) as reader, pytest.raises(Undecided, match="is not that object") as caught:
        reader.read(oid)
    assert caught.value.code == "LFCI501"


def test_a_body_that_is_cut_off_is_501(any_repo: Repo) -> None:
    oid, good = put(any_repo, random.Random(1).randbytes(100_000)), put(any_repo, b"good")
    path = loose(any_repo, oid)
    path.write_bytes(path.read_bytes()[:50_000])
    with BatchReader(any_repo.tool) as reader:
        assert reader.stat(oid) == ("blob", 100_000), "its header is there"
        with pytest.raises(Undecided, match=r"cannot be read|stopped reading") as caught:
            reader.read(oid)
        assert caught.value.code == "LFCI501"
        assert "git said nothing" not in caught.value.facts
        with pytest.raises(Undecided):
            reader.read(good)


def test_a_child_that_dies_is_501(repo: Repo) -> None:
    oid = put(repo, b"x")
    with BatchReader(repo.tool) as reader:
        assert reader.read(oid).data == b"x"
        os.kill(reader._child._child.pid, signal.SIGKILL)
        reader._child._child.wait()
        with pytest.raises(Undecided) as caught:
            reader.read(oid)
        assert caught.value.code == "LFCI501"


def test_a_directory_without_repository_is_501_and_leaves_no_child(tmp_path: Path) -> None:
    with BatchReader(Repo(tmp_path, "sha1").tool) as reader:
        with pytest.raises(Undecided) as caught:
            reader.resolve("HEAD")
        assert caught.value.code == "LFCI501"
        assert "not a git repository" in caught.value.facts[0]
    assert reader._child._child.returncode is not None


def test_the_limit_is_held_before_reading(repo: Repo) -> None:
    oid = put(repo, b"12345")
    repo.write("f")
    repo.commit()
    with BatchReader(repo.tool) as reader:
        tree = reader.resolve("HEAD^{tree}")
        assert tree is not None
        assert reader.read(oid, limit=5).data == b"12345"
        reader.read(tree)
        for name in (oid, tree):
            with pytest.raises(Refusal) as caught:
                reader.read(name, limit=4)
            assert caught.value.code == "LFCI412"
        with pytest.raises(Refusal):
            list(reader.read_many([oid], limit=4))


def test_a_huge_blob_is_refused_by_default_without_being_read(repo: Repo) -> None:
    with (repo.path / "huge").open("wb") as file:
        file.truncate(LIMITS["blob"] + 1)
    oid = ObjectId(repo.git("-c", "core.compression=1", "hash-object", "-w", "huge").decode().strip())
    with BatchReader(repo.tool) as reader, pytest.raises(Refusal) as caught:
        reader.read(oid)
    assert caught.value.code == "LFCI412"


@pytest.mark.parametrize("name", ["", "HEAD", "0" * 39, "A" * 40, "0" * 40 + "\ninfo HEAD", "é"])
def test_only_full_names_are_asked_for(repo: Repo, name: str) -> None:
    repo.commit()
    with BatchReader(repo.tool) as reader:
        for ask in (reader.read, reader.stat, reader.exists):
            with pytest.raises(Undecided) as caught:
                ask(ObjectId(name))
            assert caught.value.code == "LFCI501"


def test_expressions_are_resolved_exactly_or_not_at_all(any_repo: Repo) -> None:
    commit = any_repo.commit()
    with BatchReader(any_repo.tool) as reader:
        assert reader.resolve("refs/heads/main") == commit
        for nothing in ("refs/heads/none", "", "a b", "HEAD:none", "x missing", "HEAD blob 3", "\udcff"):
            assert reader.resolve(nothing) is None
        for bad in ("HEAD\nflush", "HEAD\0"):
            with pytest.raises(UsageError) as caught:
                reader.resolve(bad)
            assert caught.value.code == "LFCI514"


def test_an_ambiguous_name_is_not_resolved(repo: Repo) -> None:
    first = {}
    for i in range(2000):
        oid = oid_of("blob", b"%d" % i, "sha1")
        if oid[:4] in first:
            put(repo, b"%d" % i)
            put(repo, b"%d" % first[oid[:4]])
            break
        first[oid[:4]] = i
    with BatchReader(repo.tool) as reader, pytest.raises(UsageError) as caught:
        reader.resolve(oid[:4])
    assert caught.value.code == "LFCI514"


def test_replace_refs_do_not_change_what_is_read(any_repo: Repo) -> None:
    honest, evil = put(any_repo, b"honest"), put(any_repo, b"evil")
    any_repo.git("replace", honest, evil)
    assert any_repo.git("cat-file", "blob", honest) == b"evil"
    with BatchReader(any_repo.tool) as reader:
        assert reader.read(honest).data == b"honest"


def test_a_ref_named_like_the_other_empty_tree_does_not_confuse_the_hash(any_repo: Repo) -> None:
    commit = any_repo.commit()
    any_repo.git("update-ref", f"refs/heads/{empty_tree('sha256')}", commit)
    with BatchReader(any_repo.tool) as reader:
        assert reader.hash_name == any_repo.hash_name
