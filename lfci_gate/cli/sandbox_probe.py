"""Whether the sandbox of the develop engine can be built here: by building it (`lfci doctor`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lfci_gate.engines.sandbox import DEFAULT_LIMITS, ETC, Sandbox, bubblewrap_arguments
from lfci_gate.engines.scratch import SANDBOX_USER, run_directory
from lfci_gate.errors import Undecided

__all__ = ["probe_sandbox"]

_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/nix/store")
_TIMEOUT_S = 20


def probe_sandbox(environ: Mapping[str, str]) -> str:
    """Runs ``true`` in a sandbox with the engine's own arguments; gives bubblewrap's version.

    The system's folders stand in for the closure of a dev shell. Raises Undecided LFCI305.
    """
    path = environ.get("PATH", os.defpath)
    bubblewrap = shutil.which("bwrap", path=path)
    if bubblewrap is None:
        raise Undecided(
            "LFCI305", "bubblewrap is not installed", hint="install the package bubblewrap (bwrap)"
        )
    command = shutil.which("true", path=path) or "/bin/true"
    with run_directory(Path(tempfile.gettempdir())) as place:
        arguments = bubblewrap_arguments(_sandbox(place))
        argv = [bubblewrap, *arguments, os.path.realpath(command)]
        done = _run(argv, drop=os.geteuid() == 0)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Undecided(
            "LFCI305",
            "bubblewrap cannot build the sandbox",
            facts=tuple(said[-1:]),
            hint="allow user namespaces (in a container: its seccomp profile and /proc must permit them)",
        )
    version = _run([bubblewrap, "--version"], drop=False).stdout.decode("ascii", "replace")
    return version.strip().removeprefix("bubblewrap ")


def _sandbox(place: Path) -> Sandbox:
    build, etc = place / "build", place / "etc"
    for folder in (build, etc):
        folder.mkdir(mode=0o755)
    for name, content in ETC.items():
        (etc / name).write_text(content)
    if os.geteuid() == 0:
        os.chown(build, *SANDBOX_USER)
    return Sandbox(
        closure=[folder for folder in _SYSTEM if os.path.isdir(folder)],
        build=str(build),
        etc=str(etc),
        env={},
        network=False,
        interpreters={},
        limits=DEFAULT_LIMITS,
    )


def _run(argv: list[str], *, drop: bool) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            argv,
            env={},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            user=SANDBOX_USER[0] if drop else None,
            group=SANDBOX_USER[1] if drop else None,
            extra_groups=[] if drop else None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Undecided("LFCI305", "bubblewrap cannot be run", facts=(str(error),)) from error
