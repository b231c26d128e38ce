"""What a runner and its clients say to each other: JSON lines, version 1 (docs/formats.md). Pure.

One connection, one request. The runner answers with events, the last of which is ``end`` or ``error``.
"""

from __future__ import annotations

from typing import Any, Final

from lfci_gate.attest.encoding import b64decode, b64encode
from lfci_gate.canonical import Fields, dumps, is_plain, loads
from lfci_gate.codes import CODES
from lfci_gate.config.values import is_name
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.git.names import is_oid
from lfci_gate.grammar import is_uuid
from lfci_gate.model import ObjectId, Outcome
from lfci_gate.value import Value

__all__ = [
    "MAX_EVENT_BYTES",
    "MAX_REQUEST_BYTES",
    "Answer",
    "Request",
    "answer_event",
    "error_event",
    "error_of",
    "format_event",
    "format_request",
    "pack_size",
    "parse_answer",
    "parse_event",
    "parse_request",
]

CODE: Final = "LFCI527"
SCHEMA: Final = "lfci.runner/1"
MAX_REQUEST_BYTES: Final = 16 * 1024
MAX_EVENT_BYTES: Final = 32 << 20
"""A result document of 16 MiB in base64, and what is around it."""
MAX_CHECKS: Final = 64
_FAMILIES: Final[dict[str, type[LfciError]]] = {
    "refusal": Refusal,
    "undecided": Undecided,
    "usage": UsageError,
}
_MAX_LINE_CHARS: Final = 64 * 1024


class Request(Value):
    """What somebody asks; all of it. Nothing here gets into a statement but by being looked up."""

    ask: str
    """``check`` or ``status``."""
    repository: str = ""
    commit: ObjectId = ObjectId("")
    checks: tuple[str, ...] = ()
    fresh: bool = False
    """Run also what is remembered."""


class Answer(Value):
    """How one check ended at the runner."""

    check: str
    outcome: Outcome
    known: bool
    """Remembered, not run now."""
    bundle: bytes = b""
    """The attestation's line; empty when undecided."""
    document: bytes = b""
    """The result document; empty when undecided."""
    code: str | None = None
    """LFCI3xx when not passed."""
    message: str = ""
    facts: tuple[str, ...] = ()
    duration_ms: int = 0
    derivation: str = ""


# -- requests ------------------------------------------------------------------------------------


def format_request(request: Request) -> bytes:
    """The request's line."""
    value: dict[str, Any] = {"schema": SCHEMA, "ask": request.ask}
    if request.ask == "check":
        value |= {
            "repository": request.repository,
            "commit": request.commit,
            "checks": list(request.checks),
            "fresh": request.fresh,
        }
    return dumps(value) + b"\n"


def parse_request(line: bytes) -> Request:
    """Reads a request. Raises Refusal LFCI527 for anything but exactly its keys and forms."""
    fields = _fields(line, "request", MAX_REQUEST_BYTES)
    fields.choice("schema", (SCHEMA,))
    ask = fields.choice("ask", ("check", "status"))
    if ask == "status":
        fields.finish()
        return Request(ask)
    repository = fields.match("repository", is_uuid, "a lower-case UUID")
    commit = fields.match("commit", is_oid, "the full name of a commit")
    checks = fields.texts("checks", max_items=MAX_CHECKS, max_chars=64)
    fresh = fields.take("fresh", bool)
    fields.finish()
    for each in checks:
        if not is_name(each):
            raise fields.wrong("checks", f"{ascii(each)[:80]} is not the name of a check")
    if not checks or len(set(checks)) != len(checks):
        raise fields.wrong("checks", "names none, or one twice")
    return Request(ask, repository, ObjectId(commit), checks, fresh)


def pack_size(line: bytes) -> int:
    """The number of bytes that ``{"pack": N}`` announces. Raises Refusal LFCI527."""
    fields = _fields(line, "pack", 256)
    size = fields.integer("pack", 32)
    fields.finish()
    return size


# -- events --------------------------------------------------------------------------------------


def format_event(event: str, **values: Any) -> bytes:
    """The line of one event."""
    return dumps({"event": event, **values}) + b"\n"


def parse_event(line: bytes) -> tuple[str, Fields]:
    """The event's name and its other values. Raises Refusal LFCI527."""
    fields = _fields(line, "runner's answer", MAX_EVENT_BYTES)
    return fields.text("event", max_chars=32), fields


def error_event(error: LfciError) -> bytes:
    """An error of ours as the last event of a connection."""
    family = next(name for name, kind in _FAMILIES.items() if isinstance(error, kind))
    return format_event(
        "error",
        family=family,
        code=error.code,
        message=_text(error.message),
        facts=_texts(error.facts),
        hint=_text(error.hint),
    )


def error_of(fields: Fields) -> LfciError:
    """The error that an ``error`` event tells of. Raises Refusal LFCI527."""
    family = fields.choice("family", tuple(_FAMILIES))
    code = fields.match("code", CODES.__contains__, "a code")
    message = _plain(fields, "message")
    facts = fields.texts("facts", max_items=16, max_chars=2048)
    hint = _plain(fields, "hint")
    fields.finish()
    return _FAMILIES[family](code, message, facts=facts, hint=hint)


def answer_event(answer: Answer) -> bytes:
    """The ``result`` event of one check."""
    return format_event(
        "result",
        check=answer.check,
        result=answer.outcome.value,
        known=answer.known,
        bundle=b64encode(answer.bundle),
        document=b64encode(answer.document),
        code=answer.code,
        message=_text(answer.message),
        facts=_texts(answer.facts),
        durationMs=answer.duration_ms,
        derivation=answer.derivation,
    )


def parse_answer(fields: Fields) -> Answer:
    """The answer of a ``result`` event; nothing in it is to be believed. Raises Refusal LFCI527."""
    found = Answer(
        check=fields.match("check", is_name, "the name of a check"),
        outcome=Outcome(fields.choice("result", tuple(each.value for each in Outcome))),
        known=fields.take("known", bool),
        bundle=_bytes(fields, "bundle"),
        document=_bytes(fields, "document"),
        code=fields.nullable("code", str),
        message=_plain(fields, "message"),
        facts=fields.texts("facts", max_items=16, max_chars=2048),
        duration_ms=fields.integer("durationMs", 0),
        derivation=_plain(fields, "derivation"),
    )
    fields.finish()
    decided = found.outcome is not Outcome.UNDECIDED
    if (found.code is None) != (found.outcome is Outcome.PASSED) or decided != bool(found.bundle):
        raise fields.wrong("result", "does not fit the rest of the answer")
    if found.code is not None and found.code not in CODES:
        raise fields.wrong("code", "must be a code")
    return found


def output_event(check: str, data: bytes) -> bytes:
    """A piece of a check's output, as text."""
    return format_event("output", check=check, text=data.decode("utf-8", "replace")[:_MAX_LINE_CHARS])


def _fields(line: bytes, what: str, most: int) -> Fields:
    value = loads(line, code=CODE, what=what, max_bytes=most, max_depth=4)
    return Fields(value, error=Refusal, code=CODE, what=what)


def _plain(fields: Fields, key: str) -> str:
    """A text without control characters that may be empty."""
    value = fields.take(key, str)
    if len(value) > 4096 or not is_plain(value):
        raise fields.wrong(key, "is too long or has control characters")
    return value


def _bytes(fields: Fields, key: str) -> bytes:
    try:
        return b64decode(fields.take(key, str))
    except ValueError:
        raise fields.wrong(key, "is not strict base64") from None


def _texts(facts: tuple[str, ...]) -> list[str]:
    return [_text(fact) for fact in facts[:16] if fact]


def _text(text: str) -> str:
    return "".join(char if is_plain(char) else "?" for char in text)[:2048]
