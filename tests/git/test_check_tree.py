"""Rule 5: a pushed tree is safe for every client, or refused with its path."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git import check_entries
from lfci_gate.git import check_tree as check_tree_module
from lfci_gate.git.check_tree import check_tree
from lfci_gate.git.names import empty_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import EXECUTABLE, FILE, GITLINK, MAX_PATH_BYTES, SYMLINK, TREE
from lfci_gate.model import ObjectId
from tests.support.memory_objects import MemoryObjects
from tests.support.outcomes import code_of
from tests.support.repos import Repo

ONES = b"1" * 40


@pytest.fixture
def source() -> MemoryObjects:
    return MemoryObjects()


def refused(call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value


# -- parts 1 to 4: form, names, collisions, modes ------------------------------------------------


def test_rule_05_an_ordinary_tree_is_accepted(source: MemoryObjects) -> None:
    check_tree(
        source,
        source.files(
            {
                b".gitignore": (FILE, b"*.o\n"),
                b".gitattributes": (FILE, b"* text=auto\n"),
                b".lfci/config.toml": (FILE, b""),
                b".lfci/hooks/x": (FILE, b""),
                b"flake.nix": (FILE, b""),
                b"flake.lock": (FILE, b""),
                b"bin/run": (EXECUTABLE, b""),
                b"docs/current": (SYMLINK, b"../README"),
                b"docs/flake.nix": (SYMLINK, b"../flake.nix"),
                b"README": (FILE, b""),
            }
        ),
    )
    check_tree(source, empty_tree("sha1"))


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("name", [b".git", b".GIT ", b"git~1", b"..", b".", b"a\\..\\b", b".g\xe2\x80\x8cit"])
def test_rule_05_unsafe_names_are_refused_at_any_depth(
    source: MemoryObjects, name: bytes, depth: int
) -> None:
    for tree in (source.tree((FILE, name, source.blob())), source.tree((TREE, name, empty_tree("sha1")))):
        for level in range(depth):
            tree = source.tree((TREE, b"d%d" % level, tree))
        refusal = refused(lambda tree=tree: check_tree(source, tree))
        assert refusal.code == "LFCI401"
        assert refusal.message.isascii()
        assert refusal.message.isprintable()


def test_rule_05_a_malformed_tree_deep_inside_is_refused(source: MemoryObjects) -> None:
    bad = source.add("tree", b"100644 b\0" + b"\1" * 20 + b"100644 a\0" + b"\1" * 20)
    root = source.tree((TREE, b"a", source.tree((TREE, b"b", bad))))
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


@pytest.mark.parametrize("mode", [0o100664, 0o100600, 0o40755, 0o20644, 0o100777, 0o1, 0o160001, 0o120777])
def test_rule_05_odd_modes_are_refused(source: MemoryObjects, mode: int) -> None:
    root = source.tree((mode, b"odd", source.blob()))
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


def test_rule_05_submodules_are_refused_unless_allowed(source: MemoryObjects) -> None:
    root = source.files({b"lib/sub": (GITLINK, ONES)})
    refusal = refused(lambda: check_tree(source, root))
    assert refusal.code == "LFCI407"
    assert "lib/sub" in refusal.message
    check_tree(source, root, gitlinks=True)


def test_rule_05_names_that_are_one_file_somewhere_are_refused(source: MemoryObjects) -> None:
    for one, other in ((b"a/Makefile", b"a/makefile"), ("é".encode(), b"e\xcc\x81")):
        root = source.files({one: (FILE, b"1"), other: (FILE, b"2")})
        assert refused(lambda root=root: check_tree(source, root)).code == "LFCI401"
    check_tree(source, source.files({b"a/Makefile": (FILE, b""), b"b/makefile": (FILE, b"")}))


# -- part 5: symlinks and git's own files ---------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "target", "safe"),
    [
        (b"a/b/link", b"../../x", True),
        (b"a/b/link", b"../../../x", False),
        (b"link", b"..", False),
        (b"a/link", b"..", True),
        (b"link", b"/etc/passwd", False),
        (b"a/link", b"../.git/config", False),
        (b"a/link", b"x/../../..", False),
        (b"a/link", b"dangling/anywhere", True),
    ],
)
def test_rule_05_symlinks_stay_inside_the_tree(
    source: MemoryObjects, path: bytes, target: bytes, safe: bool
) -> None:
    root = source.files({path: (SYMLINK, target)})
    if safe:
        check_tree(source, root)
    else:
        refusal = refused(lambda: check_tree(source, root))
        assert refusal.code == "LFCI401"
        assert path.decode() in refusal.message


def test_rule_05_one_subtree_may_be_safe_deep_and_unsafe_higher(source: MemoryObjects) -> None:
    """What is remembered of a subtree holds for its object, not for where it was first seen."""
    shared = source.files({b"s/link": (SYMLINK, b"../../../target")})
    deep = source.tree((TREE, b"a", source.tree((TREE, b"b", shared))))
    check_tree(source, deep)
    for higher in (b"0", b"z"):
        both = source.tree((TREE, b"a", source.tree((TREE, b"b", shared))), (TREE, higher, shared))
        refusal = refused(lambda both=both: check_tree(source, both))
        assert refusal.code == "LFCI401"
        assert f"{higher.decode()}/s/link" in refusal.message


def test_rule_05_a_symlink_target_over_the_limit_is_refused_without_more(source: MemoryObjects) -> None:
    root = source.files({b"link": (SYMLINK, b"x" * 5000)})
    assert refused(lambda: check_tree(source, root)).code == "LFCI412"


@pytest.mark.parametrize("name", [b".gitmodules", b".GitAttributes", b".gitignore", b".mailmap", b"gitmod~1"])
def test_rule_05_symlinks_named_like_gits_own_files_are_refused(source: MemoryObjects, name: bytes) -> None:
    root = source.files({b"x/" + name: (SYMLINK, b"elsewhere")})
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


def test_rule_05_dangerous_gitmodules_are_refused_wherever_they_are(source: MemoryObjects) -> None:
    for path in (b".gitmodules", b"a/.gitmodules", b".GITMODULES", b"gi7eba~1"):
        for mode in (FILE, EXECUTABLE):
            root = source.files({path: (mode, b'[submodule "../x"]\n')})
            assert refused(lambda root=root: check_tree(source, root)).code == "LFCI401"
    directory = source.files({b".gitmodules/x": (FILE, b"")})
    assert refused(lambda: check_tree(source, directory)).code == "LFCI401"
    attributes = source.files({b"a/.gitattributes": (FILE, b"x" * 3000)})
    assert refused(lambda: check_tree(source, attributes)).code == "LFCI401"


def test_rule_05_what_is_harmless_under_one_name_is_judged_again_under_another(source: MemoryObjects) -> None:
    evil = b'[submodule "../x"]\n'
    assert refused(
        lambda: check_tree(
            source, source.files({b".gitattributes": (FILE, evil), b".gitmodules": (FILE, evil)})
        )
    ).message.startswith(".gitmodules")


# -- part 6: files that decide about checks -------------------------------------------------------


@pytest.mark.parametrize("path", [b"flake.nix", b"flake.lock", b".lfci/config.toml", b".lfci/a/b"])
@pytest.mark.parametrize("mode", [EXECUTABLE, SYMLINK, GITLINK])
def test_rule_05_files_that_decide_are_plain(source: MemoryObjects, path: bytes, mode: int) -> None:
    root = source.files({path: (mode, ONES), b"other": (FILE, b"")})
    for landed in (None, source.files({b"other": (FILE, b"")}), root):
        refusal = refused(lambda landed=landed: check_tree(source, root, landed=landed, gitlinks=True))
        assert refusal.code == "LFCI401"
        assert path.decode() in refusal.message


@pytest.mark.parametrize(
    "path", [b".LFCI/config.toml", b"Flake.nix", b"flake.lOCK", b".lf\xe2\x80\x8cci/x", b".lfci"]
)
def test_rule_05_another_spelling_of_these_files_is_refused(source: MemoryObjects, path: bytes) -> None:
    root = source.files({path: (FILE, b"")})
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


@pytest.mark.parametrize("mode", [FILE, EXECUTABLE, SYMLINK, GITLINK])
def test_rule_05_only_a_directory_stands_where_the_configuration_is(source: MemoryObjects, mode: int) -> None:
    """A submodule too, whose commit nobody here can read, is refused and not left undecided."""
    root = source.files({b".lfci": (mode, ONES)})
    refusal = refused(lambda: check_tree(source, root, gitlinks=True))
    assert (refusal.code, ".lfci: must be a directory" in refusal.message) == ("LFCI401", True)


@pytest.mark.parametrize("name", [b".gitmodules", b".gitattributes"])
def test_rule_05_a_submodule_or_directory_named_like_gits_own_files_is_refused(
    source: MemoryObjects, name: bytes
) -> None:
    for root in (source.files({name: (GITLINK, ONES)}), source.files({name + b"/x": (FILE, b"")})):
        refusal = refused(lambda root=root: check_tree(source, root, gitlinks=True))
        assert (refusal.code, "not a file" in refusal.message) == ("LFCI401", True)


def test_rule_05_a_directory_in_place_of_the_flake_is_refused(source: MemoryObjects) -> None:
    root = source.files({b"flake.nix/default.nix": (FILE, b"")})
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


# -- what landed is passed over ------------------------------------------------------------------


def test_rule_05_what_landed_at_the_same_path_is_not_read_again(source: MemoryObjects) -> None:
    files = {b"d%d/e%d/f" % (one, two): (FILE, b"%d" % two) for one in range(10) for two in range(10)}
    landed = source.files(files)
    root = source.files({**files, b"d3/e4/new": (FILE, b"new")})
    source.reads.clear()
    check_tree(source, root, landed=landed)
    assert len(source.reads) <= 8


def test_rule_05_what_landed_unsafe_is_not_held_against_a_push_that_leaves_it(source: MemoryObjects) -> None:
    old = {
        b"a/out": (SYMLINK, b"/etc"),
        b"a/X.h": (FILE, b""),
        b"a/x.h": (FILE, b""),
        b"a/sub": (GITLINK, ONES),
    }
    landed = source.files(old)
    check_tree(source, source.files({**old, b"a/new": (FILE, b"")}), landed=landed)
    check_tree(source, landed, landed=landed)


@pytest.mark.parametrize(
    "change",
    [
        {b"a/out": (SYMLINK, b"/usr")},
        {b"b/out": (SYMLINK, b"/etc")},
        {b"a/x.H": (FILE, b"")},
        {b"a/sub": (GITLINK, b"2" * 40)},
        {b"c": (SYMLINK, b"../x")},
        {b"a/deep/s/link": (SYMLINK, b"../../../../x")},
        {b"a/.git/config": (FILE, b"")},
        {b"a/plain": (0o100664, b"")},
    ],
)
def test_rule_05_what_is_new_or_changed_is_judged(
    source: MemoryObjects, change: dict[bytes, tuple[int, bytes]]
) -> None:
    old = {
        b"a/out": (SYMLINK, b"/etc"),
        b"a/x.h": (FILE, b""),
        b"a/plain": (FILE, b""),
        b"a/sub": (GITLINK, ONES),
        b"b/z": (FILE, b""),
    }
    landed = source.files(old)
    root = source.files({**old, **change})
    assert code_of(lambda: check_tree(source, root, landed=landed)) in ("LFCI401", "LFCI407")
    assert code_of(lambda: check_tree(source, root)) in ("LFCI401", "LFCI407")


def test_rule_05_a_subtree_that_landed_elsewhere_is_judged_at_its_new_place(source: MemoryObjects) -> None:
    shared = {b"s/link": (SYMLINK, b"../../x")}
    landed = source.files({b"a/" + path: value for path, value in shared.items()})
    moved = source.files({**{b"a/" + path: value for path, value in shared.items()}, **shared})
    assert refused(lambda: check_tree(source, moved, landed=landed)).code == "LFCI401"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({b"a": (FILE, b"")}, {b"a/x": (FILE, b"")}),
        ({b"a": (SYMLINK, b"other")}, {b"a/x": (FILE, b"")}),
        ({b"a/x": (FILE, b"")}, {b"a": (FILE, b"")}),
        ({b"a/x": (FILE, b"")}, {b"a": (SYMLINK, b"other")}),
        ({b"d/x": (FILE, b"")}, {b"d/x": (FILE, b""), b"d/link": (SYMLINK, b"../other")}),
        ({b"d/x": (FILE, b"")}, {b"d/x": (EXECUTABLE, b"")}),
        ({b"d/x": (FILE, b"")}, {}),
    ],
)
def test_rule_05_an_ordinary_change_of_what_landed_is_accepted(
    source: MemoryObjects, was: dict[bytes, tuple[int, bytes]], now: dict[bytes, tuple[int, bytes]]
) -> None:
    rest = {b"other": (FILE, b"")}
    check_tree(source, source.files({**rest, **now}), landed=source.files({**rest, **was}))


def test_rule_05_a_name_that_landed_may_get_other_contents(source: MemoryObjects) -> None:
    """The name is no news; a new name like it is refused."""
    landed, root = (source.files({b"d/x\\": (FILE, data)}) for data in (b"1", b"2"))
    check_tree(source, root, landed=landed)
    root = source.files({b"d/x\\": (FILE, b"2"), b"d/y\\": (FILE, b"2")})
    assert refused(lambda: check_tree(source, root, landed=landed)).message.startswith("d/y")


def test_rule_05_what_git_only_reads_as_text_may_say_anything(source: MemoryObjects) -> None:
    """Unlike .gitmodules and .gitattributes: a long line does not matter, nor a directory of the name."""
    for name in (b".gitignore", b".mailmap"):
        check_tree(source, source.files({name: (FILE, b"x" * 5000)}))
        check_tree(source, source.files({name + b"/x": (FILE, b"")}))


def test_rule_05_a_file_that_became_a_directory_is_judged(source: MemoryObjects) -> None:
    landed = source.files({b"a": (FILE, b"")})
    root = source.files({b"a/.git": (FILE, b"")})
    assert refused(lambda: check_tree(source, root, landed=landed)).code == "LFCI401"


_paths = st.lists(st.sampled_from((b"a", b"b", b"B", b".git", b"l")), min_size=1, max_size=3).map(b"/".join)
_values = st.sampled_from(((FILE, b""), (FILE, b"1"), (SYMLINK, b"../.."), (SYMLINK, b"a"), (GITLINK, ONES)))


def tree_of(source: MemoryObjects, files: dict[bytes, tuple[int, bytes]]) -> ObjectId:
    directories = {path.rsplit(b"/", n)[0] for path in files for n in range(1, path.count(b"/") + 1)}
    return source.files({path: value for path, value in files.items() if path not in directories})


@given(st.dictionaries(_paths, _values, max_size=6), st.dictionaries(_paths, _values, max_size=6))
def test_rule_05_from_a_safe_landed_tree_the_short_way_judges_like_the_whole(
    old: dict[bytes, tuple[int, bytes]], new: dict[bytes, tuple[int, bytes]]
) -> None:
    source = MemoryObjects()
    landed, root = tree_of(source, old), tree_of(source, {**old, **new})
    if code_of(lambda: check_tree(source, landed)) is None:
        whole = code_of(lambda: check_tree(source, root))
        short = code_of(lambda: check_tree(source, root, landed=landed))
        assert (short is None) == (whole is None)


# -- part 7: bombs ---------------------------------------------------------------------------------


def test_h_a_tree_bomb_is_refused_after_reading_each_tree_once(source: MemoryObjects) -> None:
    tree = source.tree((FILE, b"f", source.blob()))
    for _ in range(60):
        tree = source.tree(*((TREE, b"%d" % each, tree) for each in range(10)))
    refusal = refused(lambda: check_tree(source, tree))
    assert refusal.code == "LFCI411"
    assert len(source.reads) <= 61


def test_h_a_tree_bomb_beside_landed_trees_is_refused_quickly(source: MemoryObjects) -> None:
    one = source.tree((FILE, b"f", source.blob(b"1")))
    other = source.tree((FILE, b"f", source.blob(b"2")))
    for _ in range(40):
        one = source.tree((TREE, b"a", one), (TREE, b"b", one))
        other = source.tree((TREE, b"a", other), (TREE, b"b", other))
    check_tree(source, other, landed=one)
    assert len(source.reads) <= 2 * 41 + 1
    refusal = refused(lambda: check_tree(source, source.tree((TREE, b"new", other)), landed=one))
    assert refusal.code == "LFCI411"


def test_h_shared_subtrees_are_counted_as_often_as_they_unfold(source: MemoryObjects) -> None:
    shared = source.files({b"a": (FILE, b""), b"b": (FILE, b"")})
    root = source.tree(*((TREE, b"%d" % each, shared) for each in range(10)))
    check_tree(source, root, max_entries=30)
    assert refused(lambda: check_tree(source, root, max_entries=29)).code == "LFCI411"


def test_h_a_deep_chain_is_refused_without_reading_it_all(source: MemoryObjects) -> None:
    tree = source.tree((FILE, b"f", source.blob()))
    for _ in range(50_000):
        tree = source.tree((TREE, b"a", tree))
    assert refused(lambda: check_tree(source, tree)).code == "LFCI401"
    assert len(source.reads) < MAX_PATH_BYTES


def test_h_a_path_that_is_long_only_where_a_subtree_is_reused_is_refused(source: MemoryObjects) -> None:
    long = b"x" * 200
    shared = nested = source.files({b"/".join([long] * 15): (FILE, b"")})
    check_tree(source, source.tree((TREE, b"a", shared)))
    for _ in range(6):
        nested = source.tree((TREE, long, nested))
    root = source.tree((TREE, b"a", shared), (TREE, b"b", nested))
    assert refused(lambda: check_tree(source, root)).code == "LFCI401"


def test_h_limits_on_trees_and_symlinks_hold(source: MemoryObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_tree_module, "MAX_TREES", 10)
    monkeypatch.setattr(check_entries, "MAX_BLOBS", 10)
    trees = source.files({b"%d/%d" % (each, each): (FILE, b"") for each in range(12)})
    assert refused(lambda: check_tree(source, trees)).code == "LFCI411"
    links = source.files({b"%d" % each: (SYMLINK, b"%d" % each) for each in range(12)})
    assert refused(lambda: check_tree(source, links)).code == "LFCI411"
    same = source.files({b"%d/x" % each: (SYMLINK, b"y") for each in range(12)})
    check_tree(source, same)


def long_path(length: int) -> bytes:
    """A path of so many bytes, a bit over 4020, whose names any file system takes."""
    return b"/".join([b"x" * 200] * 20 + [b"y" * (length - 4020)])


@pytest.mark.parametrize(
    "beside", [b"other", b"x" * 200 + b"/other", b"/".join([b"x" * 200] * 20) + b"/other"]
)
def test_h_a_path_of_4096_bytes_is_accepted_and_one_byte_more_is_not(
    source: MemoryObjects, beside: bytes
) -> None:
    """The same answer for a whole tree and for what is new beside something that landed."""
    old = {beside: (FILE, b"")}
    for length, code in ((4096, None), (4097, "LFCI401")):
        root = source.files({**old, long_path(length): (FILE, b"")})
        for landed in (None, source.files(old)):
            assert code_of(lambda root=root, landed=landed: check_tree(source, root, landed=landed)) == code


def test_h_a_directory_whose_path_is_too_long_is_refused_though_it_holds_nothing(
    source: MemoryObjects,
) -> None:
    *above, last = long_path(4097).split(b"/")
    tree = source.tree((TREE, last, empty_tree("sha1")))
    for name in reversed(above):
        tree = source.tree((TREE, name, tree))
    assert code_of(lambda: check_tree(source, tree)) == "LFCI401"


def test_an_empty_directory_adds_nothing_to_its_path(source: MemoryObjects) -> None:
    """git writes none, another implementation may."""
    *above, last = long_path(4095).split(b"/")
    tree = source.tree((TREE, last, empty_tree("sha1")))
    for name in reversed(above):
        tree = source.tree((TREE, name, tree))
    check_tree(source, tree)


def test_rule_05_the_link_that_leaves_the_tree_is_named_and_not_its_neighbour(source: MemoryObjects) -> None:
    inside = {b"d/a": (SYMLINK, b"../x"), b"d/e/a": (SYMLINK, b"../../x")}
    for bad in (b"d/b", b"d/e/b"):
        root = source.files({**inside, bad: (SYMLINK, b"../../../x")})
        assert refused(lambda root=root: check_tree(source, root)).message.startswith(f"{bad.decode()}: ")


def test_h_a_long_path_whose_directories_landed_is_refused_where_a_file_of_it_changes(
    source: MemoryObjects,
) -> None:
    path = long_path(4097)
    landed, root = (source.files({path: (FILE, data)}) for data in (b"1", b"2"))
    assert code_of(lambda: check_tree(source, root, landed=landed)) == "LFCI401"
    above = path.rpartition(b"/")[0] + b"/" + b"z" * 200
    landed, root = (source.files({above + b"/f": (FILE, data)}) for data in (b"1", b"2"))
    refusal = refused(lambda: check_tree(source, root, landed=landed))
    assert (refusal.code, "a path longer than 4096 bytes" in refusal.message) == ("LFCI401", True)


def test_h_no_directory_is_read_whose_path_is_too_long_though_it_only_lost_something(
    source: MemoryObjects,
) -> None:
    above = long_path(4097)
    old = {above + b"/f": (FILE, b""), above + b"/g": (FILE, b"")}
    landed, root = source.files(old), source.files({above + b"/f": (FILE, b"")})
    assert refused(lambda: check_tree(source, root, landed=landed)).code == "LFCI401"


def test_h_what_is_new_is_counted_with_all_below_it_up_to_the_bound(source: MemoryObjects) -> None:
    old = {b"same/a": (FILE, b""), b"d/a": (FILE, b""), b"e/a": (FILE, b"")}
    landed = source.files(old)
    # d, d/new, d/new/x, d/new/y; e, e/a.
    root = source.files({**old, b"d/new/x": (FILE, b""), b"d/new/y": (FILE, b""), b"e/a": (FILE, b"changed")})
    check_tree(source, root, landed=landed, max_entries=6)
    refusal = refused(lambda: check_tree(source, root, landed=landed, max_entries=5))
    assert refusal.code == "LFCI411"


def test_h_new_directories_side_by_side_are_counted_together(source: MemoryObjects) -> None:
    landed = source.files({b"a": (FILE, b"")})
    root = source.files({b"%d/%d" % (each, each): (FILE, b"") for each in range(4)})
    check_tree(source, root, landed=landed, max_entries=8)
    assert code_of(lambda: check_tree(source, root, landed=landed, max_entries=7)) == "LFCI411"


def test_h_directories_that_only_lost_something_are_counted(source: MemoryObjects) -> None:
    old = {b"%d/%s" % (each, name): (FILE, b"") for each in range(3) for name in (b"a", b"b")}
    landed = source.files(old)
    root = source.files({path: value for path, value in old.items() if path.endswith(b"a")})
    check_tree(source, root, landed=landed, max_entries=3)
    assert code_of(lambda: check_tree(source, root, landed=landed, max_entries=2)) == "LFCI411"


def test_h_the_directory_of_checks_is_counted_up_to_the_bound_each_time(source: MemoryObjects) -> None:
    """It landed as it is, and is read all the same: the gate reads it too."""
    root = source.files({b".lfci/a": (FILE, b""), b".lfci/b/c": (FILE, b""), b".lfci/b/d": (FILE, b"")})
    check_tree(source, root, landed=root, max_entries=4)
    assert code_of(lambda: check_tree(source, root, landed=root, max_entries=3)) == "LFCI411"


def test_h_a_directory_of_checks_that_holds_one_tree_many_times_reads_it_once(source: MemoryObjects) -> None:
    tree = source.files({b"f": (FILE, b"")})
    for _ in range(12):
        tree = source.tree((TREE, b"a", tree), (TREE, b"b", tree))
    root = source.tree((TREE, b".lfci", tree))
    source.reads.clear()
    check_tree(source, root, landed=root)
    assert len(source.reads) == 1 + 13


def test_h_links_and_gits_own_files_are_counted_together_up_to_the_bound(
    source: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_entries, "MAX_BLOBS", 10)

    def found(links: int, files: int) -> str | None:
        made = {b"l/%d" % each: (SYMLINK, b"%d" % each) for each in range(links)}
        made |= {b"%d/.gitattributes" % each: (FILE, b"# %d\n" % each) for each in range(files)}
        return code_of(lambda: check_tree(source, source.files(made)))

    assert [found(11, 0), found(12, 0)] == [None, "LFCI411"]
    assert [found(0, 10), found(0, 11)] == [None, "LFCI411"]
    assert [found(5, 5), found(6, 6)] == [None, "LFCI411"]


def test_h_each_link_and_each_of_gits_own_files_is_read_once(source: MemoryObjects) -> None:
    made = {b"%d/l" % each: (SYMLINK, b"../x") for each in range(9)}
    made |= {b"%d/.gitattributes" % each: (FILE, b"* text\n") for each in range(9)}
    made |= {b"%d/own" % each: (FILE, b"%d" % each) for each in range(9)}
    root = source.files(made)
    source.reads.clear()
    check_tree(source, root)
    assert source.reads.count(source.blob(b"../x")) == 1
    assert source.reads.count(source.blob(b"* text\n")) == 1


def test_h_as_many_trees_as_the_bound_says_are_read(
    source: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_tree_module, "MAX_TREES", 10)

    def found(count: int) -> str | None:
        root = source.files({b"%d/%d" % (each, each): (FILE, b"") for each in range(count)})
        return code_of(lambda: check_tree(source, root))

    assert [found(9), found(10)] == [None, "LFCI411"]


def test_h_trees_that_are_new_or_changed_beside_what_landed_are_counted_together(
    source: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_tree_module, "MAX_TREES", 10)
    landed = source.files({b"%d/x" % each: (FILE, b"") for each in range(20)})

    def found(changed: int, new: int) -> str | None:
        now = {b"%d/x" % each: (FILE, b"%d" % each if each < changed else b"") for each in range(20)}
        now |= {b"new%d/d/%d" % (each, each): (FILE, b"") for each in range(new)}
        return code_of(lambda: check_tree(source, source.files(now), landed=landed))

    # The root is a pair by itself; each new directory has another below it.
    assert [found(9, 0), found(10, 0)] == [None, "LFCI411"]
    assert [found(1, 4), found(2, 4), found(0, 5)] == [None, "LFCI411", "LFCI411"]
    assert found(0, 0) is None


def test_a_missing_object_is_undecided_not_safe(source: MemoryObjects) -> None:
    for root in (
        source.tree((TREE, b"a", ObjectId("1" * 40))),
        source.tree((SYMLINK, b"a", ObjectId("1" * 40))),
    ):
        with pytest.raises(Undecided) as undecided:
            check_tree(source, root)
        assert undecided.value.code == "LFCI501"


# -- second opinions -------------------------------------------------------------------------------

_HOSTILE_NAMES = [
    *(
        b".git",
        b".GIT",
        b"git~1",
        b".",
        b"..",
        b"a/b",
        b".git\xe2\x80\x8c",
        b".git ",
        b"x\\.git",
        b".gitmodules",
    ),
    *(b"a", b"a.b", b"a-", b"b", b"B", b"README", b".gitattributes", b".gitignore", b".mailmap", b"x" * 4097),
]
_HOSTILE_MODES = (
    [b"100644"] * 6 + [b"40000"] * 3 + [b"120000", b"160000", b"100755", b"100664", b"040000", b"7", b"644"]
)


def hostile_tree(rng: random.Random, blob: bytes, tree: bytes) -> bytes:
    entries = []
    for _ in range(rng.randint(1, 4)):
        mode, name = rng.choice(_HOSTILE_MODES), rng.choice(_HOSTILE_NAMES)
        oid = tree if mode.endswith(b"40000") else blob
        entries.append(mode + b" " + name + b"\0" + rng.choice([oid, oid, oid, oid, bytes(len(oid))]))
    if rng.random() < 0.8:
        entries.sort(key=lambda each: each.split(b" ", 1)[1])
    return b"".join(entries)[: rng.choice([None, None, None, None, None, -1])]


def test_rule_05_every_tree_that_git_fsck_complains_about_is_refused(any_repo: Repo) -> None:
    rng = random.Random(20260101)
    blob = bytes.fromhex(any_repo.git("hash-object", "-w", "--stdin", input=b"a").decode())
    tree = bytes.fromhex(any_repo.git("mktree", input=b"").decode())
    made = {hostile_tree(rng, blob, tree) for _ in range(300)}
    place = any_repo.path.parent / "trees"
    place.mkdir()
    for number, data in enumerate(made):
        (place / str(number)).write_bytes(data)
    paths = "\n".join(str(path) for path in place.iterdir()).encode()
    any_repo.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin-paths", input=paths)
    done = subprocess.run(
        ["git", "fsck", "--no-dangling"], cwd=any_repo.path, capture_output=True, check=False
    )
    # git blames a directory named .gitmodules on the directory; ours is to blame who names it so.
    lines = [line for line in done.stderr.decode().splitlines() if "non-blob found" not in line]
    report = "\n".join(lines)
    unreadable = r"^error: (\w{40,64}): object (?:corrupt|could not be parsed)"
    blamed = set(re.findall(r"^(?:error|warning) in tree (\w+):", report, re.MULTILINE))
    blamed |= set(re.findall(unreadable, report, re.MULTILINE))
    assert len(blamed) > 100
    with BatchReader(any_repo.tool) as source:
        accepted = [
            oid
            for oid in blamed
            if code_of(lambda oid=oid: check_tree(source, ObjectId(oid), gitlinks=True)) is None
        ]
    assert accepted == []


def test_valid_trees_written_by_another_implementation_are_accepted(repo: Repo) -> None:
    """libgit2 writes them, with names and modes that its strict tree builder takes."""
    rng = random.Random(7)
    library = pygit2.Repository(str(repo.path))
    blob = library.create_blob(b"x")
    target = library.create_blob(b"../sibling")
    words = [
        "src",
        "lib.rs",
        "Makefile",
        "a b",
        "ünï",
        ".github",
        "x~1",
        "foo..bar",
        "-dash",
        "日本",
        "q\\x2d",
        "c:d",
    ]
    trees = [library.TreeBuilder().write()]
    for _ in range(60):
        builder = library.TreeBuilder()
        for name in rng.sample(words, rng.randint(1, 6)):
            kind = rng.choice([FILE, FILE, EXECUTABLE, TREE, TREE])
            builder.insert(name, rng.choice(trees[-20:]) if kind == TREE else blob, kind)
        builder.insert("dir", _with_link(library, target), TREE)
        trees.append(builder.write())
    with BatchReader(repo.tool) as source:
        for oid in trees:
            check_tree(source, ObjectId(str(oid)))


def _with_link(library: pygit2.Repository, target: pygit2.Oid) -> pygit2.Oid:
    builder = library.TreeBuilder()
    builder.insert("link", target, SYMLINK)
    return builder.write()
