"""P2b: what isolation costs. The sandbox alone, around the same command; and the build engine beside P2's.

Of the sandbox alone all is timed that stands between `nix develop` and the command: an isolated Python
with the supervisor, bubblewrap, the filter of system calls, the watch over limits, and the end of it all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import LFCI, Figure, Row, Timed, command, in_turn, median
from benchmarks.p2_fresh_run_overhead import NIX, SUITE, project
from lfci_gate.config.project import parse_project
from lfci_gate.engines.develop import _PACKAGES, _SUPERVISE
from lfci_gate.engines.sandbox import DEFAULT_LIMITS, ETC, Sandbox, bubblewrap_arguments
from lfci_gate.engines.scratch import SANDBOX_USER
from lfci_gate.engines.seccomp import filter_path
from lfci_gate.nix.derivation import derive
from lfci_gate.nix.process import Nix
from lfci_gate.nix.store import environment_closure, interpreters
from lfci_gate.system import current_system
from lfci_gate.value import mapping_of

RUNS = 10
COMMANDS = {"true": "true", "suite": f"export PYTHONDONTWRITEBYTECODE=1; {SUITE}"}


def measure(base: Path) -> Figure:
    before = os.getloadavg()[0]
    clone = project(base)
    alone = Alone(base, clone)
    shell = [*NIX, "develop", "-i", f"path:{clone}", "-c", "bash", "-euc"]
    check = [str(LFCI), "check", "--force", "--no-attest", "--engine"]
    timed: dict[str, Timed] = {}
    for name, words in COMMANDS.items():
        timed |= {
            f"bare: {name}": alone.bare(words),
            f"sandbox: {name}": alone.sandboxed(words, RUNS + 1),
            f"nix develop: {name}": command([*shell, words], clone),
        }
        of = "nothing" if name == "true" else "test"
        for engine in ("develop", "build"):
            timed[f"{engine}: {name}"] = command([*check, engine, of], clone)
    samples = in_turn(timed, RUNS)
    middle = {name: median(values) for name, values in samples.items()}
    rows = []
    for name, what in (("true", "a command that does nothing"), ("suite", "219 tests of pluggy")):
        bare, peer = middle[f"bare: {name}"], middle[f"nix develop: {name}"]
        ours = middle[f"sandbox: {name}"]
        rows.append(Row(what, "the command alone", bare, "in the sandbox alone", ours))
        for engine in ("develop", "build"):
            ours = middle[f"{engine}: {name}"]
            rows.append(Row(what, "nix develop -i -c", peer, f"lfci check --engine {engine}", ours))
    notes = [f"{row.what}: {row.ours}: {row.ours_value - row.peer_value:+.0f} ms" for row in rows]
    notes.append(f"load of the machine: {before:.1f} before, {os.getloadavg()[0]:.1f} after")
    return Figure("P2b", "what isolation costs", rows, samples, notes)


class Alone:
    """The sandbox of the develop engine, without evaluation, `nix develop` and report."""

    def __init__(self, base: Path, clone: Path) -> None:
        export, private, self._place = base / "export", base / "private", base / "alone"
        shutil.copytree(clone, export, ignore=shutil.ignore_patterns(".git"), symlinks=True)
        private.mkdir()
        self._place.mkdir()
        for folder in (base, self._place):
            folder.chmod(0o755)  # root gives the sandbox to another user
        self._nix = Nix(private)
        config = parse_project((clone / ".lfci/config.toml").read_bytes())
        found = derive(self._nix, export, config.checks[0], current_system())
        self._source = export
        self._shell = found.run.builder
        self._path = found.run.env["PATH"]
        self._closure = environment_closure(self._nix, found.run, found.source_path, base / "roots")
        etc = self._place / "etc"
        etc.mkdir()
        for name, content in ETC.items():
            (etc / name).write_text(content)
        self._etc = etc

    def bare(self, words: str) -> Timed:
        """The command with nothing around it but the environment."""
        argv = ["env", "-i", f"PATH={self._path}", "HOME=/", self._shell, "-euc", words]
        return command(argv, self._source)

    def sandboxed(self, words: str, times: int) -> Timed:
        """The same in the sandbox; what each of ``times`` calls needs is laid out before."""
        requests = [self._request(self._place / f"{len(words)}-{number}", words) for number in range(times)]

        def once() -> None:
            request = requests.pop()
            argv = [sys.executable, "-I", "-S", "-c", _SUPERVISE, _PACKAGES, str(request)]
            # Its standard input is the leash: a pipe that is held until it ends.
            with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                said = child.stdout.read()
                child.wait()
            told = json.loads((request.parent / "result.json").read_bytes())
            if (told["how"], told["status"]) != ("exit", 0):
                raise SystemExit(f"the sandbox ended otherwise: {told}\n{said.decode()[-2000:]}")

        return once

    def _request(self, place: Path, words: str) -> Path:
        build = place / "build"
        build.mkdir(parents=True)
        shutil.copytree(self._source, build / "source", symlinks=True)
        if os.geteuid() == 0:
            for path in (build, *build.rglob("*")):
                os.chown(path, *SANDBOX_USER, follow_symlinks=False)
        sandbox = Sandbox(
            closure=self._closure,
            build=str(build),
            etc=str(self._etc),
            env={"PATH": self._path, "HOME": "/"},
            network=False,
            interpreters=interpreters(self._nix, self._closure, self._shell),
            limits=DEFAULT_LIMITS,
        )
        nonce = "benchmark"
        # What the run script does to say that it came to its end.
        script = (
            "IFS= read -r nonce <&9; echo begin >&9;"
            f' (exec 9>&-; cd /build/source; {words}); echo "end $nonce 0" >&9'
        )
        request = {
            "bubblewrap": shutil.which("bwrap"),
            "arguments": bubblewrap_arguments(sandbox),
            "command": [self._shell, "-euc", script],
            "nonce": nonce,
            "timeout_s": 120,
            "user": list(SANDBOX_USER) if os.geteuid() == 0 else None,
            "build": str(build),
            "limits": mapping_of(DEFAULT_LIMITS),
            "filter": filter_path(os.uname().machine),
            "result": str(place / "result.json"),
            "clean": str(place),
        }
        (place / "request.json").write_text(json.dumps(request))
        return place / "request.json"
