"""What a run left in $out: its report and its artifacts. The run's processes are dead by now."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lfci_gate import files
from lfci_gate.engines.junit import junit_seconds
from lfci_gate.engines.reports import MAX_REPORT_BYTES, PARSERS
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.model import FileDigest, ReportSpec, TestCase
from lfci_gate.store import ContentStore

__all__ = ["artifacts", "plain_file", "read_report", "read_seconds"]


def plain_file(out: Path, relative: str) -> Path | None:
    """The plain file at ``relative`` below ``out``; None when none is there.

    A link on the way, or as the file, is not followed: it was made by the check and may lead to any
    file of this machine.
    """
    parts = relative.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return None
    path = out
    for index, part in enumerate(("", *parts)):
        path = path / part if part else path
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return None
        if not (stat.S_ISREG(mode) if index == len(parts) else stat.S_ISDIR(mode)):
            return None
    return path


def read_report(
    spec: ReportSpec | None, out: Path, log: Path | None
) -> tuple[TestCase, ...] | LfciError | None:
    """The cases of the declared report, or why there are none; None when none is declared.

    Arguments:
        log: the whole output, where TAP is read from; None when it was not stored whole.
    """
    if spec is None:
        return None
    try:
        source = log if spec.path is None else plain_file(out, spec.path)
        data = files.read_file(source, MAX_REPORT_BYTES) if source is not None else None
        if data is None:
            return Undecided("LFCI310", "the test report is missing", facts=(f"expected: $out/{spec.path}",))
        return PARSERS[spec.format](data)
    except Undecided as error:
        return error


def read_seconds(spec: ReportSpec | None, out: Path) -> dict[str, float]:
    """How long each test took, where the declared report can be read and says so."""
    if spec is None or spec.path is None:
        return {}  # TAP has no agreed way to say it
    try:
        source = plain_file(out, spec.path)
        data = files.read_file(source, MAX_REPORT_BYTES) if source is not None else None
        return {} if data is None else junit_seconds(data)
    except Undecided:
        return {}


def artifacts(
    names: tuple[str, ...], out: Path, cas: ContentStore
) -> tuple[tuple[FileDigest, ...], tuple[str, ...]]:
    """The declared artifacts that are there, now in the content store, and the names of the others."""
    found = []
    missing = []
    for name in sorted(set(names)):
        path = plain_file(out, name)
        if path is None:
            missing.append(name)
        else:
            found.append(FileDigest(name, cas.put_file(path)))
    return tuple(found), tuple(missing)
