"""Notes trees: read strictly, written as `git notes` writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.errors import Refusal
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.notes import list_notes, read_note, updated_notes_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import EXECUTABLE, FILE, SYMLINK, TREE, read_tree
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo


def target(number: int, hash_name: str = "sha1") -> ObjectId:
    """Evenly spread names, as those of objects are."""
    return ObjectId(hashlib.new(hash_name, b"%d" % number, usedforsecurity=False).hexdigest())


def some(numbers: Iterable[int], hash_name: str = "sha1") -> dict[ObjectId, bytes]:
    return {target(number, hash_name): b"note %d\n" % number for number in numbers}


def contents(source: MemoryObjects | BatchReader, tree: ObjectId) -> dict[ObjectId, bytes]:
    return {name: source.read(blob).data for name, blob in list_notes(source, tree)}


# -- reading what git writes -----------------------------------------------------------------------


def git_notes(repo: Repo, names: list[ObjectId], text: bytes = b"x\n") -> ObjectId:
    """The tree after `git notes` itself has noted ``text`` for all of ``names``."""
    blob = repo.git("hash-object", "-w", "--stdin", input=text).decode().strip()
    repo.git("notes", "--ref=refs/notes/git", "add", "-f", "-C", blob, names[0])
    pairs = "".join(f"{names[0]} {name}\n" for name in names[1:])
    repo.git("notes", "--ref=refs/notes/git", "copy", "-f", "--stdin", input=pairs.encode())
    return ObjectId(repo.line("rev-parse", "refs/notes/git^{tree}"))


def real_objects(repo: Repo, count: int) -> list[ObjectId]:
    """Names of objects that exist, since `git notes` notes nothing else."""
    blobs = b"".join(b"blob\ndata %d\n%d\n" % (len(str(each)), each) for each in range(count))
    repo.git("fast-import", "--quiet", input=blobs)
    listing = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return [ObjectId(line) for line in listing.decode().split()[:count]]


@pytest.mark.parametrize("count", [1, 95, 5000])
def test_notes_that_git_wrote_are_read(any_repo: Repo, count: int) -> None:
    names = real_objects(any_repo, count)
    wanted = dict.fromkeys(names, b"all\n")
    git_notes(any_repo, names, b"all\n")
    for name in names[-2:]:
        any_repo.git("notes", "--ref=refs/notes/git", "add", "-f", "-m", f"by hand {name}", name)
        wanted[name] = f"by hand {name}\n".encode()
    tree = ObjectId(any_repo.line("rev-parse", "refs/notes/git^{tree}"))
    with BatchReader(any_repo.tool) as source:
        hashed = {name: oid_of("blob", data, any_repo.hash_name) for name, data in wanted.items()}
        assert dict(list_notes(source, tree)) == hashed
        for name in (names[0], names[-1]):
            blob = read_note(source, tree, name)
            assert blob is not None
            assert source.read(blob).data == wanted[name]
        assert read_note(source, tree, target(-1, any_repo.hash_name)) is None


# -- writing what git reads, and exactly what it writes ---------------------------------------------


@pytest.mark.parametrize("count", [1, 95, 5000])
def test_notes_that_we_wrote_are_read_by_git(any_repo: Repo, count: int) -> None:
    names = real_objects(any_repo, count)
    wanted = {name: b'{"note": "%s"}\n' % name.encode() for name in names}
    writer = PackWriter(any_repo.tool)
    with BatchReader(any_repo.tool) as source:
        tree = updated_notes_tree(source, None, wanted, writer.add)
    writer.flush()
    commit = any_repo.line("commit-tree", "-m", "notes", tree)
    any_repo.git("update-ref", "refs/notes/ours", commit)
    listed = any_repo.git("notes", "--ref=refs/notes/ours", "list").decode().split()
    assert sorted(listed[1::2]) == sorted(wanted)
    assert any_repo.git("notes", "--ref=refs/notes/ours", "show", names[-1]) == wanted[names[-1]]


@pytest.mark.parametrize("count", [1, 31, 95, 200, 5000])
def test_the_fan_out_is_the_one_that_git_writes(any_repo: Repo, count: int) -> None:
    names = real_objects(any_repo, count)
    source = MemoryObjects(any_repo.hash_name)
    assert updated_notes_tree(source, None, dict.fromkeys(names, b"x\n"), source.add) == git_notes(
        any_repo, names
    )


@pytest.mark.parametrize("steps", [[30, 40, 400, 9000], [1] * 60])
def test_growing_step_by_step_gives_what_git_writes(repo: Repo, steps: list[int]) -> None:
    names = real_objects(repo, sum(steps))
    source = MemoryObjects()
    tree = None
    start = 0
    for step in steps:
        more = names[start : start + step]
        tree = updated_notes_tree(source, tree, dict.fromkeys(more, b"x\n"), source.add)
        start += step
        if len(steps) < 10:
            assert tree == git_notes(repo, names[:start])
    assert tree == git_notes(repo, names)


_steps = st.lists(st.dictionaries(st.integers(0, 800), st.binary(max_size=3), max_size=40), max_size=4)


@settings(max_examples=30)
@given(st.integers(0, 500), _steps)
def test_what_is_written_is_read_back(first: int, steps: list[dict[int, bytes]]) -> None:
    source = MemoryObjects()
    wanted = some(range(first))
    tree = updated_notes_tree(source, None, wanted, source.add)
    for step in steps:
        change = {target(number): data for number, data in step.items()}
        wanted.update(change)
        tree = updated_notes_tree(source, tree, change, source.add)
    assert contents(source, tree) == wanted
    assert [name for name, _ in list_notes(source, tree)] == sorted(wanted)
    at_once = MemoryObjects()
    assert tree == updated_notes_tree(at_once, None, wanted, at_once.add)


def test_no_change_is_the_same_tree_and_no_notes_are_the_empty_tree() -> None:
    source = MemoryObjects()
    tree = updated_notes_tree(source, None, some(range(50)), source.add)
    source.reads.clear()
    assert updated_notes_tree(source, tree, {}, source.add) == tree
    assert source.reads == []
    assert updated_notes_tree(source, tree, some(range(10)), source.add) == tree
    assert updated_notes_tree(source, None, {}, source.add) == empty_tree("sha1")


def test_a_fold_into_many_notes_touches_only_its_own_directories() -> None:
    source = MemoryObjects()
    tree = updated_notes_tree(source, None, some(range(30_000)), source.add)
    source.reads.clear()
    added: list[str] = []

    def add(kind: str, data: bytes) -> ObjectId:
        added.append(kind)
        return source.add(kind, data)

    updated = updated_notes_tree(source, tree, some(range(30_000, 30_010)), add)
    assert len(source.reads) <= 1 + 2 * 10
    assert len(added) <= 10 + 1 + 2 * 10
    source.reads.clear()
    assert read_note(source, updated, target(30_003)) is not None
    assert len(source.reads) <= 3


def test_a_flat_tree_of_another_implementation_is_fanned_out(repo: Repo) -> None:
    source = MemoryObjects()
    blob = source.blob(b"x")
    flat = source.tree(*((FILE, target(each).encode(), blob) for each in range(5000)))
    updated = updated_notes_tree(source, flat, {target(0): b"new"}, source.add)
    assert len(read_tree(source, updated)) == 256
    assert len(contents(source, updated)) == 5000


def test_a_fan_out_that_exists_is_kept_and_loose_notes_beside_it_move_into_it() -> None:
    source = MemoryObjects()
    blob = source.blob(b"x")
    one, other = ObjectId("ab" + "1" * 38), ObjectId("cd" + "2" * 38)
    below = source.tree((FILE, one[2:].encode(), blob))
    mixed = source.tree((TREE, b"ab", below), (FILE, other.encode(), blob))
    assert contents(source, mixed) == {one: b"x", other: b"x"}
    updated = updated_notes_tree(source, mixed, {ObjectId("ab" + "3" * 38): b"y"}, source.add)
    assert [entry.name for entry in read_tree(source, updated)] == [b"ab", b"cd"]
    assert len(contents(source, updated)) == 3


# -- what git does not write ------------------------------------------------------------------------

NAME = ObjectId("abcdef" + "0" * 34)


def hostile(source: MemoryObjects) -> dict[str, ObjectId]:
    blob = source.blob(b"x")
    full, rest = NAME.encode(), NAME[2:].encode()
    below = source.tree((FILE, rest, blob))
    return {
        "the same note flat and fanned out": source.tree((TREE, b"ab", below), (FILE, full, blob)),
        "the same note at two depths": source.tree(
            (TREE, b"ab", source.tree((TREE, b"cd", source.tree((FILE, rest[2:], blob))), (FILE, rest, blob)))
        ),
        "upper case": source.tree((FILE, full.upper(), blob)),
        "upper-case directory": source.tree((TREE, b"AB", below)),
        "a note that is executable": source.tree((EXECUTABLE, full, blob)),
        "a note that is a symlink": source.tree((SYMLINK, full, blob)),
        "a note that is a directory": source.tree((TREE, full, below)),
        "a directory that is a file": source.tree((FILE, b"ab", blob)),
        "a name too short": source.tree((FILE, full[:-1], blob)),
        "a name too long": source.tree((FILE, full + b"0", blob)),
        "another file": source.tree((FILE, b"README", blob)),
        "another file below": source.tree((TREE, b"ab", source.tree((FILE, b"x", blob)))),
        "a note of the other hash": source.tree((FILE, b"a" * 64, blob)),
    }


@pytest.mark.parametrize("what", hostile(MemoryObjects()))
def test_g_entries_that_git_does_not_write_are_refused(what: str) -> None:
    source = MemoryObjects()
    tree = hostile(source)[what]
    assert code_of(lambda: read_note(source, tree, NAME)) == "LFCI410"
    assert code_of(lambda: list(list_notes(source, tree))) == "LFCI410"
    assert code_of(lambda: updated_notes_tree(source, tree, {NAME: b"y"}, source.add)) == "LFCI410"


@pytest.mark.parametrize(("name", "told"), [(b"README", "abREADME"), (b"Z" * 100, "ab" + "Z" * 80)])
def test_a_refusal_tells_which_entry_with_the_digits_above_it(name: bytes, told: str) -> None:
    source = MemoryObjects()
    tree = source.tree((TREE, b"ab", source.tree((FILE, name, source.blob()))))
    with pytest.raises(Refusal) as refused:
        list(list_notes(source, tree))
    assert refused.value.message.endswith(f" like {told}")


def test_g_git_itself_joins_a_note_that_is_listed_twice(repo: Repo) -> None:
    """Why the rule is there."""
    name = repo.commit()
    one, two = (repo.git("hash-object", "-w", "--stdin", input=data).strip() for data in (b"one\n", b"two\n"))
    below = repo.git("mktree", input=b"100644 blob " + two + b"\t" + name[2:].encode() + b"\n").strip()
    listing = (
        b"040000 tree " + below + b"\t" + name[:2].encode() + b"\n100644 blob " + one + b"\t" + name.encode()
    )
    tree = repo.git("mktree", input=listing + b"\n").decode().strip()
    repo.git("update-ref", "refs/notes/twice", repo.line("commit-tree", "-m", "notes", tree))
    assert set(repo.git("notes", "--ref=refs/notes/twice", "show", name).split()) == {b"one", b"two"}
    with BatchReader(repo.tool) as source:
        assert code_of(lambda: read_note(source, ObjectId(tree), ObjectId(name))) == "LFCI410"


def test_h_a_fan_out_that_unfolds_without_end_is_stopped() -> None:
    source = MemoryObjects()
    tree = source.tree((FILE, b"00", source.blob(b"x")))
    for _ in range(19):
        tree = source.tree(*((TREE, b"%02x" % each, tree) for each in range(256)))
    assert code_of(lambda: list(list_notes(source, tree, max_notes=10_000))) == "LFCI411"
    deeper = source.tree((TREE, b"00", tree))
    assert read_note(source, tree, ObjectId("0" * 40)) is not None
    assert code_of(lambda: read_note(source, deeper, ObjectId("0" * 40))) == "LFCI410"


def test_only_names_of_objects_are_noted() -> None:
    with pytest.raises(ValueError, match="not the name"):
        updated_notes_tree(MemoryObjects(), None, {ObjectId("ab"): b""}, MemoryObjects().add)


# -- the bounds themselves --------------------------------------------------------------------------


def test_h_notes_and_directories_are_counted_up_to_the_bound() -> None:
    source = MemoryObjects()
    blob = source.blob(b"x")
    below = source.tree((FILE, b"1" * 38, blob), (FILE, b"2" * 38, blob))
    tree = source.tree((TREE, b"ab", below), (FILE, b"c" * 40, blob))
    assert len(list(list_notes(source, tree, max_notes=4))) == 3
    assert code_of(lambda: list(list_notes(source, tree, max_notes=3))) == "LFCI411"


def spread(times: int, but: str = "") -> list[ObjectId]:
    """So many names for each first digit, but one less for the digit ``but``."""
    return [
        ObjectId(f"{digit}{number:039x}")
        for digit in "0123456789abcdef"
        for number in range(times - (digit == but))
    ]


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (spread(2), True),
        (spread(2, "f"), False),
        (spread(2, "0"), False),
        (spread(1), False),
        (spread(3)[:-2], False),
    ],
)
def test_a_directory_is_split_when_each_digit_has_two_notes(names: list[ObjectId], split: bool) -> None:
    source = MemoryObjects()
    tree = updated_notes_tree(source, None, dict.fromkeys(names, b"x"), source.add)
    assert [len(entry.name) for entry in read_tree(source, tree)] == (
        [2] * 16 if split else [40] * len(names)
    )


def test_a_directory_of_the_last_two_digits_is_not_split_again() -> None:
    """Names are used up there, however many notes it holds."""
    source = MemoryObjects()
    tree = source.tree((FILE, b"00", source.blob(b"x")))
    for _ in range(19):
        tree = source.tree((TREE, b"ab", tree))
    names = [ObjectId("ab" * 19 + f"{number:02x}") for number in range(256)]
    updated = updated_notes_tree(source, tree, dict.fromkeys(names, b"y"), source.add)
    assert contents(source, updated) == dict.fromkeys(names, b"y")
