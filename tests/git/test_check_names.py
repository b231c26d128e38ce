"""Rule 5, names: what some file system takes for .git, for git's own files, or for another name."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.check_names import (
    are_plain,
    collision,
    fold,
    is_dotgit,
    name_problem,
    special_name,
)
from tests.support.repos import Repo

DOTGIT = [
    b".git",
    b".GIT",
    b".gIt",
    b".git.",
    b".git ",
    b".git. . .",
    b".git::$INDEX_ALLOCATION",
    b".git::$index_allocation",
    b".git:stream",
    b".git ..:x",
    b"git~1",
    b"GIT~1",
    b"git~1.",
    b"git~1 ",
    b"git~1:x",
    b".g\xe2\x80\x8cit",
    b"\xe2\x80\x8d.git",
    b".git\xe2\x80\x8e",
    b".gi\xe2\x80\x8ft",
    b".\xe2\x80\xaagit",
    b".\xe2\x80\xaegit",
    b".g\xe2\x81\xaait",
    b".GI\xe2\x81\xafT",
    b"\xef\xbb\xbf.git",
    b".git\xff",
    b".git\x80",
    b".git\xef\xbf\xbf",
    b".git\xef\xbf\xbex",
]
OUT = [
    b".",
    b"..",
    b"...",
    b". .",
    b".. ",
    b" ",
    b"",
    b"a/b",
    b"/",
    b"a\0b",
    b"\xe2\x80\x8c",
    b".\xe2\x80\x8c.",
]
BACKSLASH = [b"..\\x", b"x\\..", b"\\x", b"x\\", b".git\\config", b"x\\.GIT", b"x\\git~1\\y", b"x\\.. \\y"]
FINE = [
    b"README.md",
    b".gitignore",
    b".github",
    b".gitx",
    b"x.git",
    b"git~2",
    b"git~12",
    ".gité".encode(),
    b".git\x7f",
    b".gitx\xff",
    b"git",
    b"gitx~1",
    b".gi",
    b"..x",
    b".x",
    b"x.",
    b"aux.c",
    b"Foo::Bar.3pm",
    b"dev-disk-by\\x2dlabel.mount",
    b"caf\xc3\xa9",
    b"\xff\xfe",
    b"a b",
    b"-rf",
    b"Icon\r",
    "日本語.txt".encode(),
    b"x" * 255,
]


@pytest.mark.parametrize("name", DOTGIT)
def test_rule_05_dotgit_in_any_spelling_is_found(name: bytes) -> None:
    assert is_dotgit(name)
    assert name_problem(name) is not None


@pytest.mark.parametrize("name", [*OUT, *BACKSLASH, b"x" * 256])
def test_rule_05_names_that_lead_out_or_cannot_be_made_are_refused(name: bytes) -> None:
    assert name_problem(name) is not None


@pytest.mark.parametrize("name", FINE)
def test_rule_05_ordinary_and_odd_but_harmless_names_are_accepted(name: bytes) -> None:
    assert name_problem(name) is None


_pieces = st.lists(
    st.sampled_from(
        [b".", b"git", b"GIT", b"g", b"it", b"~1", b":", b" ", b"\\", b"x", b"\xe2\x80\x8c", b"\xff", b"/"]
    ),
    max_size=6,
).map(b"".join)


@given(st.lists(_pieces | st.binary(max_size=8), max_size=4))
def test_the_quick_answer_for_a_directory_never_hides_a_problem(names: list[bytes]) -> None:
    if are_plain(names):
        assert all(not is_dotgit(name) and special_name(name) is None for name in names)
        assert all(name.strip(b". ") and not set(name) & set(b"/\\\0~:") for name in names)


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        ([], True),
        ([b"a"], True),
        ([b"README.md", b"src", b"x..y", b"a-b_c+d@e"], True),
        ([b"x" * 255], True),
        ([b"x" * 255, b"x" * 256], False),
        ([b""], False),
        ([b"a", b""], False),
        ([b"a/b"], False),
        ([b"a", b"/"], False),
        ([b".x"], False),
        ([b"a", b".."], False),
        ([b"a", b"b~1"], False),
        ([b"a b"], False),
        ([b"a", b"\xc3\xa9"], False),
    ],
)
def test_ordinary_names_need_no_second_look_and_others_get_one(names: list[bytes], plain: bool) -> None:
    assert are_plain(names) is plain


def test_rule_05_whatever_git_refuses_as_a_path_is_refused(repo: Repo) -> None:
    """Against git itself, with the protections for macOS and Windows on."""
    parts = [b"", b".", b"..", b".git", b".Git", b"git~1", b"\xe2\x80\x8c", b" ", b":x", b"x", b"\\"]
    names = {b"".join(each) for each in product(parts, repeat=2)} | set(DOTGIT) | set(BACKSLASH) | set(FINE)
    oid = repo.git("hash-object", "-w", "--stdin", input=b"").strip()
    names = {name for name in names if name and b"/" not in name and b"\0" not in name}
    wanted = b"".join(b"100644 " + oid + b"\t" + name + b"\0" for name in names)
    protected = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")
    repo.git(*protected, "update-index", "-z", "--index-info", input=wanted)
    refused_by_git = names - set(repo.git("ls-files", "-z").split(b"\0"))
    assert len(refused_by_git) > 30
    assert [name for name in refused_by_git if name_problem(name) is None] == []


@pytest.mark.parametrize(
    ("name", "taken_for"),
    [
        (b".gitmodules", b".gitmodules"),
        (b".GitModules", b".gitmodules"),
        (b".gitmodules ", b".gitmodules"),
        (b".gitmodules.:x", b".gitmodules"),
        (b".git\xe2\x80\x8cmodules", b".gitmodules"),
        (b".gitmodules\xff", b".gitmodules"),
        (b"gitmod~1", b".gitmodules"),
        (b"GITMOD~4 .", b".gitmodules"),
        (b"gi7eba~1", b".gitmodules"),
        (b"gi7eb~10", b".gitmodules"),
        (b"g~123456", b".gitmodules"),
        (b"~1000000", b".gitmodules"),
        (b"x\\.gitmodules", b".gitmodules"),
        (b"gitatt~2", b".gitattributes"),
        (b"gi7d29~1", b".gitattributes"),
        (b".gitattributes:x", b".gitattributes"),
        (b"gitign~1", b".gitignore"),
        (b"gi250a~9", b".gitignore"),
        (b"mailma~3", b".mailmap"),
        (b"maba30~1", b".mailmap"),
        (b".gitmodulesx", None),
        (b".gitmodulesx\xff", None),
        (b"gitmod~5", None),
        (b"gitmod~0", None),
        (b"gi7eba~0", None),
        (b"gi7eba~", None),
        (b"gi7eba~x", None),
        (b"gi7eba~1x", None),
        (b"gi7eba12", None),
        (b"gi7~1", None),
        (b"gitmod~1x", None),
        (b"gi7eba~1.", b".gitmodules"),
        (b"gi7eba~1:x", b".gitmodules"),
        (b"gi7ebb~1", None),
        (b"gitmodules", None),
        (b".github", None),
    ],
)
def test_rule_05_gits_own_files_are_found_in_any_spelling(name: bytes, taken_for: bytes | None) -> None:
    assert special_name(name) == taken_for


COLLIDING = [
    (b"Readme", b"README"),
    ("é".encode(), "e\u0301".encode()),
    ("É".encode(), "e\u0301".encode()),
    ("straße".encode(), b"STRASSE"),
    ("\u212a".encode(), b"k"),
    ("ſ".encode(), b"S"),
    (b"a\xe2\x80\x8cb", b"AB"),
    # Not UTF-8: on Windows git takes such a byte for a character of latin-1, or for its two hex digits.
    (b"caf\xe9", "café".encode()),
    (b"caf\xe9", b"CAF\xc9"),
    (b"A\xff", b"a\xff"),
    (b"\xc3\xa9\xff", b"\xc3\x89\xff"),
    (b"x\x9f", b"X9F"),
    (b"x\x80", b"x80"),
    (b"\xa0", "\u00a0".encode()),
    # U+10400 and U+10428 (one letter, large and small), as two halves and as UTF-8.
    (b"\xed\xa0\x81\xed\xb0\x80", "\U00010400".encode()),
    ("\ud55c".encode() + b"\xed\xa0\x81\xed\xb0\x80x\xff", "\ud55c\U00010428X\u00ff".encode()),
    (b"\xed\xed\xa0\x81\xed\xb0\x80", b"\xed" + "\U00010400".encode()),
    (b"\xed\xa0\x81\xed\xb0\x80" * 2, b"\xed\xa0\x81\xed\xb0\xa8" * 2),
]


@pytest.mark.parametrize(("one", "other"), COLLIDING)
def test_rule_05_names_that_are_one_file_somewhere_collide(one: bytes, other: bytes) -> None:
    assert fold(one) == fold(other)
    assert set(collision((b"between", one, other)) or ()) == {one, other}


def test_rule_05_names_that_are_no_utf8_are_told_apart() -> None:
    assert collision((b"caf\xe9", b"caf\xe8", b"\x80", b"\x9f", b"\xff", b"\xfe", b"\xe2\x80", b"x")) is None
    assert (
        collision((b"\xed\xa0\x81", b"\xed\xb0\x80", b"\xed", "\ud55c".encode(), "\ud55c\ud55c".encode()))
        is None
    )


def test_rule_05_what_collides_where_it_landed_is_not_held_against_a_new_name() -> None:
    landed = (b"xt_MARK.h", b"xt_mark.h")
    assert collision((*landed, b"new"), landed) is None
    assert set(collision((*landed, b"XT_MARK.H"), landed) or ()) == {b"XT_MARK.H", landed[0]}


@given(
    st.lists(
        st.binary(min_size=1, max_size=4)
        | st.text(st.characters(codec="utf-8"), min_size=1, max_size=3).map(str.encode),
        unique=True,
    )
)
def test_a_collision_is_reported_exactly_when_two_names_fold_alike(names: list[bytes]) -> None:
    assert (collision(names) is not None) == (len({fold(name) for name in names}) < len(names))
    assert collision(names, names) is None
