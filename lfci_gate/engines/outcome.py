"""What a run's end means. Pure: facts in, one outcome out.

"Could not tell" is never turned into a pass, and never into a failure that would be attested.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from lfci_gate.engines.conditions import Measured
from lfci_gate.engines.reports import executed
from lfci_gate.errors import LfciError
from lfci_gate.model import CheckDefinition, Engine, Outcome, ResultDocument, Sha256, TestCase, TestCounts
from lfci_gate.value import Value

__all__ = ["Ended", "Judgement", "Progress", "RunResult", "judge"]


class Progress(Protocol):
    """Where a run tells what it does. Must not raise; called from the thread that runs the check."""

    def phase(self, name: str, detail: str = "") -> None:
        """``export``, ``evaluate``, ``environment``, ``run``; the detail of ``run`` is the exact command."""

    def line(self, data: bytes) -> None:
        """A piece of the check's output as it comes; not always whole lines."""

    def heartbeat(self, elapsed_s: float) -> None:
        """About once a second while the check runs."""


class Ended(NamedTuple):
    """How the processes of a run came to their end, as the engine saw it."""

    how: str
    """``exit``; or what ended it: ``timeout``, ``disk``, ``memory``, ``output``, ``lost``."""
    begun: bool
    """Whether the run script reported its beginning."""
    status: int | None
    """The command's status, when the run script reported its end and ended the same way."""
    stopped: str = ""
    """Why the run script stopped early, in its own word."""


class Judgement(NamedTuple):
    outcome: Outcome
    code: str | None
    """LFCI3xx when not passed."""
    message: str
    remarks: tuple[str, ...] = ()


class RunResult(Value):
    """One run of one check; everything that an attestation says about it."""

    outcome: Outcome
    code: str | None
    """LFCI3xx when not passed."""
    message: str
    remarks: tuple[str, ...]
    exit_code: int | None
    """The command's own status; None when it did not reach its end."""
    result: ResultDocument | None
    """None when undecided."""
    counts: TestCounts | None
    """None without a readable report."""
    log_sha256: Sha256
    """Of the whole output, stored or not."""
    log_size: int
    """Bytes of the whole output."""
    log_stored: Sha256 | None
    """Name in the content store of what was kept of it (all, unless it is very long)."""
    drv_path: str
    env_drv: str
    """Empty for a check of the flake's own."""
    system: str
    nar_hash: str
    nix_name: str
    nix_version: str
    sandbox: Sha256
    """Digest of the sandbox's description."""
    hermetic: bool
    started_at: datetime
    """When the sandbox was started, in UTC."""
    duration_ms: int
    engine: Engine
    measured: Measured | None = None
    """Where runs are compared."""


_ENDS: Final = {
    "timeout": ("LFCI308", "the check ran out of time"),
    "disk": ("LFCI313", "the check wrote more than the sandbox allows"),
    "memory": ("LFCI313", "the check used more memory than the sandbox allows"),
    "output": ("LFCI313", "the check printed more than the sandbox allows"),
}
_STOPS: Final = {
    "tools": ("LFCI319", "the development shell has no cp, mkdir and chmod"),
    "copy": ("LFCI313", "the source could not be copied into the sandbox"),
    "world": ("LFCI323", "Nix's build sandbox is off, or shows more than it should"),
    "output": ("LFCI313", "what the command left could not be kept"),
    "builder": ("LFCI329", "the builder was lost before the run reached its end"),
}
_KILLED: Final = {
    signal.SIGKILL: ("LFCI313", "the command was killed (SIGKILL), as when memory is out"),
    signal.SIGXFSZ: ("LFCI313", "the command wrote a file larger than the sandbox allows"),
    signal.SIGXCPU: ("LFCI313", "the command used more processor time than allowed"),
    signal.SIGTERM: ("LFCI314", "the command was ended by SIGTERM"),
    signal.SIGINT: ("LFCI314", "the command was ended by SIGINT"),
    signal.SIGHUP: ("LFCI314", "the command was ended by SIGHUP"),
}
"""Signals that come from outside a program. A crash (SIGSEGV, SIGABRT, ...) is the program's own failure."""


def judge(
    check: CheckDefinition,
    ended: Ended,
    report: tuple[TestCase, ...] | LfciError | None,
    missing_artifacts: Sequence[str],
) -> Judgement:
    """The outcome of a run, by the first of these that applies:

    1. killed by the engine (time, a limit): undecided LFCI308, LFCI313
    2. the run script never began: undecided LFCI305; did not reach its end: LFCI309 (LFCI319,
       LFCI313, LFCI323, LFCI329)
    3. the command was ended by a signal from outside: undecided LFCI313, LFCI314
    4. status not 0: failed LFCI307, whatever the report says
    5. report declared and not readable: undecided LFCI310; without executed tests: LFCI311; with
       failed tests although the status is 0: LFCI312, unless the check says that the report tells
    6. a declared artifact is missing: undecided LFCI320
    7. failed tests where the report tells: failed LFCI307
    8. passed

    Arguments:
        report: the cases, why there are none, or None when the check declares no report.
    """
    early = _not_ended(ended)
    if early is not None:
        return Judgement(Outcome.UNDECIDED, *early)
    assert ended.status is not None
    if ended.status > 128 and (killed := _signal(ended.status)) is not None:
        return Judgement(Outcome.UNDECIDED, *killed)
    if ended.status != 0:
        remarks = _failure_remarks(report)
        return Judgement(Outcome.FAILED, "LFCI307", f"the command ended with status {ended.status}", remarks)
    if check.report is not None:
        doubt = _report_doubt(report, check.failures)
        if doubt is not None:
            return Judgement(Outcome.UNDECIDED, *doubt)
    if missing_artifacts:
        named = ", ".join(ascii(path) for path in missing_artifacts)
        return Judgement(Outcome.UNDECIDED, "LFCI320", f"declared artifacts are missing: {named}")
    failed = _failed(report) if isinstance(report, tuple) else 0
    if failed:
        return Judgement(Outcome.FAILED, "LFCI307", f"the report has {failed} failed test(s)")
    return Judgement(Outcome.PASSED, None, "passed")


def _not_ended(ended: Ended) -> tuple[str, str] | None:
    if ended.how in _ENDS:
        return _ENDS[ended.how]
    if not ended.begun:
        return "LFCI305", "the sandbox could not be started"
    if ended.status is None or ended.how != "exit":
        return _STOPS.get(ended.stopped, ("LFCI309", "the run did not reach its end"))
    return None


def _signal(status: int) -> tuple[str, str] | None:
    # A shell reports a child that a signal ended as 128 + its number.
    return next((why for number, why in _KILLED.items() if status == 128 + number), None)


def _failure_remarks(report: tuple[TestCase, ...] | LfciError | None) -> tuple[str, ...]:
    if isinstance(report, LfciError):
        return (f"no report: {report.message}",)
    if report is not None and not any(case.outcome == "failed" for case in report):
        return ("the report has no failed test: the command failed outside its tests",)
    return ()


def _failed(report: tuple[TestCase, ...]) -> int:
    return sum(case.outcome == "failed" for case in report)


def _report_doubt(report: tuple[TestCase, ...] | LfciError | None, failures: str) -> tuple[str, str] | None:
    if report is None or isinstance(report, LfciError):
        facts = "; ".join(report.facts) if report is not None else ""
        message = report.message if report is not None else "the test report is missing"
        return "LFCI310", f"{message} ({facts})" if facts else message
    if executed(report) == 0:
        return "LFCI311", "no test was executed"
    failed = _failed(report)
    if failed and failures != "report":
        return "LFCI312", f"the command succeeded, and its report has {failed} failed test(s)"
    return None
