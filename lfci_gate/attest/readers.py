"""Readers of the values that several documents share, on top of :class:`lfci_gate.canonical.Fields`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from lfci_gate.canonical import Fields, is_plain
from lfci_gate.errors import Refusal
from lfci_gate.model import FileDigest, ObjectId, Sha256

__all__ = [
    "MAX_ITEMS",
    "check_sorted",
    "file_digests",
    "free_text",
    "nullable_child",
    "nullable_oid",
    "oid",
    "path",
    "ref",
    "repository",
    "session_id",
    "sha256",
    "sha256_object",
]

MAX_ITEMS = 10_000
"""Entries of a list in a statement; its size cap is reached first."""

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{22}")
_REF = re.compile(r"refs/[^\s\x00-\x1f\x7f-\x9f]{1,1000}")
_OID_IS = "40 or 64 lower-case hex digits"


def nullable_child(fields: Fields, key: str, path: str) -> Fields | None:
    """The object at ``key`` of a statement, which ``path`` names in messages, or None for null."""
    value = fields.nullable(key, dict)
    return (
        None if value is None else Fields(value, error=Refusal, code="LFCI110", what="statement", path=path)
    )


def oid(fields: Fields, key: str) -> ObjectId:
    """The name of a git object."""
    return ObjectId(fields.match(key, _OID, _OID_IS))


def nullable_oid(fields: Fields, key: str) -> ObjectId | None:
    """The name of a git object, or null."""
    value = fields.nullable(key, str)
    if value is not None and _OID.fullmatch(value) is None:
        raise fields.wrong(key, f"must be null or {_OID_IS}")
    return None if value is None else ObjectId(value)


def sha256(fields: Fields, key: str) -> Sha256:
    """A lower-case hex sha256."""
    return Sha256(fields.match(key, _SHA256, "64 lower-case hex digits"))


def sha256_object(fields: Fields, key: str) -> Sha256:
    """``{"sha256": "<hex>"}``, in-toto's DigestSet with exactly one digest."""
    inner = fields.child(key)
    value = sha256(inner, "sha256")
    inner.finish()
    return value


def repository(fields: Fields, key: str) -> str:
    """The UUID that names a repository, in lower case."""
    return fields.match(key, _UUID, "a lower-case UUID")


def session_id(fields: Fields, key: str) -> str:
    """The id of a session."""
    return fields.match(key, _SESSION, "22 characters of URL-safe base64")


def ref(fields: Fields, key: str) -> str:
    """A full ref name. Whether git takes it is the gate's rule 1; here it only has no white space."""
    return fields.match(key, _REF, "a full ref name")


def free_text(fields: Fields, key: str, *, max_chars: int) -> str:
    """What a person or a project wrote: may be empty, may have several lines, no control characters."""
    value = fields.take(key, str)
    if len(value) > max_chars or not is_plain(value, lines=True):
        raise fields.wrong(key, f"must be at most {max_chars} characters without control characters")
    return value


def path(fields: Fields, key: str) -> str:
    """A relative path without empty, ``.`` and ``..`` components."""
    value = fields.text(key, max_chars=4096)
    if any(part in ("", ".", "..") for part in value.split("/")):
        raise fields.wrong(key, "must be a relative path without empty, . and .. components")
    return value


def file_digests(fields: Fields, key: str) -> tuple[FileDigest, ...]:
    """``[{"path", "sha256"}...]``, sorted by path, no path twice."""
    found = []
    for entry in fields.children(key, max_items=MAX_ITEMS):
        found.append(FileDigest(path(entry, "path"), sha256(entry, "sha256")))
        entry.finish()
    check_sorted(fields, key, found, lambda item: item.path)
    return tuple(found)


def check_sorted(fields: Fields, key: str, values: Sequence[object], by: Callable[..., object]) -> None:
    """Refuses a list that is not in strictly rising order: one value has one form."""
    order = [by(value) for value in values]
    if any(not a < b for a, b in pairwise(order)):  # type: ignore[operator]
        raise fields.wrong(key, "must be sorted, each entry once")
