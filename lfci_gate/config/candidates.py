"""What detection finds: candidates, and aliases that are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from lfci_gate.config.shelltext import vacuous
from lfci_gate.model import ReportSpec
from lfci_gate.value import Value

JUNIT = ReportSpec(format="junit", path="junit.xml")
TAP = ReportSpec(format="tap", path=None)


class Candidate(Value):
    """A command that the project declares to be its test."""

    file: str
    """Where it is declared."""
    reason: str
    """Why it is a candidate: one clause, "declares the target check"."""
    command: str
    """As people type it."""
    run: str
    """What ``run`` in config.toml becomes: the command, with its report where one costs nothing."""
    report: ReportSpec | None = None
    suggestion: bool = False
    """True when it is only worth looking at (a server's CI file, what needs Nix inside): never chosen."""


class Refused(Value):
    """An alias that resolves to nothing."""

    file: str
    reason: str


Finding = Candidate | Refused


def candidate(
    file: str, reason: str, command: str, *, run: str | None = None, report: ReportSpec | None = None
) -> Candidate:
    return Candidate(file, reason, command, command if run is None else run, report)


def suggestion(file: str, reason: str, command: str) -> Candidate:
    return Candidate(file, reason, command, command, None, suggestion=True)


def prefer(
    file: str,
    bodies: Mapping[str, str | None],
    command: Callable[[str], str],
    kind: str,
    order: Sequence[str] = ("ci", "check", "test"),
) -> Iterator[Finding]:
    """The first name of ``order`` in ``bodies`` whose text does something (None: it may).

    Arguments: ``command`` makes the command line of a name; ``kind`` is what the file calls it.
    """
    for name in order:
        if name not in bodies:
            continue
        body = bodies[name]
        why = None if body is None else vacuous(body)
        if why is None:
            yield candidate(file, f"declares the {kind} {name}", command(name))
            return
        yield Refused(file, f"the {kind} {name} {why}")
