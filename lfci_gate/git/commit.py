"""Commits and tags: strict parsing of their headers, and writing commits. Pure.

git reads a commit leniently: it takes the first ``tree`` and ignores a second one, and other
readers take the last. So a commit that two readers could understand differently is refused
(Refusal LFCI402): each header once, in git's order, well-formed identities as `git fsck` wants
them, no NUL anywhere.
"""

from __future__ import annotations

from typing import Final

from lfci_gate.errors import Refusal
from lfci_gate.git.names import KINDS, is_oid
from lfci_gate.model import ObjectId
from lfci_gate.value import Value

__all__ = ["Commit", "Identity", "Tag", "format_commit", "parse_commit", "parse_tag"]

_RESERVED: Final = frozenset(
    (b"tree", b"parent", b"author", b"committer", b"object", b"type", b"tag", b"tagger")
)
"""Headers with a fixed place; anywhere else they are a second, contradicting one."""

_REPEATABLE: Final = frozenset((b"mergetag",))
"""An octopus merge of signed tags has one mergetag for each."""

_MAX_SECONDS: Final = 2**63 - 1
"""The largest time that git reads without calling it an overflow."""


class Identity(Value):
    """Who and when, as in ``author``, ``committer`` and ``tagger`` lines."""

    name: bytes
    email: bytes
    seconds: int
    """Since 1970-01-01T00:00:00Z."""
    zone: bytes
    """``+hhmm`` or ``-hhmm``."""


class Commit(Value):
    tree: ObjectId
    parents: tuple[ObjectId, ...]
    author: Identity
    committer: Identity
    message: bytes
    """Everything after the first empty line."""
    extra: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers in order, e.g. ``encoding`` and ``gpgsig``; continuation lines joined by a newline."""


class Tag(Value):
    target: ObjectId
    kind: str
    """Kind of the target."""
    name: bytes
    tagger: Identity | None
    """None in tags older than git 0.99."""
    message: bytes
    extra: tuple[tuple[bytes, bytes], ...] = ()


def parse_commit(data: bytes, hash_name: str) -> Commit:
    """The commit in these bytes of a commit object. Raises Refusal LFCI402."""
    headers, message = _split(data, "commit")
    tree = _oid(headers.one(b"tree"), hash_name, "tree")
    parents = []
    while (value := headers.maybe(b"parent")) is not None:
        parents.append(_oid(value, hash_name, "parent"))
    if len(set(parents)) != len(parents):
        raise _malformed("commit", "a parent is named twice")
    author = _identity(headers.one(b"author"), "author")
    committer = _identity(headers.one(b"committer"), "committer")
    return Commit(tree, tuple(parents), author, committer, message, headers.rest())


def parse_tag(data: bytes, hash_name: str) -> Tag:
    """The annotated tag in these bytes of a tag object. Raises Refusal LFCI402."""
    headers, message = _split(data, "tag")
    target = _oid(headers.one(b"object"), hash_name, "object")
    kind = headers.one(b"type").decode("ascii", "replace")
    if kind not in KINDS:
        raise _malformed("tag", f"no such type: {ascii(kind)}")
    name = headers.one(b"tag")
    if not name:
        raise _malformed("tag", "the tag's name is empty")
    tagger = headers.maybe(b"tagger")
    return Tag(
        target, kind, name, None if tagger is None else _identity(tagger, "tagger"), message, headers.rest()
    )


def format_commit(commit: Commit) -> bytes:
    """The bytes of the commit object, that ``parse_commit`` reads back as ``commit``."""
    lines = [b"tree " + commit.tree.encode("ascii")]
    lines += [b"parent " + parent.encode("ascii") for parent in commit.parents]
    lines += [
        b"author " + _format_identity(commit.author),
        b"committer " + _format_identity(commit.committer),
    ]
    lines += [key + b" " + value.replace(b"\n", b"\n ") for key, value in commit.extra]
    return b"\n".join(lines) + b"\n\n" + commit.message


class _Headers:
    """The header lines of one object, taken from the front."""

    __slots__ = ("_at", "_kind", "_lines")

    def __init__(self, lines: list[bytes], kind: str) -> None:
        self._lines = lines
        self._kind = kind
        self._at = 0

    def maybe(self, key: bytes) -> bytes | None:
        """Value of the next line when that is a ``key`` line."""
        if self._at < len(self._lines) and self._lines[self._at].startswith(key + b" "):
            self._at += 1
            return self._lines[self._at - 1][len(key) + 1 :]
        return None

    def one(self, key: bytes) -> bytes:
        value = self.maybe(key)
        if value is None:
            raise _malformed(self._kind, f"the {key.decode()} line is missing or not in its place")
        return value

    def rest(self) -> tuple[tuple[bytes, bytes], ...]:
        """What follows: headers that are no reserved ones, each once, with continuation lines."""
        found: list[tuple[bytes, bytes]] = []
        for line in self._lines[self._at :]:
            if line.startswith(b" "):
                if not found:
                    raise _malformed(self._kind, "a continuation line without its header")
                found[-1] = (found[-1][0], found[-1][1] + b"\n" + line[1:])
                continue
            key, space, value = line.partition(b" ")
            if not key or not space:
                raise _malformed(self._kind, "a header line without a key or a value")
            if key.lower() in _RESERVED:
                raise _malformed(self._kind, f"a second or misplaced {ascii(key.decode('latin-1'))} line")
            found.append((key, value))
        keys = [key for key, _ in found if key not in _REPEATABLE]
        if len(set(keys)) != len(keys):
            raise _malformed(self._kind, "a header is there twice")
        return tuple(found)


def _split(data: bytes, kind: str) -> tuple[_Headers, bytes]:
    if b"\0" in data:
        raise _malformed(kind, "a NUL byte, behind which git hides text")
    # A message need not be there; the newline of the last header must.
    head, blank, message = data.partition(b"\n\n")
    if not blank:
        if not data.endswith(b"\n"):
            raise _malformed(kind, "the header does not end")
        head = data[:-1]
    return _Headers(head.split(b"\n"), kind), message


def _oid(value: bytes, hash_name: str, what: str) -> ObjectId:
    text = value.decode("latin-1")
    if not is_oid(text, hash_name):
        raise _malformed("object", f"the {what} line does not name an object")
    return ObjectId(text)


def _identity(value: bytes, what: str) -> Identity:
    """``Name <email> seconds zone``, with fsck's rules. An empty name is git's own doing, and allowed."""
    name, opening, rest = value.partition(b"<")
    email, closing, when = rest.partition(b">")
    if not opening or not closing or b">" in name or b"<" in email or b"<" in when or b">" in when:
        raise _malformed("object", f"the {what} line has no well-formed e-mail address")
    if not name.endswith(b" "):
        raise _malformed("object", f"the {what} line has no space before the e-mail address")
    seconds, space, zone = when.removeprefix(b" ").partition(b" ")
    well_formed = (
        when.startswith(b" ")
        and space
        and seconds.isdigit()
        and (seconds == b"0" or not seconds.startswith(b"0"))
        and len(seconds) <= 19
        and int(seconds) <= _MAX_SECONDS
        and len(zone) == 5
        and zone[:1] in (b"+", b"-")
        and zone[1:].isdigit()
    )
    if not well_formed:
        raise _malformed("object", f"the {what} line has no well-formed date")
    return Identity(name[:-1], email, int(seconds), zone)


def _format_identity(identity: Identity) -> bytes:
    return b"%s <%s> %d %s" % (identity.name, identity.email, identity.seconds, identity.zone)


def _malformed(kind: str, why: str) -> Refusal:
    return Refusal("LFCI402", f"malformed {kind}: {why}")
