"""Objects written as one pack are the objects that git itself would have written."""

from __future__ import annotations

import random

import pytest

from lfci_gate.errors import Undecided
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.writer import PackWriter, pack_of
from tests.support.repos import Repo

SIZES = (0, 1, 15, 16, 17, 2047, 2048, 2049, 70_000, 1 << 20)


def one_commit(writer: PackWriter, hash_name: str, blobs: list[bytes]) -> str:
    raw = [bytes.fromhex(writer.add("blob", data)) for data in blobs]
    tree = writer.add("tree", b"".join(b"100644 %05d\0%s" % item for item in enumerate(raw)))
    who = b"A <a@example.com> 1 +0000"
    return writer.add("commit", b"tree %s\nauthor %s\ncommitter %s\n\nm\n" % (tree.encode(), who, who))


def test_what_is_written_passes_fsck_and_reads_back(bare_repo: Repo) -> None:
    blobs = [random.Random(size).randbytes(size) for size in SIZES]
    writer = PackWriter(bare_repo.tool)
    commit = one_commit(writer, bare_repo.hash_name, blobs)
    tag = writer.add(
        "tag", b"object %s\ntype commit\ntag v1\ntagger A <a@example.com> 1 +0000\n\nt\n" % commit.encode()
    )
    assert bare_repo.git("cat-file", "--batch-check", input=tag.encode()) == f"{tag} missing\n".encode()
    writer.flush()
    bare_repo.git("update-ref", "refs/heads/main", commit)
    bare_repo.git("update-ref", "refs/tags/v1", tag)
    bare_repo.git("fsck", "--strict", "--full")
    with BatchReader(bare_repo.tool) as reader:
        names = [oid_of("blob", data, bare_repo.hash_name) for data in blobs]
        assert [found.data for _, found in reader.read_many(names)] == blobs


def test_git_gives_the_same_names(any_repo: Repo) -> None:
    writer = PackWriter(any_repo.tool)
    any_repo.write("f", b"x\n")
    any_repo.commit()
    tree = any_repo.git("cat-file", "tree", "HEAD^{tree}")
    assert writer.add("blob", b"x\n") == any_repo.line("rev-parse", "HEAD:f")
    assert writer.add("tree", tree) == any_repo.line("rev-parse", "HEAD^{tree}")
    assert writer.add("tree", b"") == empty_tree(any_repo.hash_name)


def test_writing_twice_and_writing_nothing_are_nothing(bare_repo: Repo) -> None:
    writer = PackWriter(bare_repo.tool)
    writer.flush()
    oid = writer.add("blob", b"x")
    assert writer.add("blob", b"x") == oid
    writer.flush()
    writer.flush()
    again = PackWriter(bare_repo.tool, durable=False)
    assert again.add("blob", b"x") == oid
    again.flush()
    assert bare_repo.line("count-objects").startswith("1 objects")


def test_memory_is_bounded_by_flushing_in_between(bare_repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfci_gate.git.writer._FLUSH_BYTES", 1000)
    writer = PackWriter(bare_repo.tool)
    oids = [writer.add("blob", random.Random(i).randbytes(400)) for i in range(5)]
    with BatchReader(bare_repo.tool) as reader:
        assert [reader.exists(oid) for oid in oids] == [True, True, True, False, False]
        writer.flush()
        assert all(reader.exists(oid) for oid in oids)


@pytest.mark.parametrize(("durable", "kind"), [(True, "in-pack"), (False, "count")])
def test_many_objects_stay_one_pack_where_they_must_last(bare_repo: Repo, durable: bool, kind: str) -> None:
    writer = PackWriter(bare_repo.tool, durable=durable)
    for number in range(1000):
        writer.add("blob", b"%d" % number)
    writer.flush()
    counts = dict(line.split(": ") for line in bare_repo.line("count-objects", "-v").splitlines())
    assert {counts["in-pack"], counts["count"]} == {"1000", "0"}
    assert counts[kind] == "1000"
    bare_repo.git("fsck", "--strict", "--full")


def test_a_pack_made_here_is_one_that_git_takes(bare_repo: Repo) -> None:
    pack = pack_of([("blob", b"%d" % number) for number in range(300)], bare_repo.hash_name)
    bare_repo.git("index-pack", "--stdin", "--strict", input=pack)


def test_a_store_that_cannot_be_written_is_undecided(bare_repo: Repo) -> None:
    writer = PackWriter(bare_repo.tool)
    oid = writer.add("blob", b"x")
    # Git 2.39 with core.fsyncMethod=batch says nothing here, and the object is not there.
    bare_repo.write(f"objects/{oid[:2]}", b"a file where git needs a directory")
    with pytest.raises(Undecided) as caught:
        writer.flush()
    assert caught.value.code == "LFCI513"
