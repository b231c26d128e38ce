"""The develop engine: the check derivation's builder, run in our own sandbox inside `nix develop`.

`nix develop --ignore-environment` gives the supervisor an environment that holds nothing of the
caller's. The environment it enters is our own empty one (``carrier``), not the project's: entering
the project's would set its LD_PRELOAD for, and run its functions in, processes outside the sandbox. The
project's environment is made inside, by the run script, as Nix's builder would.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lfci_gate.engines.conditions import NORMAL, Conditions
from lfci_gate.engines.log import Log
from lfci_gate.engines.outcome import Ended, Progress
from lfci_gate.engines.sandbox import ETC, Limits, Sandbox, bubblewrap_arguments
from lfci_gate.engines.scratch import SANDBOX_USER
from lfci_gate.engines.seccomp import filter_path
from lfci_gate.errors import Undecided
from lfci_gate.nix.derivation import Derivation
from lfci_gate.nix.process import Nix, last_lines, stop_group
from lfci_gate.nix.store import interpreters
from lfci_gate.nix.structured import builder_input
from lfci_gate.value import Value, mapping_of

__all__ = ["DevelopRun", "run_in_sandbox"]

_PACKAGES: Final = str(Path(__file__).resolve().parents[2])
_SUPERVISOR: Final = "import sys; sys.path.append(sys.argv[1]); from lfci_gate.engines import supervisor"
_SUPERVISE: Final = f"{_SUPERVISOR}; sys.exit(supervisor.main(sys.argv[2]))"
_USE_UP: Final = 'n=$1; shift; while [ "$n" -gt 0 ]; do (:); n=$((n - 1)); done; exec "$@"'
_GRACE_S: Final = 30
_CHUNK: Final = 1 << 16


class DevelopRun(Value):
    ended: Ended
    duration_ms: int
    out: Path
    """What the run left in $out; nothing writes there any more."""


def run_in_sandbox(
    nix: Nix,
    derivation: Derivation,
    closure: Sequence[str],
    place: Path,
    *,
    network: bool,
    timeout_s: int,
    limits: Limits,
    log: Log,
    progress: Progress,
    conditions: Conditions = NORMAL,
) -> DevelopRun:
    """Runs the builder of ``derivation.run`` and returns when nothing of it is left running.

    Arguments:
        closure: the store paths to show, the source's not among them.
        place: an empty directory of this run.
        timeout_s: wall time of the run.
        conditions: its host name and processes; the rest of them is the caller's to make.

    Raises Undecided LFCI305 without bubblewrap, LFCI303 when `nix develop` fails; lets
    KeyboardInterrupt through when everything is dead.
    """
    bubblewrap = shutil.which("bwrap", path=nix.environment.get("PATH", os.defpath))
    if bubblewrap is None:
        raise Undecided(
            "LFCI305", "bubblewrap is not installed", hint="install the package bubblewrap (bwrap)"
        )
    result = place / "result.json"
    request: dict[str, Any] = {
        "bubblewrap": bubblewrap,
        "arguments": _arguments(
            nix, derivation, closure, place, network=network, limits=limits, host=conditions.host
        ),
        "command": _command(derivation, conditions.processes),
        "nonce": os.urandom(16).hex(),
        "timeout_s": timeout_s,
        "user": list(SANDBOX_USER) if os.geteuid() == 0 else None,
        "build": str(place / "build"),
        "limits": mapping_of(limits),
        "filter": filter_path(os.uname().machine),
        "result": str(result),
        "clean": str(place),
    }
    (place / "request.json").write_text(json.dumps(request), encoding="utf-8", errors="surrogateescape")
    argv = [nix.nix, "develop", *nix.flags(), "--ignore-environment", "--keep", "TMPDIR", derivation.carrier]
    # -I: nothing of the caller's Python settings; -S: no site-packages.
    argv += [
        "--command",
        sys.executable,
        "-I",
        "-S",
        "-c",
        _SUPERVISE,
        _PACKAGES,
        str(place / "request.json"),
    ]
    progress.phase("run", " ".join(argv))
    messages = _follow(argv, nix, place, timeout_s, log, progress)
    try:
        told = json.loads(result.read_bytes())
    except FileNotFoundError:
        raise Undecided(
            "LFCI303", "nix develop did not run the sandbox", facts=last_lines(messages)
        ) from None
    ended = Ended(told["how"], told["begun"], told["status"], told["stopped"])
    return DevelopRun(ended, told["duration_ms"], place / "build" / "out")


def _command(derivation: Derivation, processes: int) -> list[str]:
    """The builder; after it has used up so many process ids, if any."""
    builder = [derivation.run.builder, *derivation.run.args]
    return [builder[0], "-p", "-c", _USE_UP, "lfci", str(processes), *builder] if processes else builder


def _arguments(
    nix: Nix,
    derivation: Derivation,
    closure: Sequence[str],
    place: Path,
    *,
    network: bool,
    limits: Limits,
    host: str,
) -> list[str]:
    """Fills ``place`` and says what bubblewrap is to do with it."""
    build, etc = place / "build", place / "etc"
    build.mkdir(mode=0o700)
    etc.mkdir(mode=0o755)
    for name, content in ETC.items():
        (etc / name).write_text(content)
    if host != "localhost":
        (etc / "hosts").write_text(f"{ETC['hosts']}127.0.0.1 {host}\n")
    if network:
        _copy_resolver(etc)
    given = builder_input(derivation.run, cores=len(os.sched_getaffinity(0)))
    for name, content in given.files.items():
        (build / name).write_text(content, encoding="utf-8", errors="surrogateescape")
    if os.geteuid() == 0:
        for path in (build, *build.iterdir()):
            os.chown(path, *SANDBOX_USER)
    sandbox = Sandbox(
        closure=[*closure, derivation.source_path],
        build=str(build),
        etc=str(etc),
        env=given.env,
        network=network,
        interpreters=interpreters(nix, closure, derivation.run.builder),
        limits=limits,
        host=host,
    )
    return bubblewrap_arguments(sandbox)


def _copy_resolver(etc: Path) -> None:
    for name in ("resolv.conf", "services", "nsswitch.conf"):
        source = Path("/etc", name)
        if source.is_file():
            (etc / name).write_bytes(source.read_bytes())


def _follow(argv: list[str], nix: Nix, place: Path, timeout_s: int, log: Log, progress: Progress) -> bytes:
    """Runs ``argv`` with its output going to the log; returns what Nix itself said."""
    messages = place / "messages"
    with open(messages, "wb") as errors:
        child = subprocess.Popen(
            argv,
            env=nix.environment,
            cwd=place,
            stdin=subprocess.PIPE,  # the supervisor's leash
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        _pump(child.stdout.fileno(), time.monotonic() + timeout_s + _GRACE_S, log, progress)
        child.wait(timeout=_GRACE_S)
    except BaseException as reason:
        # The supervisor ends the sandbox when its leash is let go; only then is the rest ended.
        with contextlib.suppress(OSError):
            os.write(child.stdin.fileno(), b"\n")  # we live, and clean up ourselves
        child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)
        stop_group(child)
        if isinstance(reason, subprocess.TimeoutExpired | TimeoutError):
            raise Undecided("LFCI308", "the sandbox did not end in time") from None
        raise
    child.stdin.close()
    child.stdout.close()
    return messages.read_bytes()[-_CHUNK:]


def _pump(fd: int, deadline: float, log: Log, progress: Progress) -> None:
    started = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=1.0):
                data = os.read(fd, _CHUNK)
                if not data:
                    return
                log.write(data)
                progress.line(data)
            else:
                progress.heartbeat(time.monotonic() - started)
            if time.monotonic() > deadline:
                raise TimeoutError
