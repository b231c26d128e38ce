"""What attacks with odd git objects share: trees and commits beside honest ones, many objects at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tests.attacks.kit import Person, Scene, pack, pack_entry
from tests.attacks.objects import TreeItem

TEST_FILE = "tests/test_lib.py"
"""A protected file of every stage."""


def git_looks_away(scene: Scene) -> None:
    """The operator has switched git's own check of objects off, or has a git without one of its checks."""
    scene.forge.repo.git("config", "receive.fsckObjects", "false")


def items(person: Person, rev: str = "HEAD") -> list[TreeItem]:
    """The entries of a tree, as they can be written again."""
    found: list[TreeItem] = []
    for line in person.repo.git("ls-tree", "-z", rev).split(b"\0")[:-1]:
        meta, _, name = line.partition(b"\t")
        mode, _kind, oid = meta.decode().split(" ")
        found.append((mode.lstrip("0"), name, oid))
    return found


def in_order(entries: Iterable[TreeItem]) -> list[TreeItem]:
    """git's order of entries."""
    return sorted(entries, key=lambda each: each[1] + (b"/" if each[0] == "40000" else b""))


def tree_with(person: Person, *entries: TreeItem, rev: str = "HEAD", without: tuple[bytes, ...] = ()) -> str:
    """The root tree of ``rev`` with these entries in the place of those of the same names."""
    gone = {name for _mode, name, _oid in entries} | set(without)
    kept = [each for each in items(person, rev) if each[1] not in gone]
    return person.objects.tree(in_order([*kept, *entries]))


def commit_with(person: Person, *entries: TreeItem, without: tuple[bytes, ...] = ()) -> str:
    """A commit on the forge's main with these entries at the root."""
    return person.objects.commit(tree_with(person, *entries, rev=person.tip, without=without), person.tip)


def stored(person: Person, objects: Iterable[tuple[str, bytes]]) -> list[str]:
    """Stores many objects as one pack; their names."""
    made = list(objects)
    hash_name = person.repo.hash_name
    data = pack([pack_entry(kind, each) for kind, each in made], hash_name)
    person.repo.git("index-pack", "--stdin", input=data)
    return [name_of(kind, each, hash_name) for kind, each in made]


def name_of(kind: str, data: bytes, hash_name: str = "sha1") -> str:
    """The name of an object."""
    whole = b"%b %d\0%b" % (kind.encode(), len(data), data)
    return hashlib.new(hash_name, whole, usedforsecurity=False).hexdigest()


def raw_commit(tree: str, *parents: str, message: bytes = b"change\n", seconds: int = 1767268800) -> bytes:
    """The bytes of a commit."""
    who = b"Eve <eve@example.com> %d +0000" % seconds
    lines = b"".join(b"parent %b\n" % parent.encode() for parent in parents)
    return b"tree %b\n%bauthor %b\ncommitter %b\n\n%b" % (tree.encode(), lines, who, who, message)


def trailer(person: Person, line: bytes) -> str:
    """A commit trailer that carries a bundle."""
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.trailer import format_inline

    return f"Lfci-Attestation: {format_inline(parse_bundle(line))}"
