"""Rule 5, symlinks: judged by the text alone, so that following never leaves the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.check_links import MAX_TARGET_BYTES, climb


@pytest.mark.parametrize(
    ("target", "levels"),
    [
        (b"file", 0),
        (b"./file", 0),
        (b"dir//file/", 0),
        (b".", 0),
        (b"..", 1),
        (b"../", 1),
        (b"../x", 1),
        (b"./../.././x/y", 2),
        (b"..x/..y", 0),
        (b"a\\b", 0),
        (b"..\\..\\x", 2),
        (b"../..\\x", 2),
        (b"x" * MAX_TARGET_BYTES, 0),
        (b"ab:c", 0),
    ],
)
def test_a_harmless_target_asks_only_for_depth(target: bytes, levels: int) -> None:
    assert climb(target) == levels


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"/",
        b"/etc/passwd",
        b"//host/share",
        b"\\etc",
        b"C:\\Windows",
        b"c:/x",
        b"a\0b",
        b"x/..",
        b"x/../y",
        b"../x/../../y",
        b"x\\..\\y",
        b".\\/..",
        b".git",
        b"../.git/config",
        b"x/.GIT/hooks",
        b"git~1",
        b"x\\.git\\config",
        b".g\xe2\x80\x8cit",
        b".. /x",
        b".../x",
        b"x" * (MAX_TARGET_BYTES + 1),
    ],
)
def test_rule_05_a_target_that_may_lead_out_is_refused(target: bytes) -> None:
    assert isinstance(climb(target), str)


_targets = st.lists(
    st.sampled_from((b"..", b"a", b"b", b"l1", b"l2", b".", b"/")), min_size=1, max_size=5
).map(b"/".join)


@given(st.binary(max_size=30))
def test_any_bytes_get_an_answer(target: bytes) -> None:
    assert isinstance(climb(target), int | str)


@given(st.dictionaries(st.sampled_from((b"l1", b"a/l1", b"a/b/l1", b"a/b/l2", b"b/l2", b"l2")), _targets))
def test_rule_05_accepted_links_together_never_lead_out_of_the_directory(links: dict[bytes, bytes]) -> None:
    """Real links in a real directory, followed by the real kernel."""
    import tempfile

    accepted = {}
    for path, target in links.items():
        needed = climb(target)
        if isinstance(needed, int) and needed <= path.count(b"/"):
            accepted[path] = target
    with tempfile.TemporaryDirectory() as place:
        root = Path(os.path.realpath(place)) / "root"
        for directory in ("a/b/a", "a/a", "b/a/b", "b/b"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        for path, target in accepted.items():
            (root / os.fsdecode(path)).symlink_to(os.fsdecode(target))
        for path in accepted:
            end = os.path.realpath(root / os.fsdecode(path))
            assert (end + "/").startswith(f"{root}/")
