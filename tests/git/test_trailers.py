"""Trailers are read only where every reader of git reads the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.trailers import ATTESTATION, SESSION, add_trailer, find_trailers
from tests.support.outcomes import code_of
from tests.support.repos import Repo

IDENTIFIER = "sha256:" + "0123456789abcdef" * 4
LINE = f"{ATTESTATION}: {IDENTIFIER}\n".encode()
OTHER = f"{SESSION}: Ab3-_xyzAb3-_xyzAb3-_x\n".encode()


def test_both_trailers_of_the_last_paragraph_are_found() -> None:
    message = b"subject\n\nbody\n\nSigned-off-by: A <a@b>\n" + LINE + OTHER
    assert find_trailers(message) == {ATTESTATION: IDENTIFIER, SESSION: "Ab3-_xyzAb3-_xyzAb3-_x"}


@pytest.mark.parametrize(
    "around",
    [
        b"subject\n\n%s",
        b"subject\n\n%s\n\n  \n",
        b"subject\n\n(cherry picked from commit 1234)\n%s",
        b"subject\n\nAcked-by: some\n one\n%s",
        b"subject\n\nbody: with colon\nmore body\n\n%sReviewed-by: x\n",
        b"subject\n\n  Lfci-Session: quoted\n\n%s",
        b"subject\n\ntext about Lfci-Attestation: in the middle\n\n%s",
        b"subject\n\ncode\n----\n\n%s",
        b"subject\n\n%s\t\n",
        b"subject\n\n# Heading\n\ntext\n#1\n\n%s",
        b"# subject\n\n%s",
        b"subject\n\nConflicts:\n\tfile\n\n%s",
    ],
)
def test_ordinary_messages_around_a_trailer_are_accepted(around: bytes) -> None:
    assert find_trailers(around % LINE) == {ATTESTATION: IDENTIFIER}


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"subject",
        b"subject\n\n---\npatch\n",
        b"subject\r\n\r\nbody",
        b"# comment\n\nbody\n\nSigned-off-by: x\nSigned-off-by: x\n",
        b"subject\n\nlfci-something: else\n",
        b"subject\n\nabout Lfci-Attestation and Lfci-Session\n",
    ],
)
def test_a_message_without_our_keys_is_never_refused(message: bytes) -> None:
    assert find_trailers(message) == {}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"subject\n\n" + LINE + LINE, id="twice"),
        pytest.param(b"subject\n\n" + LINE + LINE.replace(b"0123", b"4567", 1), id="two values"),
        pytest.param(b"subject\n\n" + LINE + b"\nSigned-off-by: x\n", id="not in the last paragraph"),
        pytest.param(b"subject\n\n" + LINE + b"\n" + LINE, id="also in an earlier paragraph"),
        pytest.param(LINE, id="it is the subject"),
        pytest.param(b"subject\n" + LINE, id="in the subject's paragraph"),
        pytest.param(b"\n" + LINE, id="no subject"),
        pytest.param(b"\nsubject\n\n" + LINE, id="starts with an empty line"),
        pytest.param(b"subject\n\nprose\n" + LINE, id="prose in the paragraph"),
        pytest.param(b"subject\n\n" + LINE + b"prose\n", id="prose behind it"),
        pytest.param(b"subject\n\n indented\n" + LINE, id="paragraph starts with a continuation"),
        pytest.param(b"subject\n\n" + LINE + b" more\n", id="goes on in a second line"),
        pytest.param(b"subject\n\n" + LINE + b"\n---\n", id="divider behind"),
        pytest.param(b"subject\n\n---\n\n" + LINE, id="divider in front"),
        pytest.param(b"subject\n\n--- a/file\n\n" + LINE, id="divider with text"),
        pytest.param(b"subject\n\n---\tx\n\n" + LINE, id="divider with a tab"),
        pytest.param(b"subject\n\n" + LINE + b"# comment\n", id="comment behind"),
        pytest.param(b"subject\n\n# comment\n" + LINE, id="comment in front"),
        pytest.param(b"subject\n\n" + LINE + b"\nConflicts:\n\tfile\n", id="conflicts behind"),
        pytest.param(b"subject\n\n" + LINE + b"Conflicts:\n", id="conflicts in the paragraph"),
        pytest.param(b"subject\n\n" + LINE + b"\n# comment\n", id="comment in a paragraph behind"),
        pytest.param(b"subject\n\n; ------------------------ >8 ---\n\n" + LINE, id="scissors"),
        pytest.param(
            b"subject\n---\n\n" + LINE + b"# ------------------------ >8 ------------------------\n",
            id="divider in front of scissors, on which git 2.39 never ends",
        ),
        pytest.param(b"subject\n\n" + LINE + b"\0", id="NUL behind"),
        pytest.param(b"subject\0\n\n" + LINE, id="NUL in front"),
        pytest.param(b"no trailer\0at all", id="NUL alone"),
        pytest.param((b"subject\n\n" + LINE).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(b"subject\n\v\n" + LINE, id="vertical tab"),
        pytest.param(b"subject\n\n" + LINE.lower(), id="lower case"),
        pytest.param(b"subject\n\n" + LINE.replace(b":", b" :", 1), id="space before the colon"),
        pytest.param(b"subject\n\n" + LINE.replace(b": ", b":", 1), id="no space behind the colon"),
        pytest.param(b"subject\n\n" + LINE.replace(b": ", b":  ", 1), id="two spaces"),
        pytest.param(b"subject\n\n" + LINE[:-1] + b" \n", id="space at the end"),
        pytest.param(b"subject\n\n" + LINE[:-1] + b" x\n", id="space inside"),
        pytest.param(b"subject\n\nLfci-Session: \n", id="empty value"),
        pytest.param(b"subject\n\nLfci-Session:\n", id="no value"),
        pytest.param("subject\n\nLfci-Session: é\n".encode(), id="not ASCII"),
    ],
)
def test_g_a_message_that_readers_disagree_about_is_refused(message: bytes) -> None:
    assert code_of(lambda: find_trailers(message)) == "LFCI409"


# -- git's two readers -----------------------------------------------------------------------

_TRAILERS = [LINE, OTHER, b"Signed-off-by: A <a@b>\n", b"(cherry picked from commit 1)\n", b"a: b\n"]
_PROSE = [
    b"subject\n",
    b"# heading\n",
    b"Conflicts:\n",
    b"\tfile\n",
    b"\n",
    b"\n",
    b"\n\n",
    b"body text\n",
    b"key with: colon\n",
    b"#",
    b"- a\n",
]
_ODD = [
    *(b" more\n", b"---\n", b"--- x\n", b"# note\n", b"Conflicts:\n", b"Conflicts: \n", b"\tfile\n", b"\t\n"),
    *(b"lfci-session: low\n", b"Lfci-Session : x\n", b"Lfci-Session: x y\n", b"\r\n", b"----------- >8 -\n"),
    b"# ------------------------ >8 ------------------------\n",
]
_PIECES = _TRAILERS + _PROSE + _ODD


def some_message(rng: random.Random) -> bytes:
    """Half of them well-formed but for one odd line; half of any lines."""
    if rng.random() < 0.5:
        return b"".join(rng.choices(_PIECES, k=rng.randint(1, 7)))
    lines = [b"subject\n", b"\n", *rng.choices(_PROSE, k=rng.randint(0, 3)), b"\n"]
    lines += rng.sample(_TRAILERS, rng.randint(1, 4))
    if rng.random() < 0.6:
        lines.insert(rng.randint(0, len(lines)), rng.choice(_ODD))
    return b"".join(lines)


def ours(output: bytes) -> list[tuple[str, str]]:
    """(key, value) of our keys as a reader of git prints them."""
    found = []
    for line in output.decode("utf-8", "replace").split("\n"):
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in (ATTESTATION.lower(), SESSION.lower()):
            found.append((key.strip(), value.strip()))
    return sorted(found)


def test_g_what_is_found_is_what_both_readers_of_git_find(repo: Repo) -> None:
    rng = random.Random(409)
    messages = {some_message(rng) for _ in range(900)}
    outcomes = {message: code_of(lambda message=message: find_trailers(message)) for message in messages}
    accepted = sorted(message for message, code in outcomes.items() if code is None)
    assert sum(1 for message in accepted if find_trailers(message)) > 40
    assert sum(1 for code in outcomes.values() if code == "LFCI409") > 200

    tree = repo.git("mktree", input=b"").strip()
    person = b"A <a@b> 0 +0000\n"
    place = repo.path.parent / "commits"
    place.mkdir()
    for number, message in enumerate(accepted):
        data = b"tree " + tree + b"\nauthor " + person + b"committer " + person + b"\n" + message
        (place / f"{number:04}").write_bytes(data)
    paths = "\n".join(str(path) for path in sorted(place.iterdir())).encode()
    commits = repo.git("hash-object", "-t", "commit", "-w", "--stdin-paths", input=paths)
    form = "--format=%x00%(trailers:only,unfold)"
    by_log = repo.git("log", "--no-walk=unsorted", "--stdin", form, input=commits).split(b"\0")[1:]
    for message, trailers in zip(accepted, by_log, strict=True):
        found = sorted(find_trailers(message).items())
        assert ours(trailers) == found, message
        # Only where a trailer is: git 2.39 never ends on some dividers in front of scissors.
        if found:
            parsed = repo.git("interpret-trailers", "--parse", input=message)
            assert ours(parsed) == found, message


# -- adding ------------------------------------------------------------------------------------


def test_a_trailer_becomes_a_paragraph_or_joins_one() -> None:
    assert add_trailer(b"subject\n", SESSION, "x") == b"subject\n\nLfci-Session: x\n"
    assert add_trailer(b"key: subject\n", SESSION, "x") == b"key: subject\n\nLfci-Session: x\n"
    signed = b"subject\n\nSigned-off-by: A <a@b>\n"
    assert add_trailer(signed, SESSION, "x") == signed + b"Lfci-Session: x\n"
    assert add_trailer(b"subject\n\nprose: and\nmore\n", SESSION, "x").endswith(b"more\n\nLfci-Session: x\n")


def test_an_older_value_is_replaced_in_its_place() -> None:
    once = add_trailer(add_trailer(b"subject\n", ATTESTATION, "a"), SESSION, "b")
    assert add_trailer(once, ATTESTATION, "a") == once
    assert add_trailer(once, ATTESTATION, "c") == once.replace(b": a", b": c")


@pytest.mark.parametrize("message", [b"", b"\n\n", b"subject\n\n---\npatch\n", b"a\0b", b"subject\r\n", LINE])
def test_where_no_trailer_can_stand_none_is_added(message: bytes) -> None:
    assert code_of(lambda: add_trailer(message, SESSION, "x")) == "LFCI409"


@pytest.mark.parametrize(
    ("key", "value"), [("Signed-off-by", "x"), (SESSION, ""), (SESSION, "a b"), (SESSION, "a\nb")]
)
def test_only_our_trailers_are_added(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="not a trailer"):
        add_trailer(b"subject\n", key, value)


@given(st.lists(st.sampled_from(_PIECES) | st.binary(max_size=6), max_size=8).map(b"".join))
def test_any_bytes_are_read_or_refused_and_what_is_added_is_found(message: bytes) -> None:
    assert code_of(lambda: find_trailers(message)) in (None, "LFCI409")
    if code_of(lambda: add_trailer(message, ATTESTATION, IDENTIFIER)) is None:
        added = add_trailer(message, ATTESTATION, IDENTIFIER)
        assert find_trailers(added) == {**find_trailers(message), ATTESTATION: IDENTIFIER}
    else:
        assert code_of(lambda: add_trailer(message, ATTESTATION, IDENTIFIER)) == "LFCI409"
