"""The tree of result documents: found by their sha256, stored once, never taken for another one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Undecided
from lfci_gate.git.names import oid_of
from lfci_gate.git.results import read_result, updated_results_tree
from lfci_gate.git.tree import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, walk
from lfci_gate.model import ObjectId, Sha256
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo


def name_of(document: bytes) -> Sha256:
    return Sha256(hashlib.sha256(document).hexdigest())


def path_of(document: bytes) -> bytes:
    name = name_of(document).encode()
    return name[:2] + b"/" + name[2:]


def stored(source: MemoryObjects, tree: ObjectId | None, *documents: bytes) -> ObjectId:
    updated = updated_results_tree(source, tree, documents, source.add)
    assert updated is not None
    return updated


def test_a_document_is_found_by_its_name_and_no_other_is() -> None:
    source = MemoryObjects()
    tree = stored(source, None, b"one", b"two")
    assert read_result(source, tree, name_of(b"one"), limit=3) == b"one"
    assert read_result(source, tree, name_of(b"two"), limit=3) == b"two"
    assert read_result(source, tree, name_of(b"three"), limit=3) is None


def test_a_document_over_the_limit_is_refused() -> None:
    source = MemoryObjects()
    tree = stored(source, None, b"four")
    assert code_of(lambda: read_result(source, tree, name_of(b"four"), limit=3)) == "LFCI412"


@pytest.mark.parametrize("data", [b"other", b"", b"one\n"])
def test_bytes_that_are_not_those_of_the_name_are_no_result(data: bytes) -> None:
    source = MemoryObjects()
    tree = source.files({path_of(b"one"): (FILE, data)})
    assert read_result(source, tree, name_of(b"one"), limit=100) is None


@pytest.mark.parametrize("mode", [EXECUTABLE, SYMLINK, TREE, GITLINK])
def test_only_a_plain_file_is_a_result(mode: int) -> None:
    source = MemoryObjects()
    folder, _, rest = path_of(b"one").partition(b"/")
    tree = source.tree((TREE, folder, source.tree((mode, rest, source.blob(b"one")))))
    assert read_result(source, tree, name_of(b"one"), limit=100) is None


def test_a_document_that_is_named_and_missing_is_undecided() -> None:
    source = MemoryObjects()
    tree = stored(source, None, b"one")
    del source.objects[oid_of("blob", b"one", "sha1")]
    with pytest.raises(Undecided) as undecided:
        read_result(source, tree, name_of(b"one"), limit=100)
    assert undecided.value.code == "LFCI501"


def test_nothing_to_store_changes_nothing_and_asks_for_nothing() -> None:
    source = MemoryObjects()
    tree = stored(source, None, b"one")
    source.reads.clear()
    assert updated_results_tree(source, tree, (), source.add) == tree
    assert updated_results_tree(source, None, (), source.add) is None
    assert source.reads == []


def test_what_is_there_stays_in_its_folder_and_in_the_others() -> None:
    source = MemoryObjects()
    documents = [b"%d" % number for number in range(700)]  # in 256 folders: some share one
    tree = stored(source, stored(source, None, *documents[:400]), *documents[400:])
    assert {path for path, _ in walk(source, tree)} == {path_of(each) for each in documents}
    assert tree == stored(source, None, *reversed(documents))
    assert tree == stored(source, tree, *documents[100:200])


@given(st.lists(st.binary(max_size=4), max_size=8), st.lists(st.binary(max_size=4), max_size=8))
def test_every_document_that_was_stored_is_read_back(first: list[bytes], more: list[bytes]) -> None:
    source = MemoryObjects()
    tree = updated_results_tree(source, None, first, source.add)
    tree = updated_results_tree(source, tree, more, source.add)
    for document in (*first, *more):
        assert tree is not None
        assert read_result(source, tree, name_of(document), limit=4) == document


def test_git_writes_the_same_tree(any_repo: Repo) -> None:
    source = MemoryObjects(any_repo.hash_name)
    documents = (b"{}", b"[]")
    for document in documents:
        any_repo.write(path_of(document).decode(), document)
    any_repo.commit()
    assert stored(source, None, *documents) == any_repo.line("rev-parse", "HEAD^{tree}")
