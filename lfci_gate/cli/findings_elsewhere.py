"""What other machines Nix is to use: builders and binary caches, and whether they answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.cli.context import Context
from lfci_gate.cli.findings import Finding, failed, ok, warn
from lfci_gate.errors import LfciError

if TYPE_CHECKING:
    from lfci_gate.machine import Machine
    from lfci_gate.nix.process import Nix

__all__ = ["elsewhere_findings"]


def elsewhere_findings(context: Context) -> Iterator[Finding]:
    """Nothing where neither is configured."""
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.nix.process import Nix

    try:
        machine = machine_of(context.environ)
        if not machine.builders and machine.caches is None:
            return
        with tempfile.TemporaryDirectory(prefix="lfci-doctor-") as private:
            nix = Nix(Path(private), environ=context.environ, machine=machine)
            yield from _builders(nix, machine)
            yield from _caches(nix, machine)
    except LfciError as error:
        yield failed("machine", error)


def _builders(nix: Nix, machine: Machine) -> Iterator[Finding]:
    from lfci_gate.nix.elsewhere import problem_of, refuse_daemon

    if machine.builders:
        refuse_daemon(nix)
    for builder in machine.builders:
        about = f"{builder.name} for {', '.join(builder.systems)}"
        problem = problem_of(nix, builder)
        if problem is None:
            yield ok("builder", about)
        else:
            otherwise = "runs are made here then" if machine.local else "nothing is built here"
            user = f"-l {builder.user} " if builder.user else ""
            fix = f"ssh -v -i {builder.key} -p {builder.port} {user}{builder.host} nix-daemon --version"
            yield warn("builder", f"{about}: {problem}; {otherwise}", fix)


def _caches(nix: Nix, machine: Machine) -> Iterator[Finding]:
    from lfci_gate.nix.caches import answers

    for url in () if machine.caches is None else machine.caches.urls:
        there, why = answers(nix, url)
        if not there:
            yield warn("cache", f"{url}: {why}", "correct `nix` below [cache], or bring the cache up")
        elif url.startswith("http://"):
            yield ok(
                "cache", f"{url}, not encrypted: who listens sees what is asked for; signatures are checked"
            )
        else:
            yield ok("cache", url)
