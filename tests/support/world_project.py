"""A git repository whose flake takes the offline world, and one call to run a check of it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lfci_gate.engines.conditions import Conditions
from lfci_gate.engines.outcome import RunResult
from lfci_gate.engines.run import Doubt, run_check
from lfci_gate.engines.sandbox import DEFAULT_LIMITS, Limits
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import CheckDefinition, Engine, ObjectId, ReportSpec, Sha256
from lfci_gate.store import ContentStore
from lfci_gate.value import replace
from tests.support.world import World, project_flake

JUNIT = ReportSpec("junit", "junit.xml")
GREEN = '<testsuite name="s"><testcase classname="c" name="one"/></testsuite>'
RED = '<testsuite name="s"><testcase classname="c" name="one"><failure/></testcase></testsuite>'


def report(xml: str) -> str:
    """A shell command that writes this report."""
    return f"printf %s '{xml}' > $out/junit.xml"


def definition(
    run: str | tuple[str, ...],
    *,
    report: ReportSpec | None = None,
    artifacts: tuple[str, ...] = (),
    timeout_s: int = 60,
    shell: str = "default",
    network: bool = False,
    env: Mapping[str, str] | None = None,
) -> CheckDefinition:
    pairs = tuple(sorted((env or {}).items()))
    digest = Sha256("0" * 64)  # not what these tests are about
    return CheckDefinition(
        "test", run, None, shell, ("**",), report, artifacts, timeout_s, network, pairs, digest
    )


def flake_check(
    name: str, *, report: ReportSpec | None = None, artifacts: tuple[str, ...] = (), timeout_s: int = 60
) -> CheckDefinition:
    """A check that is one of the flake's own."""
    plain = definition("", report=report, artifacts=artifacts, timeout_s=timeout_s)
    return replace(plain, run=None, flake=f"checks.{name}")


class Heard:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, str]] = []
        self.output = b""

    def phase(self, name: str, detail: str = "") -> None:
        self.phases.append((name, detail))

    def line(self, data: bytes) -> None:
        self.output += data

    def heartbeat(self, elapsed_s: float) -> None:
        pass


class Project:
    """A repository below ``place``; ``work`` may be shared, so that its GC roots are found again."""

    def __init__(
        self,
        world: World,
        place: Path,
        work: Path,
        *,
        body: str = "",
        inputs: Mapping[str, World] | None = None,
    ) -> None:
        self.place = place
        self.work = work
        self.cas = ContentStore(place.parent / f"{place.name}-cas")
        self.heard = Heard()
        place.mkdir(parents=True)
        self.git("init", "-q")
        nix, lock = project_flake(world, body, **(inputs or {}))
        self.write({"flake.nix": nix, "flake.lock": lock})

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.place), *args], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, contents: Mapping[str, str]) -> None:
        for name, text in contents.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def tree(self) -> ObjectId:
        self.git("add", "-Af")
        return ObjectId(self.git("write-tree"))

    def run(
        self,
        check: CheckDefinition | str | tuple[str, ...],
        *,
        limits: Limits = DEFAULT_LIMITS,
        engine: Engine = Engine.DEVELOP,
        doubt: Doubt | None = None,
        conditions: Conditions | None = None,
        verify: bool = False,
    ) -> RunResult:
        """Runs a check (or a command) on the files as they are."""
        if not isinstance(check, CheckDefinition):
            check = definition(check)
        self.heard = Heard()
        tree = self.tree()
        with BatchReader(Git(self.place)) as source:
            return run_check(
                source,
                tree,
                check,
                engine=engine,
                work=self.work,
                cas=self.cas,
                progress=self.heard,
                limits=limits,
                doubt=doubt,
                conditions=conditions,
                verify=verify,
            )

    def said(self, command: str | tuple[str, ...], **options: object) -> str:
        """What a command prints in the sandbox; it must succeed."""
        result = self.run(definition(command, **options))  # type: ignore[arg-type]
        assert (result.exit_code, result.code) == (0, None), (result, self.heard.output)
        return self.heard.output.decode()


def left_behind() -> list[str]:
    """Directories, mounts and processes of runs of this process that still exist."""
    name = f"lfci-run-{os.getpid()}-"
    places = (Path("/var/tmp"), Path("/tmp"), Path(tempfile.gettempdir()))
    found = [str(path) for place in places for path in place.glob(f"{name}*")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line]
    return found + processes_with(name)


def processes_with(marker: str) -> list[str]:
    """Command lines, of other processes, that contain ``marker``."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = (
                Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            )
        except OSError:
            continue
        if marker in command and int(process) != os.getpid():
            found.append(command)
    return found


NO_MEMORY = "order of directory entries: /dev/shm has no room, or runs no programs"
"""What `lfci check --twice` says on machines such as containers with a small /dev/shm, mounted noexec."""


def runs_programs_in_memory() -> bool:
    """Whether /dev/shm of this machine is one where a small run can be made, tried with a program."""
    found = os.statvfs("/dev/shm")
    if found.f_bavail * found.f_frsize < 1 << 30:
        return False
    with tempfile.TemporaryDirectory(prefix="lfci-tests-", dir="/dev/shm") as place:
        program = Path(place) / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        try:
            return subprocess.run([program], check=False).returncode == 0
        except PermissionError:
            return False
