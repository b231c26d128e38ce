"""The plain string tests say what the regular expressions of docs/formats.md say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.attest import check_run, shape
from lfci_gate.config import policy, project, values
from lfci_gate.fields import is_plain
from lfci_gate.grammar import is_hex, is_uuid


def fits(read: shape.Shape) -> Callable[[str], bool]:
    def answer(text: str) -> bool:
        try:
            return bool(read(text) == text)
        except shape.Mismatch:
            return False

    return answer


PREDICATE = check_run.PREDICATE
GRAMMARS: dict[str, tuple[Callable[[str], object], str]] = {
    "sha256": (lambda text: is_hex(text, 64), r"[0-9a-f]{64}"),
    "oid": (fits(shape.OID), r"[0-9a-f]{40}(?:[0-9a-f]{24})?"),
    "uuid": (is_uuid, r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "ref": (fits(shape.REF), r"refs/[^\s\x00-\x1f\x7f-\x9f]{1,1000}"),
    "name": (values.is_name, r"[a-z0-9][a-z0-9._-]{0,63}"),
    "shell": (project._is_attribute, r"[A-Za-z_][A-Za-z0-9_'-]{0,63}"),
    "flake check": (project._is_flake_check, r"checks\.[A-Za-z_][A-Za-z0-9_'-]{0,63}"),
    "nix version": (policy._is_nix_version, r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}"),
    "nar hash": (check_run._is_nar_hash, r"sha256-[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="),
    "derivation": (
        check_run._is_drv_path,
        r"(?:/[A-Za-z0-9._+-]+)+/[0-9a-z]{32}-[A-Za-z0-9+\-._?=]{1,211}\.drv",
    ),
    "system": (check_run._is_system, r"[a-z0-9_]+-[a-z0-9_]+"),
    "pattern of refs": (
        lambda text: values._is_below_heads_or_tags("refs/heads/" + text),
        r"(?!.*(?:[ ~^:?\\]|\.\.|@\{|\.lock(?:/|\Z)|/\.|\.(?:/|\Z)|/\Z)|\.|\Z)(?s:.*)",
    ),
    "plain": (is_plain, r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*"),
    "plain lines": (
        lambda text: is_plain(text, lines=True),
        r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*",
    ),
}
ANY = st.text(st.characters(), max_size=12)
"""Surrogates too: a decoded JSON document can hold them."""


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_plain_test_says_what_the_expression_says(name: str) -> None:
    test, expression = GRAMMARS[name]
    good = (
        st.text("ab/.@{*lock", max_size=9)
        if "(?!" in expression
        else st.from_regex(expression, fullmatch=True)
    )

    @given(good, ANY, st.integers(0), st.integers(0, 3))
    def agree(text: str, other: str, place: int, cut: int) -> None:
        place %= len(text) + 1
        for each in (text, other, text + "\n", text[:place] + other + text[place + cut :]):
            assert bool(test(each)) == (re.fullmatch(expression, each) is not None), ascii(each)

    agree()
