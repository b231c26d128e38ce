"""How a session is written down: one canonical JSON document (docs/formats.md, "Session files").

Read strictly: a file that was edited by hand, half copied or written by a newer version is one
error that names the file, never a session with guessed values.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields, format_time, parse_time
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.model import FileDigest, ObjectId, Session, Sha256, Snapshot

SCHEMA = "lfci.session/1"
MAX_BYTES = 4 << 20
MAX_TEXT = 16_384
"""Characters of a goal or a note."""
MAX_NOTES = 2_000
MAX_FILES = 10_000

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_session_id(text: str) -> bool:
    """Whether ``text`` is 16 bytes as URL-safe base64 without padding, which every session id is."""
    return _SESSION_ID.fullmatch(text) is not None


def format_session(session: Session) -> bytes:
    """The document of ``session``: canonical JSON."""
    return canonical.dumps(
        {
            "schema": SCHEMA,
            "id": session.id,
            "agent": session.agent,
            "goal": session.goal,
            "baseCommit": session.base_commit,
            "base": {
                "tree": session.base.tree,
                "flake": _pairs(session.base.flake),
                "lockfiles": _pairs(session.base.lockfiles),
                "config": _pairs(session.base.config),
                "digest": session.base.digest,
            },
            "dirtyTree": session.dirty_tree,
            "startedAt": format_time(session.started_at),
            "endedAt": None if session.ended_at is None else format_time(session.ended_at),
            "notes": [{"at": format_time(at), "text": text} for at, text in session.notes],
            "worktree": session.worktree,
        }
    )


def parse_session(data: bytes) -> Session:
    """The session that ``data`` describes; ``format_session`` of it gives an equal document.

    Raises Undecided LFCI509 for anything else.
    """
    try:
        value = canonical.loads(data, code="LFCI509", what="session file", max_bytes=MAX_BYTES)
        return _session(Fields(value, error=Undecided, code="LFCI509", what="session file"))
    except Undecided:
        raise
    except LfciError as error:
        # Reading a file of our own decides nothing: damage there is never a refusal.
        raise Undecided(error.code, error.message, facts=error.facts) from None


def read_session(path: Path) -> Session | None:
    """The session in the file ``path``; None when there is no such file.

    Raises Undecided LFCI509 when it is damaged, LFCI520 when it cannot be read.
    """
    data = files.read_file(path, MAX_BYTES)
    if data is None:
        return None
    try:
        return parse_session(data)
    except Undecided as error:
        raise Undecided(
            error.code,
            error.message,
            facts=(f"file: {ascii(str(path))}",),
            hint=f"move the file away and start again: {path}",
        ) from None


def write_session(path: Path, session: Session) -> None:
    """Writes ``session`` to ``path`` in one step.

    Raises Refusal LFCI412 when it would be larger than what is read; Undecided LFCI502, LFCI520.
    """
    data = format_session(session)
    if len(data) > MAX_BYTES:
        raise Refusal("LFCI412", f"the session would be larger than {MAX_BYTES} bytes")
    files.write_file(path, data)


# -- parts ----------------------------------------------------------------------------------


def _pairs(digests: tuple[FileDigest, ...]) -> dict[str, str]:
    return {file.path: file.sha256 for file in digests}


def _session(fields: Fields) -> Session:
    fields.choice("schema", (SCHEMA,))
    session = Session(
        id=fields.match("id", _SESSION_ID.fullmatch, "a session id"),
        agent=fields.text("agent"),
        goal=fields.text("goal", max_chars=MAX_TEXT, lines=True),
        base_commit=_object_or_null(fields, "baseCommit"),
        base=_snapshot(fields.child("base")),
        dirty_tree=_object_or_null(fields, "dirtyTree"),
        started_at=fields.time("startedAt"),
        ended_at=_time_or_null(fields, "endedAt"),
        notes=tuple(_note(note) for note in fields.children("notes", max_items=MAX_NOTES)),
        worktree=fields.text("worktree", max_chars=MAX_TEXT),
    )
    fields.finish()
    return session


def _snapshot(fields: Fields) -> Snapshot:
    snapshot = Snapshot(
        tree=ObjectId(fields.match("tree", _OBJECT_ID.fullmatch, "an object name")),
        flake=_digests(fields.child("flake")),
        lockfiles=_digests(fields.child("lockfiles")),
        config=_digests(fields.child("config")),
        digest=Sha256(fields.match("digest", _SHA256.fullmatch, "a sha256")),
    )
    fields.finish()
    return snapshot


def _digests(fields: Fields) -> tuple[FileDigest, ...]:
    if len(fields.keys()) > MAX_FILES:
        raise fields.wrong(None, f"has more than {MAX_FILES} entries")
    found = {path: fields.match(path, _SHA256.fullmatch, "a sha256") for path in fields.keys()}  # noqa: SIM118
    return tuple(FileDigest(path, Sha256(found[path])) for path in sorted(found))


def _note(fields: Fields) -> tuple[datetime, str]:
    note = fields.time("at"), fields.text("text", max_chars=MAX_TEXT, lines=True)
    fields.finish()
    return note


def _object_or_null(fields: Fields, key: str) -> ObjectId | None:
    name = fields.nullable(key, str)
    if name is not None and _OBJECT_ID.fullmatch(name) is None:
        raise fields.wrong(key, "must be an object name or null")
    return None if name is None else ObjectId(name)


def _time_or_null(fields: Fields, key: str) -> datetime | None:
    text = fields.nullable(key, str)
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise fields.wrong(key, str(error)) from None
