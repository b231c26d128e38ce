"""The value of the Lfci-Attestation trailer."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.attest.bundle import MAX_BUNDLE_BYTES, format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import attestation_id, sign
from lfci_gate.attest.encoding import urlsafe_b64encode
from lfci_gate.attest.statement import format_statement
from lfci_gate.attest.trailer import MAX_TRAILER_CHARS, format_inline, format_reference, parse_trailer
from lfci_gate.errors import Refusal
from tests.support.evidence import ALICE, CHECK_RUN

BUNDLE = make_bundle(sign(format_statement(CHECK_RUN), ALICE), ALICE.public)


def inline(data: bytes, level: int = 9) -> str:
    return "v1." + urlsafe_b64encode(zlib.compress(data, level))


def refused(value: str) -> str:
    with pytest.raises(Refusal) as caught:
        parse_trailer(value)
    assert caught.value.code == "LFCI409"
    return caught.value.message


def test_a_reference_is_the_id() -> None:
    name = attestation_id(BUNDLE.envelope)
    assert format_reference(name) == f"sha256:{name}"
    assert parse_trailer(f"sha256:{name}") == ("sha256", name)


def test_an_inline_bundle_is_the_stored_line_packed() -> None:
    value = format_inline(BUNDLE)
    assert value.startswith("v1.")
    assert value.isascii()
    assert not set(value) & set(" \n=+/")
    assert parse_trailer(value) == ("inline", format_bundle(BUNDLE))
    assert parse_bundle(parse_trailer(value)[1]) == BUNDLE
    assert len(value) < len(format_bundle(BUNDLE))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256:",
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha1:" + "a" * 40,
        "v1.",
        "v2.AAAA",
        "v1.AAAA",
        "v1.####",
        format_inline(BUNDLE) + "=",
        format_inline(BUNDLE)[:-4],
        format_inline(BUNDLE) + "AAAA",
        " " + format_inline(BUNDLE),
        format_inline(BUNDLE).replace("v1.", "V1."),
        "v1." + "A" * MAX_TRAILER_CHARS,
    ],
)
def test_another_form_is_refused(value: str) -> None:
    refused(value)


def test_a_value_that_is_too_long_is_not_looked_into() -> None:
    assert "too long" in refused("x" * (MAX_TRAILER_CHARS + 1))
    assert "neither" in refused("x" * MAX_TRAILER_CHARS)


def test_a_name_without_its_kind_is_no_reference() -> None:
    assert "neither" in refused("a" * 64)
    assert "neither" in refused("sha256:" + "a" * 65)


def test_a_stream_that_is_cut_off_is_refused() -> None:
    packed = zlib.compress(b"x" * 100)
    assert "more or less" in refused("v1." + urlsafe_b64encode(packed[:-1]))


def test_two_streams_in_one_value_are_refused() -> None:
    twice = zlib.compress(b"{}") + zlib.compress(b"{}")
    assert "more or less" in refused("v1." + urlsafe_b64encode(twice))


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_line_of_the_largest_size_is_unpacked_and_one_byte_more_is_not(level: int) -> None:
    assert parse_trailer(inline(b"x" * MAX_BUNDLE_BYTES, level)) == ("inline", b"x" * MAX_BUNDLE_BYTES)
    assert "more or less" in refused(inline(b"x" * (MAX_BUNDLE_BYTES + 1), level))


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    bomb = inline(bytes(100 * 1024 * 1024))
    assert len(bomb) < MAX_TRAILER_CHARS
    tracemalloc.start()
    try:
        refused(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


@given(st.one_of(st.text(), st.binary().map(lambda data: "v1." + urlsafe_b64encode(data))))
def test_any_text_is_a_value_or_one_refusal(value: str) -> None:
    try:
        kind, content = parse_trailer(value)
    except Refusal as refusal:
        assert refusal.code == "LFCI409"  # noqa: PT017 - either way is right
    else:
        assert (kind, type(content)) in (("sha256", str), ("inline", bytes))


@given(st.binary(max_size=2000), st.integers(0, 9))
def test_any_line_is_unpacked_as_it_was(line: bytes, level: int) -> None:
    assert parse_trailer(inline(line, level)) == ("inline", line)
