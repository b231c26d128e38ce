"""Files that moved unchanged, and what the ids of their tests are called since."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Refusal
from lfci_gate.gate import renames
from lfci_gate.gate.renames import moved_files, moved_ids
from lfci_gate.git.tree import EXECUTABLE, FILE, SYMLINK
from lfci_gate.model import ObjectId
from tests.support.memory_objects import MemoryObjects

Files = dict[str, bytes]

A, B = b"def test_a(): assert 1\n", b"def test_b(): assert 1\n"


def tree(objects: MemoryObjects, files: Files, modes: dict[str, int] | None = None) -> ObjectId:
    return objects.files(
        {path.encode(): ((modes or {}).get(path, FILE), data) for path, data in files.items()}
    )


def moves(old: Files, new: Files) -> dict[str, str]:
    objects = MemoryObjects()
    found = moved_files(objects, tree(objects, old), tree(objects, new))
    return {was.decode(): now.decode() for was, now in found.items()}


def ids(old: Files, new: Files, *asked: str) -> dict[str, set[str]]:
    objects = MemoryObjects()
    found = moved_ids(objects, tree(objects, old), tree(objects, new), asked)
    return {was: set(now) for was, now in found.items()}


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"tests/a.py": A}, {"qa/a.py": A}, {"tests/a.py": "qa/a.py"}),
        ({"tests/a.py": A, "b.py": B}, {"b.py": B, "tests/c.py": A}, {"tests/a.py": "tests/c.py"}),
        # Not unchanged; still there; there before.
        ({"tests/a.py": A}, {"qa/a.py": A + b"\n"}, {}),
        ({"tests/a.py": A}, {"tests/a.py": A, "qa/a.py": A}, {}),
        ({"tests/a.py": A}, {"tests/a.py": B, "qa/a.py": A}, {}),
        ({"tests/a.py": A, "qa/a.py": B}, {"qa/a.py": A}, {}),
        ({"tests/a.py": A, "qa/a.py": A}, {"qa/a.py": A}, {}),
        # An empty file is like every other empty file.
        ({"tests/a.py": b""}, {"qa/a.py": b""}, {}),
        # Two that become one are one move; the same name first, then the order of the paths.
        ({"t/a.py": A, "t/b.py": A}, {"u/b.py": A}, {"t/b.py": "u/b.py"}),
        ({"t/a.py": A, "t/b.py": A}, {"u/c.py": A}, {"t/a.py": "u/c.py"}),
        ({"t/a.py": A}, {"u/b.py": A, "u/c.py": A}, {"t/a.py": "u/b.py"}),
        (
            {"s/a.py": A, "t/b.py": A, "t/c.py": A},
            {"u/a.py": A, "u/c.py": A, "u/d.py": A},
            {"s/a.py": "u/a.py", "t/c.py": "u/c.py", "t/b.py": "u/d.py"},
        ),
        # A file whose path is a directory now is gone from there.
        ({"t": A}, {"t/a.py": A}, {"t": "t/a.py"}),
    ],
)
def test_which_files_moved(old: Files, new: Files, expected: dict[str, str]) -> None:
    assert moves(old, new) == expected


def test_a_link_is_no_file_and_a_mode_is_no_content() -> None:
    objects = MemoryObjects()
    old = tree(objects, {"a.py": A, "b": b"x"}, {"b": SYMLINK})
    new = tree(objects, {"c.py": A, "d": b"x"}, {"c.py": EXECUTABLE, "d": SYMLINK})
    assert moved_files(objects, old, new) == {b"a.py": b"c.py"}
    link_now = tree(objects, {"c.py": A}, {"c.py": SYMLINK})
    assert moved_files(objects, old, link_now) == {}
    assert moved_files(objects, link_now, tree(objects, {"a.py": A})) == {}


def test_no_two_files_are_taken_for_one() -> None:
    old = {f"old/{name}": A for name in "abcdef"}
    new = {f"new/{name}": A for name in "efgh"}
    found = moves(old, new)
    assert sorted(found.values()) == sorted(new)
    assert found["old/e"] == "new/e"
    assert found["old/f"] == "new/f"


def test_more_entries_than_are_looked_at_are_not_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "MAX_ENTRIES", 6)
    few = {"t/a.py": A}, {"u/a.py": A}
    assert ids(*few, "t/a.py::x") == {"t/a.py::x": {"u/a.py::x"}}
    many = {**few[0], **{f"n/{n}": b"1" for n in range(6)}}, {**few[1], **{f"n/{n}": b"1" for n in range(6)}}
    assert ids(*many, "t/a.py::x") == {}, "the base alone has too many"
    objects = MemoryObjects()
    with pytest.raises(Refusal, match="LFCI411"):
        moved_files(objects, tree(objects, {}), tree(objects, {f"{n}": b"1" for n in range(7)}))


# -- ids ------------------------------------------------------------------------------------------

OLD = {"tests/test_a.py": A, "tests/test_b.py": B}
NEW = {"qa/unit/test_a.py": A, "tests/test_b.py": B}


@pytest.mark.parametrize(
    ("old_id", "new_id"),
    [
        ("tests/test_a.py::test_x", "qa/unit/test_a.py::test_x"),
        ("tests/test_a::test_x", "qa/unit/test_a::test_x"),
        ("tests.test_a::test_x", "qa.unit.test_a::test_x"),
        ("tests.test_a.TestMore::test_x[1.5-::]", "qa.unit.test_a.TestMore::test_x[1.5-::]"),
        ("tests.test_a", "qa.unit.test_a"),
        ("tests/test_a.py does x", "qa/unit/test_a.py does x"),
        ("tests.test_a$Inner::x", "qa.unit.test_a$Inner::x"),
    ],
)
def test_an_id_follows_the_file_that_it_names(old_id: str, new_id: str) -> None:
    assert ids(OLD, NEW, old_id) == {old_id: {new_id}}


@pytest.mark.parametrize(
    "other",
    [
        "tests.test_b::test_x",  # did not move
        "tests.test_ab::test_x",  # begins like it
        "tests/test_a-more.py::test_x",
        "tests/test_a/x::y",
        "tests.test::test_x",
        "Tests.test_a::test_x",
        "my.tests.test_a::test_x",
        "suite::tests/test_a.py::x",
        "tests.test_b::test_x[tests.test_a]",  # a parameter names it
        "x::tests.test_a",
        "tests..test_a::x",
        "",
        "::tests.test_a",
    ],
)
def test_an_id_that_does_not_name_it_stays_what_it_is(other: str) -> None:
    assert ids(OLD, NEW, other) == {}


def test_a_source_root_is_left_out_on_both_sides() -> None:
    old = {"src/test/java/org/FooTest.java": A, "lib/t/bar.rb": B}
    new = {"src/test/java/org/sub/FooTest.java": A, "lib/u/bar.rb": B}
    assert ids(old, new, "org.FooTest::x", "org.FooTest$In::x", "t/bar.rb::y", "t.bar::y") == {
        "org.FooTest::x": {"org.sub.FooTest::x"},
        "org.FooTest$In::x": {"org.sub.FooTest$In::x"},
        "t/bar.rb::y": {"u/bar.rb::y"},
        "t.bar::y": {"u.bar::y"},
    }
    # Out of its root, nobody knows how the id would read.
    assert ids(old, {"src/main/java/org/FooTest.java": A}, "org.FooTest::x") == {}


def test_a_file_in_a_root_may_read_as_a_path_or_a_module() -> None:
    assert ids({"test_a.py": A}, {"tests/test_a.py": A}, "test_a::x", "test_a.py::x") == {
        "test_a::x": {"tests/test_a::x", "tests.test_a::x"},
        "test_a.py::x": {"tests/test_a.py::x"},
    }


def test_the_longest_name_is_the_file() -> None:
    """A module beside a package of its name: the id below the package is not the module's."""
    old = {"tests/unit.py": A, "tests/unit/test_x.py": B}
    new = {"tests/unit2.py": A}
    assert ids(old, new, "tests.unit.test_x::t", "tests.unit::t") == {"tests.unit::t": {"tests.unit2::t"}}
    # That the longer one stays where it is changes nothing.
    assert ids(old, {**new, "tests/unit/test_x.py": B}, "tests.unit.test_x::t") == {}


@pytest.mark.parametrize(
    "decoy",
    [
        "backend/tests/test_a.py",  # another root
        "tests/test_a.js",  # another extension
        "tests.test_a",  # a name that reads like the module
    ],
)
def test_where_two_files_may_be_meant_nothing_is_told(decoy: str) -> None:
    for stays in (True, False):
        left = {decoy: B} if stays else {}
        found = ids({"tests/test_a.py": A, decoy: B}, {"qa/test_a.py": A, **left}, "tests.test_a::x")
        assert found == {}
        moved = {decoy: A, "tests/test_a.py": B}, {"qa/elsewhere.py": A, "tests/test_a.py": B}
        assert ids(*moved, "tests.test_a::x") == {}


def test_two_files_that_lead_to_the_same_id_agree() -> None:
    old = {"tests/a.js": A, "tests/a.js.snap": B, "tests/a.snap": B + B}
    new = {"qa/a.js": A, "qa/a.js.snap": B, "qa/a.snap": B + B}
    assert ids(old, new, "tests.a::x") == {"tests.a::x": {"qa.a::x"}}
    apart = {"qa/a.js": A, "qa/a.js.snap": B, "other/a.snap": B + B}
    assert ids(old, apart, "tests.a::x") == {}


def test_a_file_without_an_extension() -> None:
    old, new = {"tests/run": A, "tests/.run": B}, {"qa/run": A, "qa/.run": B}
    assert ids(old, new, "tests.run::x", "tests/run::x", "tests/.run::x", "tests..run::x") == {
        "tests.run::x": {"qa.run::x"},
        "tests/run::x": {"qa/run::x"},
        "tests/.run::x": {"qa/.run::x"},
        "tests..run::x": {"qa..run::x"},
    }


def test_long_ids_cost_little_and_name_nothing() -> None:
    for dots, found in ((63, {"qa.unit.test_a" + "." * 63 + "::x"}), (64, None)):
        asked = "tests.test_a" + "." * dots + "::x"
        assert ids(OLD, NEW, asked) == ({asked: found} if found else {})
    for length, is_found in ((512, True), (513, False)):
        path = f"{'d' * 250}/{'e' * 250}/".ljust(length, "f")
        assert ids({path: A}, {"b": A}, f"{path}::x", path) == (
            {f"{path}::x": {"b::x"}, path: {"b"}} if is_found else {}
        )
        asked = f"{path} does x"
        assert ids({path: A}, {"b": A}, asked) == ({asked: {"b does x"}} if is_found else {})
    below = "/".join("abcdefgh")
    assert ids({f"{below}/t.py": A}, {f"{below}/u.py": A}, "h/t.py::x", "t.py::x") == {
        "h/t.py::x": {"h/u.py::x"}
    }
    assert ids(OLD, NEW, "tests.test_a::" + "." * 4000) == {
        "tests.test_a::" + "." * 4000: {"qa.unit.test_a::" + "." * 4000}
    }


def test_a_path_that_is_not_text_names_nothing_and_stops_nothing() -> None:
    objects = MemoryObjects()
    old = objects.files({b"t/\xff.py": (FILE, A), b"t/b.py": (FILE, B)})
    new = objects.files({b"u/\xff.py": (FILE, A), b"u/b.py": (FILE, B)})
    assert moved_ids(objects, old, new, ["t/b.py::x", "t/\ufffd.py::x"]) == {"t/b.py::x": {"u/b.py::x"}}


NAMES = st.sampled_from(["a", "b", "a.py", "b.py", "a.js", "t"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(PATHS, st.sampled_from([A, B, b""]), max_size=6), st.data())
def test_any_trees_give_moves_of_one_to_one(old: Files, data: st.DataObject) -> None:
    new = data.draw(st.dictionaries(PATHS, st.sampled_from([A, B, b""]), max_size=6))

    def possible(files: Files) -> Files:
        return {path: content for path, content in files.items() if not _below_another(path, files)}

    old, new = possible(old), possible(new)
    found = moves(old, new)
    assert len(set(found.values())) == len(found)
    for was, now in found.items():
        assert old[was] == new[now] != b""
        assert was not in new
        assert now not in old


def _below_another(path: str, files: Files) -> bool:
    return any(path != other and path.startswith(other + "/") for other in files)
