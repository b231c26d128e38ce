"""What of this machine checks need: git, Nix, bubblewrap and the kernel's permission to use it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from lfci_gate.cli.context import Context
from lfci_gate.cli.findings import Finding, fail, failed, ok
from lfci_gate.cli.findings_elsewhere import elsewhere_findings
from lfci_gate.errors import LfciError

GIT_MINIMUM = (2, 36)
"""`cat-file --batch-command`, which every read of objects goes through."""


def machine_findings(context: Context) -> Iterator[Finding]:
    yield _git(context)
    yield _nix(context)
    yield _sandbox(context)
    yield from elsewhere_findings(context)


def _git(context: Context) -> Finding:
    from lfci_gate.cli.hook_places import git_version

    try:
        version = git_version(context.git)
    except LfciError as error:
        return failed("git", error)
    shown = ".".join(map(str, version))
    if version < GIT_MINIMUM:
        least = ".".join(map(str, GIT_MINIMUM))
        return fail("git", f"{shown} is too old", f"install git {least} or later")
    return ok("git", shown)


def _nix(context: Context) -> Finding:
    from lfci_gate.nix.process import Nix

    try:
        with tempfile.TemporaryDirectory(prefix="lfci-doctor-") as private:
            found = Nix(Path(private), environ=context.environ).version()
    except LfciError as error:
        return failed("nix", error)
    return ok("nix", f"{found.name} {found.version}")


def _sandbox(context: Context) -> Finding:
    from lfci_gate.cli.sandbox_probe import probe_sandbox

    try:
        version = probe_sandbox(context.environ)
    except LfciError as error:
        return failed("sandbox", error)
    return ok("sandbox", f"bubblewrap {version}; built one and ran in it; {_limits()}; {_filter()}")


def _limits() -> str:
    from lfci_gate.engines.cgroups import available

    group = available()
    return f"limits by {group}" if group else "limits by rlimits and a watch (no control group)"


def _filter() -> str:
    import os

    from lfci_gate.engines.seccomp import filter_path

    machine = os.uname().machine
    return "system calls filtered" if filter_path(machine) else f"no filter of system calls for {machine}"
