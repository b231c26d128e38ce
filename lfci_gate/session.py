"""Sessions: bounded units of work by one agent, each from a base snapshot.

A worktree has at most one open session, in ``lfci/session.json`` of the worktree's own git
directory; ended ones are ``lfci/sessions/<id>.json`` in the directory that all worktrees share.
Ending is one write: the file gets its ``endedAt`` in place, and whoever comes next moves it to the
archive, so a crash at any point leaves a session open or ended, never lost and never both.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lfci_gate import files
from lfci_gate.canonical import format_time, is_plain
from lfci_gate.errors import UsageError
from lfci_gate.git.names import empty_tree
from lfci_gate.git.process import Git
from lfci_gate.model import ObjectId, Session, SessionFact, Snapshot
from lfci_gate.session_file import (
    MAX_NOTES,
    MAX_TEXT,
    is_session_id,
    read_session,
    write_session,
)
from lfci_gate.value import replace


class Started(NamedTuple):
    session: Session
    is_new: bool
    """False when a session was open already and ``if_none`` was asked for."""


def start(git: Git, *, agent: str, goal: str, now: datetime, if_none: bool = False) -> Started:
    """Opens a session in the worktree that ``git`` is in.

    Records HEAD's commit and snapshot and, where the working copy differs, the tree of what is
    there. ``now`` is in UTC; fractions of a second are dropped. With ``if_none`` an open session is
    left as it is and returned.

    Raises UsageError LFCI521 when a session is open, LFCI514 for an ``agent`` or ``goal`` that is
    no plain text, LFCI510 without a working copy; Undecided LFCI509 (damaged session file),
    LFCI515 (somebody else is starting one); what taking the snapshots raises.
    """
    _check_text("agent", agent, max_chars=1024, lines=False)
    _check_text("goal", goal, max_chars=MAX_TEXT, lines=True)
    worktree = _shown_path(git.toplevel)
    open_one = current(git)
    if open_one is None:
        commit, base, dirty = _states(git)
        made = Session(
            id=base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode("ascii"),
            agent=agent,
            goal=goal,
            base_commit=commit,
            base=base,
            dirty_tree=dirty,
            started_at=_whole_seconds(now),
            ended_at=None,
            notes=(),
            worktree=worktree,
        )
        # The snapshots are taken outside the lock: only then it matters who was first.
        with _changing(git) as open_one:
            if open_one is None:
                write_session(_path(git), made)
                return Started(made, is_new=True)
    if if_none:
        return Started(open_one, is_new=False)
    raise UsageError(
        "LFCI521",
        "a session is already open in this worktree",
        facts=(
            f"id: {open_one.id}",
            f"agent: {open_one.agent}",
            f"since: {format_time(open_one.started_at)}",
        ),
    )


def current(git: Git) -> Session | None:
    """The open session of the worktree that ``git`` is in. Raises Undecided LFCI509, LFCI520."""
    session = read_session(_path(git))
    return session if session is not None and session.ended_at is None else None


def note(git: Git, text: str, *, now: datetime) -> Session:
    """Adds a note to the open session and returns it.

    Raises UsageError LFCI509 when none is open, LFCI514 when ``text`` is no plain text or the session
    has MAX_NOTES notes; Refusal LFCI412 when they are too long together; Undecided LFCI509, LFCI515.
    """
    _check_text("note", text, max_chars=MAX_TEXT, lines=True)
    with _changing(git) as session:
        if session is None:
            raise _no_session()
        noted = replace(session, notes=(*session.notes, (_whole_seconds(now), text)))
        if len(noted.notes) > MAX_NOTES:
            raise UsageError("LFCI514", f"a session has at most {MAX_NOTES} notes", hint="lfci session end")
        write_session(_path(git), noted)
    return noted


def end(git: Git, *, now: datetime) -> Session:
    """Ends the open session, archives it and returns it.

    Raises UsageError LFCI509 when none is open; Undecided LFCI509, LFCI515.
    """
    with _changing(git) as session:
        if session is None:
            raise _no_session()
        ended = replace(session, ended_at=_whole_seconds(now))
        write_session(_path(git), ended)
        _archive(git, ended)
    return ended


def list_sessions(git: Git) -> tuple[Session, ...]:
    """All sessions of the repository, open in any worktree or ended, by start time.

    Raises Undecided LFCI509 naming the file when one is damaged.
    """
    # The archive last: a session that is moved there meanwhile is seen twice, never missed.
    paths = [git.common_dir / "lfci/session.json", *git.common_dir.glob("worktrees/*/lfci/session.json")]
    sessions = [read_session(path) for path in paths]
    sessions += [read_session(path) for path in _archives(git).glob("*.json")]
    found = {session.id: session for session in sessions if session is not None}
    return tuple(sorted(found.values(), key=lambda session: (session.started_at, session.id)))


def find(git: Git, session_id: str) -> Session | None:
    """The session of this id, open in this worktree or ended. Raises Undecided LFCI509."""
    if not is_session_id(session_id):
        return None
    session = read_session(_path(git))
    if session is not None and session.id == session_id:
        return session
    return read_session(_archives(git) / f"{session_id}.json")


def session_fact(session: Session) -> SessionFact:
    """What an attestation says about the session it was made in."""
    return SessionFact(
        id=session.id,
        base_commit=session.base_commit,
        base_tree=session.base.tree,
        snapshot=session.base.digest,
        started_at=session.started_at,
    )


# -- where things are ---------------------------------------------------------------------------


def _path(git: Git) -> Path:
    return git.git_dir / "lfci/session.json"


def _archives(git: Git) -> Path:
    return git.common_dir / "lfci/sessions"


@contextmanager
def _changing(git: Git) -> Iterator[Session | None]:
    """The open session, which nobody else changes meanwhile; an ended one is archived first."""
    with files.locked(git.git_dir / "lfci/session.lock"):
        session = read_session(_path(git))
        if session is not None and session.ended_at is not None:
            _archive(git, session)
            session = None
        yield session


def _archive(git: Git, session: Session) -> None:
    write_session(_archives(git) / f"{session.id}.json", session)
    files.remove(_path(git))


# -- what is recorded ---------------------------------------------------------------------------


def _states(git: Git) -> tuple[ObjectId | None, Snapshot, ObjectId | None]:
    """HEAD's commit (None before the first), its snapshot, and the working copy's tree if it differs.

    The working copy is looked at beside: that is mostly waiting for git, and takes about as long as
    finding the lockfiles.
    """
    from lfci_gate.git.objects import BatchReader
    from lfci_gate.git.worktree import snapshot_worktree
    from lfci_gate.snapshot import take_snapshot

    with _beside(lambda: snapshot_worktree(git)) as there, BatchReader(git) as source:
        commit = source.resolve("HEAD^{commit}")
        tree = None if commit is None else source.resolve(f"{commit}^{{tree}}")
        base = take_snapshot(source, tree or empty_tree(source.hash_name))
    return commit, base, there[0] if there[0] != base.tree else None


@contextmanager
def _beside(work: Callable[[], ObjectId]) -> Iterator[list[ObjectId]]:
    """Runs ``work`` in a thread while the body runs; its result is in the list after the body."""
    results: list[ObjectId] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised below, where somebody can see it
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield results
    finally:
        thread.join()
    for error in errors:
        raise error


def _whole_seconds(now: datetime) -> datetime:
    return now.replace(microsecond=0)


def _shown_path(path: Path) -> str:
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return text if is_plain(text) else ascii(text)[1:-1]


def _check_text(name: str, text: str, *, max_chars: int, lines: bool) -> None:
    if not text or len(text) > max_chars or not is_plain(text, lines=lines):
        raise UsageError(
            "LFCI514",
            f"the {name} must be plain text of 1 to {max_chars} characters",
            facts=(f"given: {ascii(text[:60])}",),
        )


def _no_session() -> UsageError:
    return UsageError("LFCI509", "no session is open in this worktree")
