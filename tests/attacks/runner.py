"""Runs attacks and prints what happened: ``python -m tests.attacks --help``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.attacks.kit import TARGETS, Outcome, perform
from tests.attacks.world import World, make_world
from tests.conftest import home_environment, reduced

HERE = Path(__file__).resolve().parent


def names(letters: str = "", only: tuple[str, ...] = ()) -> list[str]:
    """All attacks: the folders with an attack.py, of these classes, whose name contains one of ``only``."""
    found = [path.parent.name for path in sorted(HERE.glob("*/attack.py"))]
    found = [name for name in found if not letters or name[0].upper() in letters.upper()]
    return [name for name in found if not only or any(part in name for part in only)]


def load(name: str) -> ModuleType:
    """The module of one attack."""
    return importlib.import_module(f"tests.attacks.{name}.attack")


def second_transport(name: str) -> str:
    """ssh for one half of the attacks and http for the other, always the same one for each."""
    return ("ssh", "http")[zlib.crc32(name.encode()) & 1]


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    target: str
    transport: str
    bound: str
    instrument: dict[str, Any] | None = None


def jobs_of(name: str, options: argparse.Namespace) -> Iterator[Job]:
    """Without --transport: over git daemon as installed, and over ssh or http with the instrumented
    gate, and without a gate."""
    pairs = {
        "two": ("daemon", second_transport(name)),
        "all": ("daemon", "ssh", "http"),
    }.get(options.transport, (options.transport,))
    for transport in pairs:
        instrumented = {"second": transport != "daemon", "always": True, "never": False}[options.instrument]
        told = None
        if options.target == "lfci" and (instrumented or options.record):
            told = {"name": name, "opinions": instrumented, "record": options.record}
        yield Job(name, options.target, transport, options.bound, told)
    if options.target != "none" and not options.no_gateless:
        yield Job(name, "none", "daemon", options.bound)


# -- workers ---------------------------------------------------------------------------------------

_world: World | None = None


def _begin(world: World) -> None:
    global _world
    _world = dataclasses.replace(world, prefix=f"w{os.getpid()}")


def _one(job: Job) -> Outcome:
    assert _world is not None
    module = load(job.name)
    return perform(
        job.name,
        module.ATTACK,
        module.mount,
        _world,
        TARGETS[job.target],
        job.transport,
        bound=job.bound,
        instrument=job.instrument,
    )


@contextlib.contextmanager
def hermetic() -> Iterator[Path]:
    """A home and an environment of its own, as every test has; its folder."""
    place = Path(tempfile.mkdtemp(prefix="lfci-attacks-"))
    before = dict(os.environ)
    kept = reduced(os.environ)
    os.environ.clear()
    os.environ.update(kept, **home_environment(place / "home"))
    try:
        yield place
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(place, ignore_errors=True)


def run(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    """Outcomes of ``jobs``; those that ran out of time are tried once more, alone, at the end."""
    with hermetic() as place, make_world(place / "world") as world:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(world,)) as pool:
            again = []
            for job, outcome in zip(jobs, pool.map(_one, jobs), strict=True):
                if outcome.busy:
                    again.append(job)
                else:
                    yield outcome
            for job in again:  # on a busy machine everything takes long: what counts is how it ends alone
                yield pool.submit(_one, job).result()


# -- what is printed -----------------------------------------------------------------------------------


@dataclasses.dataclass
class Row:
    """All outcomes of one attack."""

    name: str
    gated: list[Outcome]
    gateless: Outcome | None

    @property
    def ok(self) -> bool:
        return all(each.ok for each in [*self.gated, *([self.gateless] if self.gateless else [])])

    def cells(self) -> tuple[str, ...]:
        first = self.gated[0] if self.gated else self.gateless
        assert first is not None
        bad = [each.verdict for each in self.gated if not each.ok]
        plain = [each.costs for each in self.gated if not each.instrumented] or [
            each.costs for each in self.gated
        ]
        return (
            self.name,
            first.title,
            "+".join(each.transport for each in self.gated),
            bad[0] if bad else (self.gated[0].verdict if self.gated else ""),
            " ".join(sorted({code for each in self.gated for code in each.codes})),
            f"{max((each.wall_s for each in plain), default=0):.2f}",
            f"{max((each.rss for each in plain), default=0) >> 20}",
            self.gateless.verdict if self.gateless else "",
        )


HEAD = ("attack", "what", "over", "with the gate", "codes", "s", "MiB", "without a gate")


def rows_of(outcomes: list[Outcome], target: str) -> list[Row]:
    """One row an attack, in their order."""
    rows: dict[str, Row] = {}
    for each in outcomes:
        row = rows.setdefault(each.name, Row(each.name, [], None))
        if each.target == "none" and target != "none":
            row.gateless = each
        else:
            row.gated.append(each)
    return list(rows.values())


def table(rows: list[Row]) -> str:
    """A plain table."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(rows: list[Row]) -> str:
    """One object, with every outcome."""
    found = []
    for row in rows:
        outcomes = [*row.gated, *([row.gateless] if row.gateless else [])]
        found.append({"attack": row.name, "ok": row.ok,
                      "outcomes": [dataclasses.asdict(each) for each in outcomes]})  # fmt: skip
    return json.dumps({"schema": "lfci.attacks/1", "count": len(rows), "attacks": found}, indent=1)


def summary(rows: list[Row]) -> str:
    """The counts."""
    gateless = [row.gateless.verdict for row in rows if row.gateless]
    bad = [row for row in rows if not row.ok]
    plain = [each.costs for row in rows for each in row.gated if not each.instrumented]
    text = f"{len(rows)} attacks, {len(rows) - len(bad)} fended off, {len(bad)} not"
    if gateless:
        text += f"; without a gate {gateless.count('succeeds')} succeed"
        text += f", git refuses {gateless.count('git refuses')}, {gateless.count('n/a')} mean nothing there"
    asked = sum(each.asked for row in rows for each in row.gated)
    if asked:
        text += f"\nsecond opinions on {asked} objects and envelopes"
    if plain:
        text += f"\nhighest of the hook: {max(each.wall_s for each in plain):.2f} s wall"
        text += f", {max(each.cpu_s for each in plain):.2f} s CPU"
        text += f", {max(each.rss for each in plain) >> 20} MiB"
    return text


def complain(rows: list[Row], target: str) -> None:
    """Every failure, with the command that shows it again."""
    for row in rows:
        for each in [*row.gated, *([row.gateless] if row.gateless else [])]:
            if each.ok:
                continue
            loud = "!" * 20 + " " if each.verdict == "FALSE ACCEPT" else ""
            print(f"\n{loud}{each.verdict}: {row.name} over {each.transport} against {each.target}"
                  f"\n{each.detail[:3000]}"
                  f"\nagain: python -m tests.attacks --only {row.name} --transport {each.transport}"
                  f" --target {target}", file=sys.stderr)  # fmt: skip


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--class", dest="letters", default="", metavar="LETTERS", help="such as A or ABI")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="names that contain this")
    parser.add_argument("--transport", default="two", choices=("daemon", "ssh", "http", "two", "all"),
                        help="two (default): git daemon, and ssh or http")  # fmt: skip
    parser.add_argument("--target", default="lfci", choices=sorted(TARGETS))
    parser.add_argument("--format", default="table", choices=("table", "json"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bound", default="wall", choices=("wall", "cpu"), help="what 4 s is held against")
    parser.add_argument("--instrument", default="second", choices=("second", "always", "never"),
                        help="when to ask second opinions (second: on the second transport)")  # fmt: skip
    parser.add_argument("--record", metavar="DIR", help="write what the hook saw as cases for replay.py")
    parser.add_argument("--no-gateless", action="store_true", help="do not try without a gate")
    parser.add_argument("--quick", action="store_true", help="only those that are part of `make test`")
    options = parser.parse_args(argv)
    if options.record:
        options.record = str(Path(options.record).resolve())
        Path(options.record).mkdir(parents=True, exist_ok=True)
    return options


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 when every attack was fended off."""
    options = arguments(argv)
    chosen = names(options.letters, tuple(options.only))
    if options.quick:
        chosen = [name for name in chosen if load(name).ATTACK.quick]
    if not chosen:
        print("no attack has that class or name", file=sys.stderr)
        return 2
    jobs = [job for name in chosen for job in jobs_of(name, options)]
    outcomes = []
    for outcome in run(jobs, options.jobs):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)}/{len(jobs)} ", end="", file=sys.stderr, flush=True)
    rows = rows_of(outcomes, options.target)
    print(as_json(rows) if options.format == "json" else table(rows))
    complain(rows, options.target)
    print(f"\n{summary(rows)}", file=sys.stderr)
    return 0 if all(row.ok for row in rows) else 1
