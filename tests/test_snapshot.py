"""A snapshot is a function of the tree, and says all that the project specifies."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate import snapshot
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.git.names import empty_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE
from lfci_gate.lockfiles.names import KNOWN
from lfci_gate.model import ObjectId, Snapshot
from lfci_gate.snapshot import lockfile_facts, take_snapshot
from tests.support.memory_objects import MemoryObjects
from tests.support.repos import make_repo


class Objects(MemoryObjects):
    """Objects in memory; a tree's entry is a file's bytes, or mode and object."""

    def tree_of(self, entries: dict[bytes, tuple[int, ObjectId] | bytes]) -> ObjectId:
        pairs = {
            name: (FILE, self.blob(entry)) if isinstance(entry, bytes) else entry
            for name, entry in entries.items()
        }
        return self.tree(*((mode, name, oid) for name, (mode, oid) in pairs.items()))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FILES = {
    "flake.nix": b"{ }",
    "flake.lock": b"{}",
    ".lfci/config.toml": b"version = 1\n",
    ".lfci/policy.toml": b"version = 7\n",
    "mix.lock": b"%{}",
    "apps/web/package-lock.json": b"{}",
    "apps/web/requirements-dev.txt": b"",
    "apps/web/index.js": b"//",
    "gradle/verification-metadata.xml": b"<v/>",
    "docs/verification-metadata.xml": b"<v/>",
}


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_a_snapshot_names_tree_flake_lockfiles_and_configuration(tmp_path: Path, hash_name: str) -> None:
    repo = make_repo(tmp_path / "repo", hash_name)
    for path, data in FILES.items():
        repo.write(path, data)
    repo.commit()
    with BatchReader(repo.tool) as source:
        taken = take_snapshot(source, ObjectId(repo.line("rev-parse", "HEAD^{tree}")))
        facts = lockfile_facts(source, taken.tree)
    assert taken.tree == repo.line("rev-parse", "HEAD^{tree}")
    assert [file.path for file in taken.flake] == ["flake.lock", "flake.nix"]
    assert [file.path for file in taken.config] == [".lfci/config.toml", ".lfci/policy.toml"]
    assert [file.path for file in taken.lockfiles] == [
        "apps/web/package-lock.json",
        "apps/web/requirements-dev.txt",
        "flake.lock",
        "gradle/verification-metadata.xml",
        "mix.lock",
    ]
    assert all(file.sha256 == sha(FILES[file.path]) for file in taken.flake + taken.config + taken.lockfiles)
    assert [(fact.path, fact.sha256) for fact in facts] == [
        (file.path, file.sha256) for file in taken.lockfiles
    ]
    assert {(fact.pinned, fact.unpinned) for fact in facts} == {(None, None)}


def test_the_same_tree_has_the_same_digest_from_any_reader(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.write("sub/mix.lock", b"%{}")
    repo.write("flake.nix", b"{ }")
    repo.commit()
    objects = Objects()
    memory = objects.tree_of(
        {b"flake.nix": b"{ }", b"sub": (TREE, objects.tree_of({b"mix.lock": b"%{}"}))},
    )
    with BatchReader(repo.tool) as source:
        assert take_snapshot(source, memory) == take_snapshot(objects, memory)


def test_an_empty_tree_has_a_snapshot_of_nothing() -> None:
    taken = take_snapshot(Objects(), empty_tree("sha1"))
    assert (taken.flake, taken.lockfiles, taken.config) == ((), (), ())


def test_a_change_of_any_recorded_file_changes_the_digest() -> None:
    def digest(**changed: bytes) -> str:
        objects = Objects()
        files: dict[str, bytes] = {"mix.lock": b"%{}", "flake.nix": b"{ }", "README": b"", **changed}
        return take_snapshot(objects, objects.tree_of({n.encode(): d for n, d in files.items()})).digest

    digests = {digest(), digest(**{"mix.lock": b""}), digest(**{"flake.nix": b""}), digest(README=b"x")}
    assert len(digests) == 4


def test_links_directories_and_submodules_of_a_lockfiles_name_are_no_lockfiles() -> None:
    objects = Objects()
    tree = objects.tree_of(
        {
            b"mix.lock": (SYMLINK, objects.add("blob", b"/etc/passwd")),
            b"go.sum": (GITLINK, ObjectId("1" * 40)),
            b"yarn.lock": (TREE, objects.tree_of({b"x": b""})),
            b"uv.lock": (EXECUTABLE, objects.add("blob", b"")),
        }
    )
    assert [file.path for file in take_snapshot(objects, tree).lockfiles] == ["uv.lock"]


@pytest.mark.parametrize("path", ["flake.nix", "flake.lock"])
def test_a_flake_that_is_a_link_is_refused(path: str) -> None:
    objects = Objects()
    tree = objects.tree_of({path.encode(): (SYMLINK, objects.add("blob", b"elsewhere"))})
    with pytest.raises(Refusal) as caught:
        take_snapshot(objects, tree)
    assert caught.value.code == "LFCI401"


@pytest.mark.parametrize("name", [b"\xff", b"a\nb", b"\x1b[2J"])
def test_a_lockfile_whose_path_is_not_plain_text_is_refused(name: bytes) -> None:
    objects = Objects()
    tree = objects.tree_of({name: (TREE, objects.tree_of({b"mix.lock": b""}))})
    with pytest.raises(Refusal) as caught:
        take_snapshot(objects, tree)
    assert caught.value.code == "LFCI413"
    assert all(fact.isascii() and fact.isprintable() for fact in caught.value.facts)


def test_a_bomb_of_shared_subtrees_is_refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects()
    tree = objects.tree_of({b"mix.lock": b""})
    for _ in range(30):
        tree = objects.tree_of({b"a": (TREE, tree), b"b": (TREE, tree)})
    with pytest.raises(Refusal) as caught:
        lockfile_facts(objects, tree)
    assert caught.value.code == "LFCI411"


def test_too_many_lockfiles_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_LOCKFILES", 3)
    objects = Objects()
    names = sorted(KNOWN)[:4]
    with pytest.raises(Refusal) as caught:
        lockfile_facts(objects, objects.tree_of(dict.fromkeys(names, b"")))
    assert caught.value.code == "LFCI411"
    assert len(lockfile_facts(objects, objects.tree_of(dict.fromkeys(names[:3], b"")))) == 3


def test_a_path_longer_than_the_system_allows_is_refused() -> None:
    objects = Objects()
    tree = objects.tree_of({b"mix.lock": b""})
    for _ in range(20):
        tree = objects.tree_of({b"d" * 250: (TREE, tree)})
    with pytest.raises(Refusal) as caught:
        lockfile_facts(objects, tree)
    assert caught.value.code == "LFCI401"


@pytest.mark.parametrize(
    "data",
    [
        b"100644 mix.lock",
        b"100644 mix.lock\0" + b"x" * 19,
        b"junk" + b"100644 mix.lock\0" + b"x" * 20,
        b"100644 mix.lock\0" + b"x" * 20 + b"junk",
        b"100644 a/mix.lock\0" + b"x" * 20,
        b"100644 \0" + b"x" * 20,
        b"999999 mix.lock\0" + b"x" * 20,
        b"040000 hidden\0" + b"x" * 20,
        b"40755 hidden\0" + b"x" * 20,
    ],
)
def test_a_malformed_tree_is_refused(data: bytes) -> None:
    objects = Objects()
    tree = objects.add("tree", data)
    with pytest.raises(Refusal) as caught:
        lockfile_facts(objects, tree)
    assert caught.value.code == "LFCI401"


def test_a_blob_in_the_place_of_a_tree_is_refused() -> None:
    objects = Objects()
    tree = objects.tree_of({b"a": (TREE, objects.add("blob", b""))})
    with pytest.raises(Refusal) as caught:
        lockfile_facts(objects, tree)
    assert caught.value.code == "LFCI401"


def test_a_missing_lockfile_is_undecided() -> None:
    objects = Objects()
    with pytest.raises(Undecided) as caught:
        lockfile_facts(objects, objects.tree_of({b"mix.lock": (FILE, ObjectId("1" * 40))}))
    assert caught.value.code == "LFCI501"


@given(st.binary(max_size=120))
def test_any_tree_bytes_give_a_snapshot_or_one_of_our_errors(data: bytes) -> None:
    objects = Objects()
    tree = objects.add("tree", data)
    try:
        assert isinstance(take_snapshot(objects, tree), Snapshot)
    except LfciError as error:
        assert error.code in {"LFCI401", "LFCI411", "LFCI412", "LFCI413", "LFCI501"}  # noqa: PT017
