"""Lockfiles are known by their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.lockfiles.names import KNOWN, format_of, is_lockfile, may_name_lockfile


def _with_more(start: bytes) -> st.SearchStrategy[bytes]:
    ends = st.sampled_from([b".txt", b"toml", b".toml", b""])
    return st.tuples(st.binary(max_size=5), ends).map(lambda parts: start + parts[0] + parts[1])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"mix.lock", "mix"),
        (b"apps/web/package-lock.json", "npm"),
        (b"npm-shrinkwrap.json", "npm"),
        (b"flake.lock", "flake"),
        (b"sub/flake.lock", "flake"),
        (b"requirements.txt", "requirements"),
        (b"requirements-dev.txt", "requirements"),
        (b"requirements/\xff/requirements_test.txt", "requirements"),
        (b"pylock.toml", "pylock"),
        (b"pylock.dev.toml", "pylock"),
        (b"gradle/verification-metadata.xml", "gradle-verification"),
        (b"a/gradle/verification-metadata.xml", "gradle-verification"),
        (b"app/gradle.lockfile", "gradle"),
        (b"go.work.sum", "go"),
        (b"bun.lockb", "bun-binary"),
    ],
)
def test_a_known_name_has_its_format_at_any_depth(path: bytes, kind: str) -> None:
    assert format_of(path) == kind
    assert is_lockfile(path)


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"mix.lock/readme",
        b"MIX.LOCK",
        b"mix.lock.orig",
        b"my-requirements.txt",
        b"requirements.in",
        b"requirements/dev.in",
        b"pylock.a.b.toml",
        b"pylock..toml",
        b"verification-metadata.xml",
        b"notgradle/verification-metadata.xml",
        b"x\nmix.lock",
    ],
)
def test_other_names_are_not_lockfiles(path: bytes) -> None:
    assert format_of(path) is None
    assert not is_lockfile(path)


@given(st.binary(max_size=40), st.sampled_from(sorted(KNOWN)))
def test_any_bytes_have_an_answer_and_the_folder_does_not_matter(folder: bytes, name: bytes) -> None:
    assert format_of(folder) is None or is_lockfile(b"x/" + folder)
    if name != b"verification-metadata.xml":
        assert format_of(folder + b"/" + name) == KNOWN[name]
    assert may_name_lockfile(name)


@given(st.binary(max_size=40) | st.sampled_from([b"requirements", b"pylock."]).flatmap(_with_more))
def test_the_quick_question_never_misses_a_lockfile(path: bytes) -> None:
    if is_lockfile(path):
        assert may_name_lockfile(path.rpartition(b"/")[2])
