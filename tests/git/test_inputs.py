"""The inputs tree is what is left of a tree, as git would write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, lookup, walk
from lfci_gate.git.writer import PackWriter
from lfci_gate.model import ObjectId
from lfci_gate.patterns import PatternSet
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo

FILES = {
    b"flake.nix": (FILE, b"{}"),
    b"flake.lock": (FILE, b"{}"),
    b"README": (FILE, b""),
    b"packages/a/src/x.py": (FILE, b"x"),
    b"packages/a/run": (EXECUTABLE, b""),
    b"packages/a/link": (SYMLINK, b"run"),
    b"packages/a/sub": (GITLINK, b"1" * 40),
    b"packages/b/src/y.py": (FILE, b"y"),
    b"packages/b/flake.nix": (FILE, b"other"),
}


def kept(
    source: MemoryObjects, tree: ObjectId, patterns: list[str], always: tuple[bytes, ...] | None = None
) -> set[bytes]:
    filtered = inputs_tree(source, tree, PatternSet(patterns), *([] if always is None else [always]))
    for kind, data in filtered.new_objects:
        source.add(kind, data)
    return {path for path, _ in walk(source, filtered.oid)}


def test_only_what_the_patterns_match_is_kept_and_the_flake() -> None:
    source = MemoryObjects()
    root = source.files(FILES)
    flake = {b"flake.nix", b"flake.lock"}
    package = {path for path in FILES if path.startswith(b"packages/a/")}
    assert kept(source, root, ["packages/a/**"]) == package | flake
    assert kept(source, root, ["**/*.py"]) == {b"packages/a/src/x.py", b"packages/b/src/y.py"} | flake
    assert kept(source, root, ["packages/", "!packages/b/"]) == package | flake
    assert kept(source, root, ["none"]) == flake
    assert kept(source, root, ["README"], ()) == {b"README"}
    assert kept(source, root, ["README"], (b"packages/b/src/y.py",)) == {b"README", b"packages/b/src/y.py"}


def test_directories_in_which_nothing_can_match_are_not_read() -> None:
    source = MemoryObjects()
    root = source.files(FILES)
    other = lookup(source, root, b"packages/b")
    assert other is not None
    source.reads.clear()
    inputs_tree(source, root, PatternSet(["packages/a/**"]))
    assert other.oid not in source.reads
    assert len(source.reads) == 4


def test_patterns_that_cover_everything_give_the_tree_itself_unread() -> None:
    source = MemoryObjects()
    missing = ObjectId("1" * 40)
    assert inputs_tree(source, missing, PatternSet(["**"])) == (missing, ())
    assert source.reads == []


def test_nothing_left_is_the_empty_tree() -> None:
    source = MemoryObjects()
    root = source.files({b"a/b": (FILE, b"")})
    assert inputs_tree(source, root, PatternSet(["none"])) == (empty_tree("sha1"), (("tree", b""),))
    assert inputs_tree(source, empty_tree("sha1"), PatternSet(["none"])) == (empty_tree("sha1"), ())


def test_unchanged_subtrees_are_no_new_objects() -> None:
    source = MemoryObjects()
    root = source.files(FILES)
    filtered = inputs_tree(source, root, PatternSet(["packages/", "flake.*"]))
    assert [oid_of(kind, data, "sha1") for kind, data in filtered.new_objects] == [filtered.oid]
    assert inputs_tree(source, root, PatternSet(["*", "packages/"])) == (root, ())


def test_modes_and_objects_stay_as_they_are() -> None:
    source = MemoryObjects()
    root = source.files(FILES)
    filtered = inputs_tree(source, root, PatternSet(["packages/a/"]))
    for kind, data in filtered.new_objects:
        source.add(kind, data)
    before = dict(walk(source, root))
    assert all(before[path] == entry for path, entry in walk(source, filtered.oid))


@pytest.mark.parametrize("patterns", [["src/**"], ["**/*.c", "!src/gen/"], ["*"], ["docs/", "src/gen/?.c"]])
def test_git_writes_the_same_tree_from_an_index_of_these_paths(any_repo: Repo, patterns: list[str]) -> None:
    for path in (
        "src/main.c",
        "src/gen/a.c",
        "src/gen/bb.c",
        "docs/x/y.md",
        "Makefile",
        "flake.nix",
        "src.c",
    ):
        any_repo.write(path, path.encode())
    any_repo.write("src/run", mode=0o755)
    (any_repo.path / "docs/link").symlink_to("x")
    any_repo.commit()
    matcher = PatternSet(patterns)
    listing = any_repo.git("ls-tree", "-r", "-z", "HEAD").split(b"\0")[:-1]
    wanted = [
        line
        for line in listing
        if matcher.matches(line.partition(b"\t")[2]) or line.partition(b"\t")[2] == b"flake.nix"
    ]
    index = {"GIT_INDEX_FILE": str(any_repo.path / "other-index")}
    any_repo.git("update-index", "-z", "--index-info", input=b"\0".join([*wanted, b""]), env=index)
    by_git = any_repo.git("write-tree", env=index).decode().strip()
    root = ObjectId(any_repo.line("rev-parse", "HEAD^{tree}"))
    with BatchReader(any_repo.tool) as source:
        filtered = inputs_tree(source, root, matcher)
    assert filtered.oid == by_git
    writer = PackWriter(any_repo.tool)
    for kind, data in filtered.new_objects:
        writer.add(kind, data)
    writer.flush()
    any_repo.git("fsck", "--strict", "--no-dangling", filtered.oid)


_components = st.sampled_from((b"a", b"b", b"c.py", b"flake.nix"))
_paths = st.lists(_components, min_size=1, max_size=4).map(b"/".join)
_texts = ("a/", "**/c.py", "!b/**", "a/*/b", "!a/b/", "**/b/**", "?", "a/b/c.py", "!**/a")
_patterns = st.lists(st.sampled_from(_texts), max_size=4)


@given(st.sets(_paths, max_size=12), _patterns, st.booleans())
def test_pruning_never_changes_what_is_kept(paths: set[bytes], patterns: list[str], always: bool) -> None:
    directories = {path.rsplit(b"/", n)[0] for path in paths for n in range(1, path.count(b"/") + 1)}
    files = paths - directories
    source = MemoryObjects()
    root = source.files({path: (FILE, path) for path in files})
    wanted_always = (b"flake.nix", b"b/flake.nix") if always else ()
    patterns = patterns[next((at for at, each in enumerate(patterns) if each[0] != "!"), len(patterns)) :]
    matcher = PatternSet(patterns)
    wanted = {path for path in files if matcher.matches(path) or path in wanted_always}
    filtered = inputs_tree(source, root, matcher, wanted_always)
    for kind, data in filtered.new_objects:
        source.add(kind, data)
    assert {path for path, _ in walk(source, filtered.oid)} == wanted
    assert filtered.oid == source.files({path: (FILE, path) for path in wanted})


def test_h_bombs_are_stopped_by_counting_and_by_the_length_of_paths() -> None:
    source = MemoryObjects()
    wide = deep = source.tree((FILE, b"f", source.blob()))
    for _ in range(40):
        wide = source.tree((TREE, b"a", wide), (TREE, b"b", wide))
    for _ in range(10_000):
        deep = source.tree((TREE, b"a", deep))
    matcher = PatternSet(["**/f"])
    assert code_of(lambda: inputs_tree(source, wide, matcher, max_entries=10_000)) == "LFCI411"
    assert code_of(lambda: inputs_tree(source, deep, matcher)) == "LFCI401"


def test_a_link_where_a_directory_is_expected_is_kept_on_request() -> None:
    source = MemoryObjects()
    root = source.files(
        {b"tests": (SYMLINK, b"elsewhere"), b"a/tests": (GITLINK, b"1" * 40), b"other": (FILE, b"")}
    )
    below = PatternSet(["tests/**", "**/tests/x"])
    assert inputs_tree(source, root, below, ()).oid == empty_tree("sha1")
    filtered = inputs_tree(source, root, below, (), links=below)
    for kind, data in filtered.new_objects:
        source.add(kind, data)
    assert {path for path, _ in walk(source, filtered.oid)} == {b"tests", b"a/tests"}


def test_h_the_bounds_themselves_are_allowed() -> None:
    source = MemoryObjects()
    tree = source.files(
        {b"a": (FILE, b""), b"d/f": (FILE, b""), b"d/g": (FILE, b""), b"other/x": (FILE, b"")}
    )
    matcher = PatternSet(["d/f"])
    # a, d and other; f and g. What no pattern reaches is not read, and not counted.
    inputs_tree(source, tree, matcher, (), max_entries=5)
    assert code_of(lambda: inputs_tree(source, tree, matcher, (), max_entries=4)) == "LFCI411"
    for length, code in ((4096, None), (4097, "LFCI401")):
        directory = b"d/" + b"x" * (length - 2)
        deep = source.files({directory + b"/f": (FILE, b"")})
        found = code_of(lambda deep=deep: inputs_tree(source, deep, PatternSet(["**/f"])))
        assert found == code


def test_one_empty_directory_less_is_another_tree() -> None:
    """git writes none, another implementation may: nothing of it can match, so it is left out."""
    source = MemoryObjects()
    empty = source.add("tree", b"")
    root = source.tree((FILE, b"a", source.blob(b"")), (TREE, b"e", empty))
    filtered = inputs_tree(source, root, PatternSet(["a", "e/**"]))
    assert filtered.oid == source.tree((FILE, b"a", source.blob(b"")))


def test_a_directory_that_several_places_share_is_filtered_in_each() -> None:
    source = MemoryObjects()
    same = {b"f": (FILE, b"f"), b"g": (FILE, b"g")}
    root = source.files(
        {place + name: value for place in (b"a/", b"b/", b"c/") for name, value in same.items()}
    )
    filtered = inputs_tree(source, root, PatternSet(["*/f", "c/"]), ())
    assert filtered.oid == source.files(
        {b"a/f": (FILE, b"f"), b"b/f": (FILE, b"f"), b"c/f": (FILE, b"f"), b"c/g": (FILE, b"g")}
    )
    assert len(filtered.new_objects) == 2


def test_a_link_that_leads_nowhere_near_the_patterns_is_not_kept() -> None:
    source = MemoryObjects()
    below = PatternSet(["tests/**"])
    found = {
        b"tests": (SYMLINK, b"elsewhere"),
        b"docs": (SYMLINK, b"elsewhere"),
        b"sub": (GITLINK, b"1" * 40),
    }
    filtered = inputs_tree(source, source.files(found), below, (), links=below)
    assert filtered.oid == source.files({b"tests": (SYMLINK, b"elsewhere")})


def test_each_file_that_is_always_kept_is_looked_for_in_its_own_directory() -> None:
    source = MemoryObjects()
    root = source.files(FILES)
    always = (b"flake.nix", b"packages/b/flake.nix")
    assert kept(source, root, ["none"], always) == set(always)


class Ahead(MemoryObjects):
    """Notes what it is asked for in advance."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[ObjectId] = []

    def read_many(self, oids: Iterable[ObjectId], *, limit: int) -> Iterator[None]:
        for oid in oids:
            self.asked.append(oid)
            yield None


def test_only_directories_that_will_be_read_are_asked_for_in_advance() -> None:
    """Not files, which may be large, nor the commits of submodules, which are not there."""
    source = Ahead()
    root = source.files(
        {
            b"a/x": (FILE, b"1"),
            b"b/x": (FILE, b"2"),
            b"other/y": (FILE, b""),
            b"x": (FILE, b"large"),
            b"z": (GITLINK, b"1" * 40),
        }
    )
    inputs_tree(source, root, PatternSet(["a/x", "b/x", "x", "z"]), ())
    found = [lookup(source, root, name) for name in (b"a", b"b")]
    assert source.asked == [each.oid for each in found if each is not None]
