"""What the figures share: a hermetic environment, timing in turn, medians, and how results are kept.

A figure compares whole processes: from the start of a command to its end. Ours and its peers run in
turn (A B A B ...), so that a machine whose speed drifts slows both; the ratio is that of the medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.world import default_cache

RESULTS = Path(__file__).resolve().parent / "results"
LFCI = Path(sys.executable).with_name("lfci")
CACHE = default_cache()
"""Where the offline world is; looked up before :func:`hermetic` changes HOME."""

RUNS = 15
Timed = Callable[[], object]


@dataclass
class Row:
    """One peer beside ours, on the same work."""

    what: str
    """What is done."""
    peer: str
    peer_value: float
    ours: str
    ours_value: float
    unit: str = "ms"
    target: str = ""
    """The bound of docs/performance.md, in its words; empty where the peer is only for comparison."""
    met: bool | None = None

    @property
    def ratio(self) -> float:
        return self.ours_value / self.peer_value


@dataclass
class Figure:
    name: str
    title: str
    rows: list[Row]
    samples: dict[str, list[float]] = field(default_factory=dict)
    """Every single measurement, by the name of what was measured, in the unit of the rows."""
    notes: list[str] = field(default_factory=list)


def hermetic(home: Path) -> None:
    """Gives this process and all that it starts a home of their own and no settings of the user's."""
    kept = ("PATH", "LANG", "TMPDIR", "NIX_REMOTE", "SSL_CERT_FILE", "NIX_SSL_CERT_FILE")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    home.mkdir()
    config = home / ".gitconfig"
    config.write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n"
        "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
    )
    os.environ.clear()
    os.environ.update(environ)
    os.environ["PATH"] = f"{LFCI.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
    os.environ.update(
        HOME=str(home),
        XDG_CACHE_HOME=str(home / "cache"),
        GIT_CONFIG_GLOBAL=str(config),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_TERMINAL_PROMPT="0",
        LFCI_AGENT="bench",
        LC_ALL="C.UTF-8",
    )


def run(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bytes:
    """Standard output of a command; ends the benchmark when it fails: what is timed has to work."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{said[-2000:]}")
    return done.stdout


def command(words: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Timed:
    """A command to be timed."""
    return lambda: run(words, cwd, env)


def in_turn(timed: Mapping[str, Timed], runs: int = RUNS) -> dict[str, list[float]]:
    """Milliseconds of each, ``runs`` times in turn after one round that does not count."""
    samples: dict[str, list[float]] = {name: [] for name in timed}
    for number in range(runs + 1):
        for name, call in timed.items():
            start = time.perf_counter()
            call()
            taken = (time.perf_counter() - start) * 1000
            if number:
                samples[name].append(round(taken, 3))
    return samples


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 2)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        os.uname().machine,
    )
    found: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": model,
        "python": sys.version.split()[0],
        "git": run(["git", "--version"]).decode().split()[-1],
    }
    found["text"] = (
        f"{found['date']}, {found['cores']} cores of {found['processor']}, Python {found['python']},"
        f" git {found['git']}"
    )
    return found


def report(figure: Figure) -> None:
    """Prints a figure and keeps it as JSON in benchmarks/results/."""
    print(f"\n{figure.name} {figure.title}")
    for row in figure.rows:
        judged = {True: "  reached", False: "  NOT reached", None: ""}[row.met]
        print(f"  {row.what}")
        print(f"    {'peer':<5}{row.peer_value:>10.1f} {row.unit:<5} {row.peer}")
        print(f"    {'ours':<5}{row.ours_value:>10.1f} {row.unit:<5} {row.ours}")
        target = f"   target {row.target}" if row.target else ""
        print(f"    {'ratio':<5}{row.ratio:>10.2f}{target}{judged}")
    for note in figure.notes:
        print(f"  {note}")
    RESULTS.mkdir(exist_ok=True)
    rows = [{**asdict(row), "ratio": round(row.ratio, 3)} for row in figure.rows]
    value = {**asdict(figure), "rows": rows, "machine": machine()}
    path = RESULTS / f"{figure.name.lower()}.json"
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
