"""Names of git objects agree with git's own."""

from __future__ import annotations

import pytest

from lfci_gate.git.names import KINDS, empty_tree, is_oid, oid_of, zero_oid


def test_the_empty_trees_are_the_ones_git_documents() -> None:
    assert empty_tree("sha1") == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert empty_tree("sha256") == "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"


def test_a_blob_has_the_name_that_git_hash_object_prints() -> None:
    assert oid_of("blob", b"hello\n", "sha1") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert (
        oid_of("blob", b"hello\n", "sha256")
        == "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4"
    )


def test_the_kind_is_part_of_the_name() -> None:
    assert len({oid_of(kind, b"", "sha1") for kind in KINDS}) == 4


def test_unknown_kinds_and_hashes_are_errors_of_the_caller() -> None:
    with pytest.raises(ValueError, match="kind"):
        oid_of("note", b"", "sha1")
    with pytest.raises(ValueError, match="hash"):
        oid_of("blob", b"", "md5")


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_only_full_lower_case_hex_is_a_name(name: str) -> None:
    zero = zero_oid(name)
    assert is_oid(zero)
    assert is_oid(zero, name)
    assert not is_oid(zero, "sha256" if name == "sha1" else "sha1")
    assert not is_oid(zero[:-1], name)
    assert not is_oid("A" * len(zero), name)
    assert not is_oid("0" * (len(zero) - 1) + "\n", name)
    assert not is_oid("\u0660" * len(zero), name)
