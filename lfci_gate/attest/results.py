"""Result documents: what two honest runs of one check agree on, byte for byte.

``{"artifacts":[[path, sha256]...],"check":"test","exitCode":0,"tests":[[id, outcome]...]}`` as
canonical JSON, tests sorted by id and then outcome, artifacts by path. No times, no host names. An id
may occur several times (a report may repeat it); then each occurrence counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from lfci_gate.attest.shape import (
    SHA256,
    Mismatch,
    integer,
    list_of,
    one_of,
    pair,
    path,
    read,
    record,
    text,
)
from lfci_gate.canonical import digest, dumps
from lfci_gate.errors import Refusal
from lfci_gate.model import FileDigest, ResultDocument, TestCase, TestCounts

__all__ = ["MAX_RESULT_BYTES", "OUTCOMES", "counts", "parse_result", "result_document"]

MAX_RESULT_BYTES = 16 * 1024 * 1024
OUTCOMES = ("failed", "passed", "skipped")

_CODE = "LFCI115"
_WHAT = "result document"
_MAX_TESTS = 200_000
_MAX_ID = 4096  # characters

# The form of the bytes, held against them before anything is decoded: 16 MiB of `1,1,1,...` would become
# hundreds of MiB of objects, and the receive hook reads this from strangers. Possessive, so linear.
_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"'
_PAIRS = rb"\[(?:\[%b,%b\](?:,\[%b,%b\])*+)?\]" % ((_STRING,) * 4)
_FORM = rb'\{"artifacts":%b,"check":%b,"exitCode":[0-9]{1,3},"tests":%b\}' % (_PAIRS, _STRING, _PAIRS)


def _test_id(value: Any) -> str:
    # Whatever a test framework calls its tests; whoever prints an id escapes it.
    if type(value) is not str or not 0 < len(value) <= _MAX_ID or "\0" in value:
        raise Mismatch(f"must be an id of 1 to {_MAX_ID} characters without NUL")
    return value


def _document(found: dict[str, Any]) -> ResultDocument:
    tests = found["tests"]
    if any(a > b for a, b in pairwise(tests)):  # not strictly: a report may repeat an id
        raise Mismatch("tests must be sorted by id, then outcome")
    return ResultDocument(
        check=found["check"],
        exit_code=found["exitCode"],
        tests=tuple(TestCase(*each) for each in tests),
        artifacts=tuple(FileDigest(*each) for each in found["artifacts"]),
    )


_RESULT = record(
    {
        "check": text(200),
        "exitCode": integer(0, 255),
        "tests": list_of(pair(_test_id, one_of({each: each for each in OUTCOMES})), high=_MAX_TESTS),
        "artifacts": list_of(pair(path, SHA256), rising=lambda each: each[0]),
    },
    make=_document,
)


def result_document(document: ResultDocument) -> bytes:
    """The canonical bytes whose sha256 is attested. Sorting is the caller's: it made the document.

    Raises Refusal LFCI115 for a document that :func:`parse_result` would not give back.
    """
    try:
        data = _bytes_of(document)
    except (TypeError, ValueError) as error:
        raise Refusal(_CODE, f"{_WHAT}: cannot be written: {error}") from None
    if parse_result(data) != document:
        raise Refusal(_CODE, f"{_WHAT}: would be read back as another one")
    return data


def parse_result(data: bytes) -> ResultDocument:
    """Read a result document. Raises Refusal LFCI115 for anything but the exact canonical bytes."""
    # An entry is at least followed by this; an id that holds it is counted too often, which is harmless.
    in_form = data.count(b'"],["') <= _MAX_TESTS and re.fullmatch(_FORM, data) is not None
    if len(data) <= MAX_RESULT_BYTES and not in_form:
        raise Refusal(_CODE, f"{_WHAT}: not in canonical form, or more than {_MAX_TESTS} entries")
    document: ResultDocument = read(data, _RESULT, code=_CODE, what=_WHAT, max_bytes=MAX_RESULT_BYTES)
    if _bytes_of(document) != data:
        raise Refusal(_CODE, f"{_WHAT}: not in canonical form")
    return document


def _bytes_of(document: ResultDocument) -> bytes:
    return dumps(
        {
            "check": document.check,
            "exitCode": document.exit_code,
            "tests": [[case.id, case.outcome] for case in document.tests],
            "artifacts": [[file.path, file.sha256] for file in document.artifacts],
        }
    )


def counts(tests: Sequence[TestCase]) -> TestCounts:
    """Counts of a report's tests, and the digest of their sorted ids (repeated ids repeated)."""
    outcomes = [case.outcome for case in tests]
    return TestCounts(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        skipped=outcomes.count("skipped"),
        ids=digest(sorted(case.id for case in tests)),
    )
