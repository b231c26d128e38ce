"""The Lfci-Session trailer in messages as git prepares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.cli.commit_message import with_session
from lfci_gate.errors import Refusal
from lfci_gate.git.trailers import find_trailers

ID = "AAECAwQFBgcICQoLDA0ODw"
OTHER = "BBECAwQFBgcICQoLDA0ODw"
LINE = f"Lfci-Session: {ID}\n".encode()
OLD = f"Lfci-Session: {OTHER}\n".encode()
COMMENTS = b"# Please enter the commit message for your changes.\n#\n# On branch main\n"
SCISSORS = b"# ------------------------ >8 ------------------------\n# Do not touch\ndiff --git a b\n\n+x\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"fix\n", b"fix\n\n" + LINE),
        (b"fix", b"fix\n\n" + LINE),
        (b"fix\n\nbody\n", b"fix\n\nbody\n\n" + LINE),
        (b"fix\n\nSigned-off-by: A <a@b>\n", b"fix\n\nSigned-off-by: A <a@b>\n" + LINE),
        (b"fix\n\n" + OLD, b"fix\n\n" + LINE),
        (b"fix\n\n" + COMMENTS, b"fix\n\n" + LINE + b"\n" + COMMENTS),
        (b"fix\n" + COMMENTS, b"fix\n\n" + LINE + b"\n" + COMMENTS),
        (b"fix\n\n" + COMMENTS + SCISSORS, b"fix\n\n" + LINE + b"\n" + COMMENTS + SCISSORS),
        (
            b"Merge branch 'x'\n\n# Conflicts:\n#\ta\n",
            b"Merge branch 'x'\n\n" + LINE + b"\n# Conflicts:\n#\ta\n",
        ),
    ],
)
def test_the_trailer_goes_below_the_message_and_above_the_comments(before: bytes, after: bytes) -> None:
    assert with_session(before, ID) == after


@pytest.mark.parametrize("empty", [b"", b"\n", b"\n" + COMMENTS, b"\n\n" + COMMENTS + SCISSORS])
def test_an_empty_message_stays_empty_so_that_git_still_aborts(empty: bytes) -> None:
    assert with_session(empty, ID) == empty


@pytest.mark.parametrize("session", [ID, None])
@pytest.mark.parametrize(
    "message",
    [
        b"fix\n\n--- a divider\n\nbody\n",
        b"fix\0\n",
    ],
)
def test_a_message_that_cannot_carry_a_trailer_is_left_alone(message: bytes, session: str | None) -> None:
    assert with_session(message, session) == message


def test_another_comment_character() -> None:
    assert with_session(b"fix\n\n; comment\n", ID, comment=b";") == b"fix\n\n" + LINE + b"\n; comment\n"


SQUASHED = (
    b"# This is a combination of 2 commits.\n# This is the 1st commit message:\n\none\n\n" + LINE
    + b"\n# This is the commit message #2:\n\ntwo\n\n"
)  # fmt: skip


def test_of_squashed_commits_the_open_session_stays() -> None:
    done = with_session(SQUASHED + OLD + b"\n" + COMMENTS, ID)
    message = done.removesuffix(COMMENTS)
    assert find_trailers(message) == {"Lfci-Session": ID}
    assert b"one" in message
    assert b"two" in message


def test_of_squashed_commits_of_one_session_it_stays_without_an_open_one() -> None:
    assert find_trailers(with_session(SQUASHED + LINE, None)) == {"Lfci-Session": ID}


def test_of_squashed_commits_of_two_sessions_none_stays_without_an_open_one() -> None:
    assert b"Lfci-Session" not in with_session(SQUASHED + OLD, None)


@pytest.mark.parametrize("message", [b"fix\n", b"fix\n\n" + OLD, b"", b"fix\n\n" + COMMENTS])
def test_without_a_session_nothing_changes(message: bytes) -> None:
    assert with_session(message, None) == message


@pytest.mark.hypothesis
@given(st.binary(max_size=200) | st.lists(st.sampled_from([
    b"fix", b"", b"# c", b"body", b"A: b", b"---", LINE[:-1], OLD[:-1], SCISSORS,
]), max_size=12).map(b"\n".join))  # fmt: skip
def test_any_message_stays_itself_or_gets_a_trailer_that_can_be_read(message: bytes) -> None:
    done = with_session(message, ID)
    if done == message:
        return
    lines = [line for line in done.partition(b"# ---")[0].split(b"\n") if not line.startswith(b"#")]
    while not lines[0].strip():
        lines.pop(0)  # as git's own clean-up of a message does
    proper = b"\n".join(lines)
    try:
        assert find_trailers(proper) == {"Lfci-Session": ID}
    except Refusal as error:
        raise AssertionError(f"the gate would refuse it: {error}") from error
    assert with_session(done, ID) == done
