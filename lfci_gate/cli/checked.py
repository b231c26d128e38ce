"""How a check ended, as an error and as JSON. For `check` and `land`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.model import Outcome

if TYPE_CHECKING:
    from lfci_gate.cli.checking import Checked

__all__ = ["check_objects", "error_of"]


def error_of(checked: Checked) -> LfciError | None:
    """Why a check did not pass; None when it did."""
    run = checked.run
    if run is None or checked.is_good:
        return None
    name = checked.definition.name
    facts = (*run.remarks, *_log_fact(checked))
    assert run.code is not None
    if run.outcome is Outcome.FAILED:
        return Refusal(run.code, f"check {name} failed: {run.message}", facts=facts)
    return Undecided(run.code, f"check {name} is undecided: {run.message}", facts=facts)


def _log_fact(checked: Checked) -> tuple[str, ...]:
    if checked.run is None or checked.log is None:
        return ()
    if checked.repeated is not None and checked.run is not checked.repeated.runs[0]:
        return ()  # it stands for several, and theirs are told with them
    return ("the run printed nothing",) if checked.run.log_size == 0 else (f"log: {checked.log}",)


def check_objects(checked: Sequence[Checked]) -> list[dict[str, Any]]:
    """The checks of a JSON answer."""
    return [_check_object(each) for each in checked]


def _check_object(checked: Checked) -> dict[str, Any]:
    value: dict[str, Any] = {
        "name": checked.definition.name,
        "definition": checked.definition.digest,
        "result": checked.outcome.value,
        "known": checked.known is not None,
        "attestation": checked.attestation,
        "lacking": list(checked.lacking),
        "quarantined": list(checked.quarantined),
    }
    if checked.known is not None:
        tests = checked.known.run.tests
        known = checked.known.run
        value |= {"key": checked.known.key, "engine": known.engine.value, "exitCode": known.exit_code}
        value["attempt"] = known.attempt
    else:
        assert checked.run is not None
        run = checked.run
        tests = run.counts
        value |= {
            "engine": run.engine.value,
            "code": run.code,
            "message": run.message,
            "exitCode": run.exit_code,
            "durationMs": run.duration_ms,
            "derivation": run.drv_path,
            "log": run.log_stored,
            "attempt": checked.attempt,
        }
        if checked.repeated is not None:
            from lfci_gate.cli.repeating import repeated_object

            value["repeated"] = repeated_object(checked.repeated)
    if tests is not None:
        value["tests"] = {"passed": tests.passed, "failed": tests.failed, "skipped": tests.skipped}
    return value
