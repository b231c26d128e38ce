"""Base64 has exactly one accepted text for each value."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.attest import encoding


@given(st.binary())
def test_every_value_has_its_text(data: bytes) -> None:
    assert encoding.b64encode(data) == base64.b64encode(data).decode()
    assert encoding.b64decode(encoding.b64encode(data)) == data
    assert encoding.urlsafe_b64encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert encoding.urlsafe_b64decode(encoding.urlsafe_b64encode(data)) == data


@given(st.one_of(st.text(max_size=12), st.text("ABab01+/-_= \n", max_size=12)))
def test_every_text_is_the_text_of_its_value_or_refused(text: str) -> None:
    for decode, encode in (
        (encoding.b64decode, encoding.b64encode),
        (encoding.urlsafe_b64decode, encoding.urlsafe_b64encode),
    ):
        try:
            data = decode(text)
        except ValueError:
            continue
        assert encode(data) == text


@pytest.mark.parametrize(
    "text",
    ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q Q==", "QQ===", "QQ==QQ==", "-_-_", "Q", "\u0410\u0410=="],
)
def test_other_spellings_of_standard_base64_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the contract
        encoding.b64decode(text)


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "+/+/", "QQ\n", "QUF="])
def test_other_spellings_of_url_safe_base64_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the contract
        encoding.urlsafe_b64decode(text)
