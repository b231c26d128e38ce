"""Porcelain v2 is read exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Undecided
from lfci_gate.git.look import inert
from lfci_gate.git.status import Change, Place, Status, parse_status
from tests.support.repos import Repo

A, B = "a" * 40, "b" * 40


def lines(*items: str) -> bytes:
    return b"".join(item.encode("utf-8", "surrogateescape") + b"\0" for item in items)


def test_every_kind_of_line() -> None:
    output = lines(
        f"# branch.oid {A}",
        "# branch.head main",
        f"1 .M N... 100644 100644 100755 {A} {B} changed file",
        f"1 M. N... 100644 100755 100755 {A} {B} staged",
        f"1 D. N... 100644 000000 000000 {A} {'0' * 40} gone",
        f"1 .D N... 100644 100644 000000 {A} {A} deleted\nline",
        f"1 .A N... 000000 000000 100644 {'0' * 40} {'0' * 40} meant",
        f"u UU N... 100644 100644 100644 100644 {A} {B} {A} both ways",
    )
    assert parse_status(output, b"new dir/\0? file\n\0") == Status(
        A,
        (
            Change(b"changed file", Place.FILES, 0o100755, None),
            Change(b"staged", Place.INDEX, 0o100755, B),
            Change(b"gone", Place.NOWHERE, 0, None),
            Change(b"deleted\nline", Place.NOWHERE, 0, None),
            Change(b"meant", Place.FILES, 0o100644, None),
            Change(b"both ways", Place.FILES, 0, None, unmerged=True),
            Change(b"new dir/", Place.FILES, 0, None),
            Change(b"? file\n", Place.FILES, 0, None),
        ),
    )
    assert parse_status(lines("# branch.oid (initial)"), b"") == Status(None, ())


@pytest.mark.parametrize("line", ["", "? new", "2 R. x", "x", "1 .M N... 1 1 9 a b path", "u UU x"])
def test_anything_else_is_513(line: str) -> None:
    with pytest.raises(Undecided) as caught:
        parse_status(lines(line), b"")
    assert caught.value.code == "LFCI513"


@given(st.binary() | st.binary().map(lambda data: b"1 .M N... 100644 100644 100644 " + data + b"\0"))
def test_arbitrary_bytes_are_a_status_or_513(output: bytes) -> None:
    try:
        parse_status(output, output)
    except Undecided as error:
        assert error.code == "LFCI513"  # noqa: PT017 - one of two good ends


def test_inert_leaves_all_else_as_it_is(repo: Repo) -> None:
    repo.git("config", "filter.a=b.clean", "run-me")
    repo.git("config", "core.autocrlf", "input")
    still = inert(repo.tool)
    assert repo.tool.config("filter.a=b.clean") == "run-me"
    assert still.config("filter.a=b.clean") == ""
    assert still.config("filter.a=b.required") == "false"
    assert still.config("core.autocrlf") == "input"
