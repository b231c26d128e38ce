"""Records what versions of Nix say, as goldens in tests/golden/nix: ``python -m tests.support.record_nix``.

Each case is one call that ``lfci_gate.nix`` makes, with its standard error byte by byte and its exit
status. Nothing is made up or left out; store paths are those of the offline world.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from lfci_gate.nix import realise as realising
from lfci_gate.nix.expression import nix_string
from lfci_gate.nix.process import Nix
from tests.support.newer_nix import SUITES, make_newer_nix
from tests.support.world import World, make_world, project_flake

GOLDEN = Path(__file__).parents[1] / "golden/nix"


class Case(NamedTuple):
    script: str
    """What the builder runs."""
    options: tuple[str, ...] = ()
    built_before: bool = False
    again: bool = False
    depends_on: str = ""
    """What the builder of a derivation runs that it needs."""


CASES = {
    "passed": Case("echo one; printf 'two\\tthree\\n'; echo > $out"),
    "failed": Case("echo one; echo '> failed with exit code 7'; exit 3"),
    # Process 1 of a namespace can only be killed from outside: here by the kernel.
    "signal": Case("echo one; ulimit -t 1; while :; do :; done"),
    "differs": Case("echo one; echo $RANDOM$RANDOM$RANDOM > $out", built_before=True, again=True),
    "equal": Case("echo one; echo > $out", built_before=True, again=True),
    "not-built-before": Case("echo > $out", again=True),
    "needs-what-fails": Case("echo > $out", depends_on="exit 4"),
    "timeout": Case("echo one; ${builder%bash}sleep 30", ("--timeout", "1")),
    "too-much-output": Case(
        "while :; do echo 0123456789; ${builder%bash}sleep 0.01; done",
        ("--option", "max-build-log-size", "1000"),
    ),
}
"""Name -> one realisation."""


def main() -> None:
    world = make_world()
    for suite in ("", *SUITES):
        path = f"{make_newer_nix(suite)}:{os.environ['PATH']}" if suite else os.environ["PATH"]
        with tempfile.TemporaryDirectory(prefix="lfci-golden-", dir="/tmp") as temp:
            private = Path(temp) / "private"
            private.mkdir()
            nix = Nix(private, environ={**os.environ, "PATH": path})
            version = nix.version()
            place = GOLDEN / f"{version.name}-{version.version}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "version").write_bytes(nix.run("--version").stdout)
            for name, case in CASES.items():
                _write(place, name, _realised(nix, world, f"{place.name}-{name}", case))
            _write(place, "unlocked", _unlocked(nix, world, Path(temp)))
            print(place)


class Said(NamedTuple):
    drv: str
    status: int
    stderr: bytes


def _write(place: Path, name: str, said: Said) -> None:
    (place / f"{name}.log").write_bytes(said.stderr)
    told = {"derivation": said.drv, "status": said.status}
    (place / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def _realised(nix: Nix, world: World, name: str, case: Case) -> Said:
    base = f'(builtins.getFlake "path:{world.path}?narHash={_query(world.nar_hash)}").lib.base'
    needed = ""
    if case.depends_on:
        needed = _derivation(f"{name}-needed", case.depends_on, "")
    made = _derivation(name, case.script, f"needed = {needed};" if needed else "")
    expression = f"let base = {base}; in ({made}).drvPath"
    drv = nix.run("eval", "--raw", "--expr", expression).stdout.decode()
    assert drv.startswith("/nix/store/"), expression
    if case.built_before:
        done = nix.run_store("--realise", drv)
        assert done.status == 0, done.stderr
    heard: list[bytes] = []

    class Recording(realising._Heard):
        def take(self, data: bytes) -> None:
            heard.append(data)
            super().take(data)

    before, realising._Heard = realising._Heard, Recording
    try:
        done = realising.realise(
            nix,
            drv,
            again=case.again,
            options=case.options,
            timeout_s=60,
            log_bytes=1 << 20,
            line=lambda _line: None,
            tick=lambda _elapsed: None,
        )
    finally:
        realising._Heard = before
    return Said(drv, done.status, b"".join(heard))


def _derivation(name: str, script: str, more: str) -> str:
    args = f'[ "-c" {nix_string(script)} ]'
    # Never built before.
    nonce = os.urandom(8).hex()
    return f'derivation (base // {{ name = "{name}"; nonce = "{nonce}"; args = {args}; {more} }})'


def _unlocked(nix: Nix, world: World, temp: Path) -> Said:
    """A flake with an input that its lock file does not name, as it is evaluated."""
    project = temp / "project"
    project.mkdir()
    text, _ = project_flake(world)
    (project / "flake.nix").write_text(text)
    (project / "flake.lock").write_text('{"nodes":{"root":{}},"root":"root","version":7}\n')
    hashed = nix.run("hash", "path", str(project)).stdout.decode().strip()
    flake = f'builtins.getFlake "path:{project}?narHash={_query(hashed)}"'
    argv = ("--no-update-lock-file", "--option", "substitute", "false", "--json")
    argv += ("--expr", f"({flake}).devShells")
    done = nix.run("eval", *argv)
    return Said("", done.status, done.stderr)


def _query(text: str) -> str:
    return "".join(char if char.isalnum() else f"%{ord(char):02X}" for char in text)


if __name__ == "__main__":
    main()
