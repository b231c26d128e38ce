"""Whether what is claimed can be true together (rule 10 of the gate).

None of this is a format error: a well-formed, signed statement that contradicts itself is evidence of
who claimed nonsense, and the rules refuse it as such.
"""

from __future__ import annotations

from lfci_gate.attest.results import counts
from lfci_gate.model import CheckRun, Outcome, ResultDocument

__all__ = ["contradictions", "disagreements"]


def contradictions(run: CheckRun) -> tuple[str, ...]:
    """What in a well-formed run cannot be true together, one line each."""
    failed = run.tests.failed if run.tests else 0
    found = []
    if run.result is Outcome.PASSED and run.exit_code != 0:
        found.append(f"the result is PASSED and the exit code is {run.exit_code}")
    if run.result is Outcome.PASSED and failed:
        found.append(f"the result is PASSED and {failed} tests failed")
    if run.result is Outcome.FAILED and run.exit_code == 0 and not failed:
        found.append("the result is FAILED, the exit code is 0 and no test failed")
    if run.started_at > run.issued_at:
        found.append("the run started after the attestation was issued")
    return tuple(found)


def disagreements(document: ResultDocument, run: CheckRun) -> tuple[str, ...]:
    """Where a result document is not that of an attested run, one line each.

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
