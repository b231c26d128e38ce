"""Inbox refs: the name, and the one or two plain files behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git.inbox import INBOX, build_inbox_tree, inbox_ref, parse_inbox_ref, read_inbox_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import EXECUTABLE, FILE, SYMLINK, TREE
from lfci_gate.model import ObjectId
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo

SUBJECT = ObjectId("a" * 40)
IDENTIFIER = "b" * 64


def test_a_ref_names_the_subject_and_the_attestation() -> None:
    ref = inbox_ref(SUBJECT, IDENTIFIER)
    assert ref == f"refs/lfci/inbox/{'a' * 40}/{'b' * 64}"
    assert parse_inbox_ref(ref) == (SUBJECT, IDENTIFIER)
    assert parse_inbox_ref(f"{INBOX}{'c' * 64}/{IDENTIFIER}") == ("c" * 64, IDENTIFIER)


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        INBOX,
        f"{INBOX}{SUBJECT}",
        f"{INBOX}{SUBJECT}/",
        f"{INBOX}/{IDENTIFIER}",
        f"{INBOX}{SUBJECT}/{IDENTIFIER}/x",
        f"{INBOX}{SUBJECT}/{IDENTIFIER[1:]}",
        f"{INBOX}{SUBJECT}/{IDENTIFIER.upper()}",
        f"{INBOX}{SUBJECT[1:]}/{IDENTIFIER}",
        f"{SUBJECT}/{IDENTIFIER}",
        f"x{INBOX}{SUBJECT}/{IDENTIFIER}",
    ],
)
def test_rule_03_any_other_ref_is_no_inbox_ref(ref: str) -> None:
    assert parse_inbox_ref(ref) is None


def test_a_ref_is_only_made_of_names() -> None:
    for subject, identifier in ((ObjectId("../x"), IDENTIFIER), (SUBJECT, "x"), (SUBJECT, "b" * 40)):
        with pytest.raises(ValueError, match="inbox"):
            inbox_ref(subject, identifier)


@given(st.binary(min_size=1).filter(lambda line: b"\n" not in line), st.none() | st.binary())
def test_what_is_built_is_read_back(line: bytes, result: bytes | None) -> None:
    source = MemoryObjects()
    assert read_inbox_tree(source, build_inbox_tree(line, result, source.add)) == (line, result)


def test_git_agrees_with_the_tree_that_is_built(any_repo: Repo) -> None:
    source = MemoryObjects(any_repo.hash_name)
    tree = build_inbox_tree(b"{}", b"[]", source.add)
    listing = b""
    for name, data in ((b"attestation", b"{}\n"), (b"result", b"[]")):
        oid = any_repo.git("hash-object", "-w", "--stdin", input=data).strip()
        listing += b"100644 blob " + oid + b"\t" + name + b"\n"
    assert any_repo.git("mktree", input=listing).decode().strip() == tree
    with BatchReader(any_repo.tool) as reader:
        assert read_inbox_tree(reader, tree) == (b"{}", b"[]")


def test_only_one_line_is_a_bundle() -> None:
    for line in (b"", b"a\nb", b"a\n"):
        with pytest.raises(ValueError, match="one line"):
            build_inbox_tree(line, None, MemoryObjects().add)


def test_rule_03_anything_else_behind_the_ref_is_refused() -> None:
    source = MemoryObjects()
    line, empty, two = source.blob(b"{}\n"), source.blob(b""), source.blob(b"{}\n{}\n")
    below = source.tree((FILE, b"x", line))
    hostile = [
        source.blob(b"{}\n"),
        source.blob(source.objects[source.tree((FILE, b"attestation", line))].data),
        source.tree(),
        source.tree((FILE, b"result", line)),
        source.tree((FILE, b"attestation", line), (FILE, b"extra", line)),
        source.tree((FILE, b"attestation", line), (FILE, b"result", line), (FILE, b"z", line)),
        source.tree((EXECUTABLE, b"attestation", line)),
        source.tree((SYMLINK, b"attestation", line)),
        source.tree((FILE, b"attestation", line), (EXECUTABLE, b"result", line)),
        source.tree((FILE, b"attestation", line), (SYMLINK, b"result", line)),
        source.tree((TREE, b"attestation", below)),
        source.tree((FILE, b"attestation", below)),
        source.tree((FILE, b"attestation", line), (FILE, b"result", below)),
        source.tree((FILE, b"attestation", empty)),
        source.tree((FILE, b"attestation", two)),
        source.tree((FILE, b"attestation", source.blob(b"{}"))),
        source.tree((FILE, b"attestation", source.blob(b"{}\n{}"))),
        source.tree((FILE, b"attestation", source.blob(b"\n"))),
        source.tree((FILE, b"Attestation", line)),
        source.add("tree", b"100644 attestation\0"),
        source.tree(*((FILE, b"%d" % each, line) for each in range(1000))),
    ]
    for oid in hostile:
        assert code_of(lambda oid=oid: read_inbox_tree(source, oid)) == "LFCI210"


def test_a_refusal_says_once_that_the_ref_is_malformed() -> None:
    source = MemoryObjects()
    with pytest.raises(Refusal) as refused:
        read_inbox_tree(source, source.tree())
    assert (
        refused.value.message == "malformed inbox ref: its tree holds other names than attestation and result"
    )
    with pytest.raises(Refusal) as refused:
        read_inbox_tree(source, source.add("tree", b"x"))
    assert refused.value.message.startswith("malformed inbox ref: a tree object cannot be parsed")


def test_rule_03_parts_over_their_limit_are_refused() -> None:
    source = MemoryObjects()
    tree = build_inbox_tree(b"x" * 100, b"y" * 50, source.add)
    assert read_inbox_tree(source, tree, max_bundle_bytes=100, max_result_bytes=50) == (b"x" * 100, b"y" * 50)
    assert code_of(lambda: read_inbox_tree(source, tree, max_bundle_bytes=99)) == "LFCI210"
    assert code_of(lambda: read_inbox_tree(source, tree, max_result_bytes=49)) == "LFCI210"


def test_a_missing_object_is_undecided() -> None:
    with pytest.raises(Undecided) as undecided:
        read_inbox_tree(MemoryObjects(), SUBJECT)
    assert undecided.value.code == "LFCI501"
