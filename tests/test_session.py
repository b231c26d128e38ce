"""One open session for each worktree; it survives whatever is killed when."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate import session, session_file
from lfci_gate.canonical import parse_time
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.git.names import empty_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import FileDigest, ObjectId, Session, Sha256, Snapshot
from lfci_gate.session_file import format_session, parse_session
from lfci_gate.snapshot import take_snapshot
from tests.support.repos import Repo, make_repo

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path / "repo")
    made.write("flake.nix", b"{ }")
    made.write("mix.lock", b"%{}")
    made.commit()
    return made


def begin(
    git: Git, *, agent: str = "agent-7", goal: str = "mend it", if_none: bool = False
) -> session.Started:
    return session.start(git, agent=agent, goal=goal, now=NOW, if_none=if_none)


def files_of(repo: Repo) -> set[str]:
    """What lfci keeps below the git directory, locks aside."""
    git = repo.path / ".git"
    return {
        str(path.relative_to(git))
        for path in git.rglob("lfci/**/*")
        if path.is_file() and path.suffix != ".lock"
    }


# -- start ---------------------------------------------------------------------------------------


def test_a_session_records_where_it_started(repo: Repo) -> None:
    started = begin(repo.tool)
    made = started.session
    assert started.is_new
    assert session_file.is_session_id(made.id)
    assert (made.agent, made.goal, made.started_at) == ("agent-7", "mend it", NOW)
    assert (made.ended_at, made.notes, made.dirty_tree) == (None, (), None)
    assert made.base_commit == repo.line("rev-parse", "HEAD")
    assert made.worktree == str(repo.path)
    with BatchReader(repo.tool) as source:
        assert made.base == take_snapshot(source, ObjectId(repo.line("rev-parse", "HEAD^{tree}")))
    assert session.current(repo.tool) == made
    assert session.current(Git(repo.path / ".git/..")) == made
    assert files_of(repo) == {"lfci/session.json"}


def test_what_is_not_committed_is_recorded_and_the_index_is_not_touched(repo: Repo) -> None:
    repo.write("mix.lock", b"%{changed: 1}")
    repo.write("new", b"untracked")
    index = (repo.path / ".git/index").read_bytes()
    made = begin(repo.tool).session
    assert (repo.path / ".git/index").read_bytes() == index
    assert made.dirty_tree is not None
    assert made.base.tree == repo.line("rev-parse", "HEAD^{tree}")
    repo.git("add", "-A")
    assert made.dirty_tree == repo.line("write-tree")


def test_a_touched_but_equal_file_is_not_dirty(repo: Repo) -> None:
    os.utime(repo.path / "mix.lock", ns=(1, 1))
    assert begin(repo.tool).session.dirty_tree is None


def test_before_the_first_commit_the_base_is_the_empty_tree(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "unborn")
    repo.write("file", b"x")
    made = begin(repo.tool).session
    assert made.base_commit is None
    assert made.base.tree == empty_tree("sha1")
    repo.git("add", "-A")
    assert made.dirty_tree == repo.line("write-tree")


def test_fractions_of_a_second_are_dropped(repo: Repo) -> None:
    started = session.start(repo.tool, agent="a", goal="g", now=NOW + timedelta(microseconds=999_999))
    assert started.session.started_at == NOW


def test_a_second_start_says_that_one_is_open(repo: Repo) -> None:
    first = begin(repo.tool).session
    with pytest.raises(UsageError) as caught:
        begin(repo.tool, agent="other")
    assert caught.value.code == "LFCI521"
    assert f"id: {first.id}" in caught.value.facts
    assert session.current(repo.tool) == first


def test_with_if_none_an_open_session_is_left_as_it_is(repo: Repo) -> None:
    first = begin(repo.tool, if_none=True)
    again = begin(repo.tool, agent="other", if_none=True)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.session == first.session == session.current(repo.tool)


def test_a_session_needs_a_working_copy(tmp_path: Path) -> None:
    bare = make_repo(tmp_path / "bare.git", bare=True)
    with pytest.raises(UsageError) as caught:
        begin(bare.tool)
    assert caught.value.code == "LFCI510"
    assert not (bare.path / "lfci").exists()


@pytest.mark.parametrize(
    ("agent", "goal"),
    [
        ("", "g"),
        ("a\nb", "g"),
        ("a", ""),
        ("a", "\x1b[2J"),
        ("\udcff", "g"),
        ("a" * 1025, "g"),
        ("a", "g" * 16_385),
    ],
)
def test_agent_and_goal_are_plain_text(repo: Repo, agent: str, goal: str) -> None:
    with pytest.raises(UsageError) as caught:
        begin(repo.tool, agent=agent, goal=goal)
    assert caught.value.code == "LFCI514"
    assert session.current(repo.tool) is None


def test_the_path_of_a_worktree_need_not_be_plain_text(tmp_path: Path) -> None:
    repo = make_repo(Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\x1b\xff")))
    made = begin(repo.tool).session
    assert made.worktree.endswith("/odd\\x1b\\\\xff")
    assert session.current(repo.tool) == made


# -- note, end, list -----------------------------------------------------------------------------


def test_notes_are_kept_in_order(repo: Repo) -> None:
    begin(repo.tool)
    session.note(repo.tool, "first\nof two lines", now=NOW + timedelta(seconds=1))
    noted = session.note(repo.tool, "second", now=NOW + timedelta(seconds=2))
    assert noted.notes == (
        (NOW + timedelta(seconds=1), "first\nof two lines"),
        (NOW + timedelta(seconds=2), "second"),
    )
    assert session.current(repo.tool) == noted


def test_a_session_has_a_last_note(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_NOTES", 1)
    begin(repo.tool)
    kept = session.note(repo.tool, "one", now=NOW)
    with pytest.raises(UsageError) as caught:
        session.note(repo.tool, "two", now=NOW)
    assert caught.value.code == "LFCI514"
    assert session.current(repo.tool) == kept


def test_a_session_that_could_not_be_read_back_is_not_written(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = begin(repo.tool).session
    monkeypatch.setattr(session_file, "MAX_BYTES", len(format_session(kept)) + 50)
    with pytest.raises(Refusal) as caught:
        session.note(repo.tool, "x" * 100, now=NOW)
    assert caught.value.code == "LFCI412"
    assert session.current(repo.tool) == kept


def test_an_ended_session_is_archived_and_the_next_can_start(repo: Repo) -> None:
    first = begin(repo.tool).session
    ended = session.end(repo.tool, now=NOW + timedelta(hours=1))
    assert ended == replace(first, ended_at=NOW + timedelta(hours=1))
    assert session.current(repo.tool) is None
    assert files_of(repo) == {f"lfci/sessions/{first.id}.json"}
    assert session.find(repo.tool, first.id) == ended
    second = begin(repo.tool).session
    assert second.id != first.id
    assert {each.id for each in session.list_sessions(repo.tool)} == {first.id, second.id}


@pytest.mark.parametrize("verb", ["note", "end"])
def test_without_a_session_there_is_nothing_to_note_or_end(repo: Repo, verb: str) -> None:
    with pytest.raises(UsageError) as caught:
        session.note(repo.tool, "x", now=NOW) if verb == "note" else session.end(repo.tool, now=NOW)
    assert caught.value.code == "LFCI509"
    assert files_of(repo) == set()


def test_each_worktree_has_its_own_session_and_all_are_listed(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "second"))
    second = Git(tmp_path / "second")
    one = begin(repo.tool, agent="one").session
    two = begin(second, agent="two").session
    assert (session.current(repo.tool), session.current(second)) == (one, two)
    assert files_of(repo) == {"lfci/session.json", "worktrees/second/lfci/session.json"}
    session.end(second, now=NOW)
    assert session.current(repo.tool) == one
    assert {each.agent for each in session.list_sessions(second)} == {"one", "two"}
    assert session.find(repo.tool, two.id) == replace(two, ended_at=NOW)


def test_only_an_id_finds_a_session(repo: Repo) -> None:
    assert session.find(repo.tool, "../session") is None
    assert session.find(repo.tool, "A" * 22) is None


def test_what_an_attestation_says_about_its_session(repo: Repo) -> None:
    made = begin(repo.tool).session
    fact = session.session_fact(made)
    assert (fact.id, fact.base_commit, fact.started_at) == (made.id, made.base_commit, NOW)
    assert (fact.base_tree, fact.snapshot) == (made.base.tree, made.base.digest)


# -- crashes and races -----------------------------------------------------------------------------


def test_ending_that_was_killed_half_way_is_finished_by_the_next_start(repo: Repo) -> None:
    first = begin(repo.tool).session
    ended = replace(first, ended_at=NOW)
    session_file.write_session(repo.path / ".git/lfci/session.json", ended)
    assert session.current(repo.tool) is None
    assert session.list_sessions(repo.tool) == (ended,)
    assert session.find(repo.tool, first.id) == ended
    second = begin(repo.tool).session
    assert files_of(repo) == {"lfci/session.json", f"lfci/sessions/{first.id}.json"}
    assert session.list_sessions(repo.tool) == tuple(sorted((ended, second), key=lambda each: each.id))


_WORKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from lfci_gate import session
from lfci_gate.errors import UsageError
from lfci_gate.git.process import Git
git = Git(Path(sys.argv[1]))
now = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
for n in range(int(sys.argv[2])):
    try:
        print(session.start(git, agent="a", goal="g", now=now).session.id, flush=True)
        session.note(git, "x" * 1000, now=now)
        session.end(git, now=now)
    except UsageError as error:
        if error.code not in ("LFCI521", "LFCI509"):
            raise
"""


def worker(repo: Repo, rounds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, repo.path, str(rounds)], stdout=subprocess.PIPE, text=True
    )


def test_of_many_that_start_at_once_one_wins_each_time_and_none_is_lost(repo: Repo) -> None:
    workers = [worker(repo, 5) for _ in range(4)]
    printed = [child.communicate(timeout=120)[0].split() for child in workers]
    assert [child.returncode for child in workers] == [0] * 4
    started = [each for lines in printed for each in lines]
    known = {each.id: each for each in session.list_sessions(repo.tool)}
    assert set(known) == set(started)
    assert len(set(started)) == len(started)
    assert sum(each.ended_at is None for each in known.values()) <= 1


def test_kill_9_leaves_an_open_or_an_ended_session(repo: Repo) -> None:
    seen: list[str] = []
    for n in range(6):
        child = worker(repo, 1_000)
        assert child.stdout is not None
        seen.append(child.stdout.readline().strip())  # one has started, however busy the machine is
        time.sleep(0.041 * n)
        child.send_signal(signal.SIGKILL)
        seen += child.communicate(timeout=60)[0].split()
        known = {each.id: each for each in session.list_sessions(repo.tool)}
        assert set(seen) <= set(known)
        if session.current(repo.tool) is not None:
            session.end(repo.tool, now=NOW)
    assert all(each.ended_at is not None for each in session.list_sessions(repo.tool))


# -- the file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"{}", b"[]", b"null", b'{"schema":"lfci.session/2"}', b"\xff"]
)
def test_a_damaged_session_file_is_named_and_never_guessed(repo: Repo, damage: bytes) -> None:
    path = repo.path / ".git/lfci/session.json"
    path.parent.mkdir()
    path.write_bytes(damage)
    for read in (session.current, session.list_sessions, begin):
        with pytest.raises(Undecided) as caught:
            read(repo.tool)
        assert caught.value.code == "LFCI509"
        assert any(str(path) in fact for fact in caught.value.facts)
    assert path.read_bytes() == damage


def sample() -> Session:
    digests = (FileDigest("flake.nix", Sha256("1" * 64)), FileDigest("z", Sha256("2" * 64)))
    return Session(
        id="A" * 22,
        agent="agent-7",
        goal="mend\nit",
        base_commit=ObjectId("3" * 40),
        base=Snapshot(ObjectId("4" * 40), digests, digests[:1], (), Sha256("5" * 64)),
        dirty_tree=ObjectId("6" * 40),
        started_at=NOW,
        ended_at=NOW,
        notes=((NOW, "héllo"),),
        worktree="/home/ada/project",
    )


def test_a_session_survives_its_file() -> None:
    for each in (sample(), replace(sample(), base_commit=None, dirty_tree=None, ended_at=None, notes=())):
        assert parse_session(format_session(each)) == each


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"extra": 1}, "extra"),
        ({"id": "short"}, "id"),
        ({"agent": "a\nb"}, "agent"),
        ({"baseCommit": "xyz"}, "baseCommit"),
        ({"startedAt": "2026-11-23T05:40:00+00:00"}, "startedAt"),
        ({"endedAt": "never"}, "endedAt"),
        ({"notes": [{"at": "2026-11-23T05:40:00Z"}]}, "notes"),
        ({"base": {}}, "base"),
        ({"schema": "lfci.session/2"}, "schema"),
    ],
)
def test_the_file_is_read_strictly(change: dict[str, object], where: str) -> None:
    document = json.loads(format_session(sample())) | change
    with pytest.raises(Undecided, match=where) as caught:
        parse_session(json.dumps(document).encode())
    assert caught.value.code == "LFCI509"


@given(st.binary(max_size=60) | st.integers(0, 600).map(lambda cut: format_session(sample())[:cut]))
def test_any_bytes_are_a_session_or_one_error(data: bytes) -> None:
    try:
        assert format_session(parse_session(data)) == data
    except LfciError as error:
        assert (type(error), error.code) == (Undecided, "LFCI509")  # noqa: PT017


@given(st.integers(0, len(format_session(sample())) - 1), st.integers(0, 255))
def test_any_changed_byte_gives_another_session_or_one_error(at: int, byte: int) -> None:
    data = bytearray(format_session(sample()))
    unchanged = data[at] == byte
    data[at] = byte
    try:
        assert unchanged == (parse_session(bytes(data)) == sample())
    except Undecided as error:
        assert error.code == "LFCI509"  # noqa: PT017


def test_times_are_written_the_one_way() -> None:
    assert json.loads(format_session(sample()))["startedAt"] == "2026-11-23T05:40:00Z"
    assert parse_time("2026-11-23T05:40:00Z") == NOW
