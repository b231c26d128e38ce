"""The input of the pre-push hook: a value, or one error, whatever the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.clone.deliver import parse_pre_push
from lfci_gate.errors import UsageError
from lfci_gate.model import ObjectId, RefUpdate
from tests.support.outcomes import code_of

ONE, TWO, NONE = "1" * 40, "2" * 40, "0" * 40


@given(st.binary(max_size=300))
def test_any_bytes_are_updates_or_one_error(data: bytes) -> None:
    assert code_of(lambda: parse_pre_push(data)) in (None, "LFCI514")


@given(
    st.lists(
        st.tuples(st.text("refs/heads/ \u00fc~^:", min_size=1), st.sampled_from([ONE, NONE])), max_size=5
    )
)
def test_each_line_is_one_update_whatever_the_local_name(pushed: list[tuple[str, str]]) -> None:
    lines = "".join(f"{local} {new} refs/heads/x{n} {TWO}\n" for n, (local, new) in enumerate(pushed))
    assert parse_pre_push(lines.encode()) == tuple(
        RefUpdate(f"refs/heads/x{n}", ObjectId(TWO), ObjectId(new) if new == ONE else None)
        for n, (_, new) in enumerate(pushed)
    )


@pytest.mark.parametrize(
    "line", ["x", f"a {ONE} refs/heads/a", f"a {ONE} refs/heads/a {TWO[:39]}", f" {ONE} {TWO}"]
)
def test_what_git_would_not_say_stops_the_push(line: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_pre_push(line.encode() + b"\n")
    assert raised.value.code == "LFCI514"
