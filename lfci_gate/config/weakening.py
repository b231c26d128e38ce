"""What a change of `.lfci/config.toml` makes weaker, named one by one. Pure.

It says what changed to a check's disadvantage, not whether that is meant: a longer timeout may be right,
and whoever approves it must have read that it is one. In doubt it is named: a command or an environment
that changed may be weaker, and only a reader can tell. The values of variables are never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lfci_gate.config.project import PATH, parse_project
from lfci_gate.config.values import format_duration
from lfci_gate.errors import LfciError
from lfci_gate.model import CheckDefinition, ProjectConfig, ReportSpec
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

__all__ = ["FLAKE_FILES", "KINDS", "Weakening", "weakened", "weakenings"]

KINDS: Final = (
    "check",
    "flake",
    "command",
    "shell",
    "env",
    "inputs",
    "report",
    "artifacts",
    "timeout",
    "network",
    "unreadable",
    "failures",
    "quarantine",
)
"""The words of :attr:`Weakening.kind`; more may come, none changes its meaning."""

FLAKE_FILES: Final = (b"flake.nix", b"flake.lock")
"""They belong to the inputs of every check, whatever its patterns say."""

_SHOWN: Final = 3
_VALUE_CHARS: Final = 80
_PROBLEM_CHARS: Final = 160


class Weakening(Value):
    """One thing that became weaker."""

    check: str
    """Name of the check; empty where the file as a whole is meant."""
    kind: str
    """One of KINDS."""
    text: str
    """Plain English in ASCII on one line of bounded length, with the old and the new value."""

    @property
    def line(self) -> str:
        """The text, and of which check."""
        return f"check {self.check}: {self.text}" if self.check else self.text


Files = Callable[[], Iterable[bytes]]
"""Gives the raw paths of the old and the new tree; asked only where inputs may have become narrower."""


def weakened(old: bytes | None, new: bytes | None, files: Files | None = None) -> tuple[Weakening, ...]:
    """:func:`weakenings` of two files as they are in the trees; None where there is none.

    A file that cannot be read is told as that: whatever was declared may be weaker now. Raises nothing.
    """
    if old == new:
        return ()
    before, problem_before = _parsed(old)
    after, problem_after = _parsed(new)
    if problem_after:
        text = f"{PATH} cannot be read now, so no check is declared ({problem_after})"
        return (Weakening("", "unreadable", text),)
    if problem_before:
        text = f"{PATH} could not be read before, so what became weaker is not known ({problem_before})"
        return (Weakening("", "unreadable", text),)
    return weakenings(before, after, files)


def weakenings(
    old: ProjectConfig | None, new: ProjectConfig | None, files: Files | None = None
) -> tuple[Weakening, ...]:
    """What ``new`` declares weaker than ``old``, by check name; None stands for a tree without the file.

    With ``files`` narrower inputs are told by what is no longer seen, too. A check that is added is nothing
    weaker; one that is renamed is removed.
    """
    if old is None:
        return ()
    found: list[Weakening] = []
    for check in old.checks:
        if new is None or (now := new.check(check.name)) is None:
            found.append(Weakening(check.name, "check", "the check is no longer declared"))
        else:
            found += (
                Weakening(check.name, kind, text)
                for kind, text in (
                    *_execution(check, now),
                    *_inputs(check, now, files),
                    *_report(check.report, now.report),
                    *_artifacts(check, now),
                    *_limits(check, now),
                    *_failures(check, now),
                    *_quarantine(check.name, old, new),
                )
            )
    return tuple(found)


_Found = list[tuple[str, str]]
"""Kind and text."""


def _parsed(data: bytes | None) -> tuple[ProjectConfig | None, str]:
    """The configuration, and why it cannot be read."""
    if data is None:
        return None, ""
    try:
        return parse_project(data), ""
    except LfciError as error:
        return None, _short(error.message, _PROBLEM_CHARS)


# -- what is run ----------------------------------------------------------------------------------


def _execution(old: CheckDefinition, new: CheckDefinition) -> _Found:
    if old.flake != new.flake:
        return [("flake", f"{_runs(old)} was replaced by {_runs(new)}")]
    found: _Found = []
    if old.run != new.run:
        found.append(("command", f"the command changed from {_command(old)} to {_command(new)}"))
    if old.shell != new.shell:
        found.append(("shell", f"the shell changed from {_quoted(old.shell)} to {_quoted(new.shell)}"))
    if old.env != new.env:
        found.append(("env", f"the environment changed: {_variables(dict(old.env), dict(new.env))}"))
    return found


def _runs(check: CheckDefinition) -> str:
    return f"the flake's {check.flake}" if check.flake is not None else f"the command {_command(check)}"


def _command(check: CheckDefinition) -> str:
    """A list is shown as one: `["a b"]` runs something else than `a b`."""
    if isinstance(check.run, tuple):
        return _short(str(list(check.run)), _VALUE_CHARS)
    return _quoted(str(check.run))


def _variables(old: dict[str, str], new: dict[str, str]) -> str:
    found = [f"{name} added" for name in sorted(new.keys() - old.keys())]
    found += [f"{name} removed" for name in sorted(old.keys() - new.keys())]
    found += [f"{name} changed" for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    return _some(found)


# -- what it sees ---------------------------------------------------------------------------------


def _inputs(old: CheckDefinition, new: CheckDefinition, files: Files | None) -> _Found:
    if only_widens(old.inputs, new.inputs):
        return []
    dropped = [f"{_quoted(each)} dropped" for each in _without(old.inputs, new.inputs) if each[0] != "!"]
    added = [f"{_quoted(each)} added" for each in _without(new.inputs, old.inputs) if each[0] == "!"]
    changes = [*dropped, *added] or [f"other order, {_list(old.inputs)} before, {_list(new.inputs)} now"]
    text = f"the check may see less: {_some(changes)}"
    if files is not None:
        before, after = PatternSet(old.inputs), PatternSet(new.inputs)
        lost = sorted({path for path in files() if before.matches(path) and not after.matches(path)})
        names = [_quoted_path(path) for path in lost if path not in FLAKE_FILES]
        text += f"; no longer seen: {_some(names)}" if names else "; every file of today is still seen"
    return [("inputs", text)]


def only_widens(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Whether patterns ``new`` surely keep every path that ``old`` keep: only patterns that add were
    put in, wherever, and only ones that take away were left out; or everything is kept now.

    The last match decides, so neither of these can lose a path. Any other difference may, and counts as
    if it did.
    """
    if PatternSet(new).covers_all():
        return True
    # Places (how many patterns of each side are dealt with) that such steps lead to.
    waiting = [(0, 0)]
    reached = set(waiting)
    for at, there in waiting:
        steps = []
        if at < len(old) and there < len(new) and old[at] == new[there]:
            steps.append((at + 1, there + 1))
        if at < len(old) and old[at].startswith("!"):
            steps.append((at + 1, there))
        if there < len(new) and not new[there].startswith("!"):
            steps.append((at, there + 1))
        for step in steps:
            if step not in reached:
                reached.add(step)
                waiting.append(step)
    return (len(old), len(new)) in reached


def _without(patterns: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    """Patterns that the others do not have; one that stands there twice must be there twice."""
    left = list(others)
    found = []
    for each in patterns:
        if each in left:
            left.remove(each)
        else:
            found.append(each)
    return found


# -- what it leaves, and its limits ---------------------------------------------------------------


def _report(old: ReportSpec | None, new: ReportSpec | None) -> _Found:
    if old is None or old == new:
        return []
    if new is None:
        return [("report", f"the test report was dropped ({_spec(old)}): only the exit status counts now")]
    return [("report", f"the test report changed from {_spec(old)} to {_spec(new)}")]


def _spec(report: ReportSpec) -> str:
    return report.format if report.path is None else f"{report.format} {_quoted(report.path)}"


def _artifacts(old: CheckDefinition, new: CheckDefinition) -> _Found:
    gone = [_quoted(each) for each in old.artifacts if each not in new.artifacts]
    return [("artifacts", f"artifacts no longer kept: {_some(gone)}")] if gone else []


def _limits(old: CheckDefinition, new: CheckDefinition) -> _Found:
    found: _Found = []
    if new.timeout_s > old.timeout_s:
        times = f"from {format_duration(old.timeout_s)} to {format_duration(new.timeout_s)}"
        found.append(("timeout", f"the timeout was raised {times}"))
    if new.network and not old.network:
        found.append(("network", "the network was switched on: the run is no longer hermetic"))
    return found


def _failures(old: CheckDefinition, new: CheckDefinition) -> _Found:
    if (old.failures, new.failures) == ("status", "report"):
        return [("failures", "the command may end with 0 when tests failed: the report says it")]
    return []


def _quarantine(check: str, old: ProjectConfig, new: ProjectConfig) -> _Found:
    before, after = (
        {each.test: each for each in config.quarantine if each.check == check} for config in (old, new)
    )
    return [
        (
            "quarantine",
            f"failures of test {_quoted(test)} are borne until {each.until:%Y-%m-%d %H:%MZ}"
            + (f", before until {before[test].until:%Y-%m-%d %H:%MZ}" if test in before else "")
            + f" ({_short(each.reason, _VALUE_CHARS)})",
        )
        for test, each in after.items()
        if test not in before or each.until > before[test].until
    ]


# -- words ----------------------------------------------------------------------------------------


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _list(patterns: tuple[str, ...]) -> str:
    return _short(" ".join(patterns), _VALUE_CHARS)


def _quoted(text: str) -> str:
    return f'"{_short(text, _VALUE_CHARS)}"'


def _quoted_path(path: bytes) -> str:
    return f'"{_short(path.decode("utf-8", "backslashreplace"), _VALUE_CHARS)}"'


def _short(text: str, chars: int) -> str:
    """``text`` in plain ASCII on one line, cut where it is too long."""
    escaped = ascii(text)[1:-1]
    return escaped if len(escaped) <= chars else escaped[:chars] + "..."
