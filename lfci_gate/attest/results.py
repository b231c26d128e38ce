"""Result documents: what two honest runs of one check agree on, byte for byte.

``{"artifacts":[[path, sha256]...],"check":"test","exitCode":0,"tests":[[id, outcome]...]}`` as
canonical JSON, tests sorted by id and then outcome, artifacts by path. No times, no host names. An id
may occur several times (a report may repeat it); then each occurrence counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from lfci_gate.attest import readers
from lfci_gate.canonical import Fields, digest, dumps, loads
from lfci_gate.errors import Refusal
from lfci_gate.model import CheckRun, FileDigest, ResultDocument, TestCase, TestCounts

__all__ = ["MAX_RESULT_BYTES", "OUTCOMES", "counts", "disagreements", "parse_result", "result_document"]

MAX_RESULT_BYTES = 16 * 1024 * 1024
OUTCOMES = ("failed", "passed", "skipped")

_CODE = "LFCI115"
_WHAT = "result document"
_MAX_TESTS = 1_000_000
_MAX_ID = 4096  # characters


def result_document(document: ResultDocument) -> bytes:
    """The canonical bytes whose sha256 is attested. Sorting is the caller's: it made the document.

    Raises Refusal LFCI115 for a document that :func:`parse_result` would not give back.
    """
    try:
        data = dumps(
            {
                "check": document.check,
                "exitCode": document.exit_code,
                "tests": [[case.id, case.outcome] for case in document.tests],
                "artifacts": [[file.path, file.sha256] for file in document.artifacts],
            }
        )
    except (TypeError, ValueError) as error:
        raise Refusal(_CODE, f"{_WHAT}: cannot be written: {error}") from None
    if parse_result(data) != document:
        raise Refusal(_CODE, f"{_WHAT}: would be read back as another one")
    return data


def parse_result(data: bytes) -> ResultDocument:
    """Read a result document. Raises Refusal LFCI115 for anything but the exact canonical bytes."""
    value = loads(data, code=_CODE, what=_WHAT, max_bytes=MAX_RESULT_BYTES, max_depth=4)
    fields = Fields(value, error=Refusal, code=_CODE, what=_WHAT)
    document = ResultDocument(
        check=fields.text("check", max_chars=200),
        exit_code=fields.integer("exitCode", 0, 255),
        tests=_read_tests(fields),
        artifacts=_read_artifacts(fields),
    )
    fields.finish()
    if dumps(value) != data:
        raise Refusal(_CODE, f"{_WHAT}: not in canonical form")
    return document


def _read_tests(fields: Fields) -> tuple[TestCase, ...]:
    # By hand rather than through Fields: there may be a hundred thousand of them.
    pairs = fields.items("tests", list, max_items=_MAX_TESTS)
    for position, pair in enumerate(pairs):
        if len(pair) != 2 or type(pair[0]) is not str or pair[1] not in OUTCOMES:
            raise fields.wrong(f"tests[{position}]", "must be an id and an outcome")
        if not 0 < len(pair[0]) <= _MAX_ID or "\0" in pair[0]:
            raise fields.wrong(f"tests[{position}]", f"its id must have 1 to {_MAX_ID} characters, no NUL")
    if sorted(pairs) != list(pairs):
        raise fields.wrong("tests", "must be sorted by id, then outcome")
    return tuple(TestCase(*pair) for pair in pairs)


def _read_artifacts(fields: Fields) -> tuple[FileDigest, ...]:
    found = []
    for position, pair in enumerate(fields.items("artifacts", list, max_items=readers.MAX_ITEMS)):
        if len(pair) != 2:
            raise fields.wrong(f"artifacts[{position}]", "must be a path and a sha256")
        entry = Fields(
            {"path": pair[0], "sha256": pair[1]},
            error=Refusal,
            code=_CODE,
            what=_WHAT,
            path=f"artifacts[{position}]",
        )
        found.append(FileDigest(readers.path(entry, "path"), readers.sha256(entry, "sha256")))
    readers.check_sorted(fields, "artifacts", found, lambda file: file.path)
    return tuple(found)


def counts(tests: Sequence[TestCase]) -> TestCounts:
    """Counts of a report's tests, and the digest of their sorted ids (repeated ids repeated)."""
    outcomes = [case.outcome for case in tests]
    return TestCounts(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        skipped=outcomes.count("skipped"),
        ids=digest(sorted(case.id for case in tests)),
    )


def disagreements(document: ResultDocument, run: CheckRun) -> tuple[str, ...]:
    """Where a result document is not that of an attested run, one line each (rule 10 of the gate).

    That its sha256 is the attested one is the caller's to check, over the bytes.
    """
    found = []
    if document.check != run.check:
        found.append("the result document is of another check")
    if document.exit_code != run.exit_code:
        found.append("the result document has another exit code")
    if run.tests is None and document.tests:
        found.append("the result document has tests and the attestation counts none")
    if run.tests is not None and counts(document.tests) != run.tests:
        found.append("the tests of the result document give other counts or ids")
    if document.artifacts != run.artifacts:
        found.append("the result document has other artifacts")
    return tuple(found)
