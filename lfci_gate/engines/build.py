"""The build engine: the derivation realised by Nix, in Nix's own sandbox.

Every run is one: an output that is there already, or that a cache has, says nothing about a run of now,
so the derivation is built again then. That the sandbox was on is not taken on trust: the run script
looks before it starts the command, and where the derivation is the flake's own a probe is built first,
in the same place (see :mod:`lfci_gate.nix.runscript`). The processes of a build are Nix's: it kills them,
and limits them as its operator has set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from lfci_gate import files
from lfci_gate.engines.log import Log
from lfci_gate.engines.outcome import Ended, Progress
from lfci_gate.engines.sandbox import Limits
from lfci_gate.errors import Undecided
from lfci_gate.machine import Builder
from lfci_gate.nix.derivation import Derivation
from lfci_gate.nix.elsewhere import (
    HERE,
    Where,
    choose,
    forget,
    forget_here,
    refuse_unknown_builder,
    required_features,
)
from lfci_gate.nix.process import Nix
from lfci_gate.nix.realise import Realised, is_valid, realise, sandbox_options
from lfci_gate.nix.runscript import STOPS
from lfci_gate.nix.store import interpreters, refuse_altered
from lfci_gate.value import Value, replace

__all__ = ["BuildRun", "run_in_nix"]

_TRIES: Final = 4
_VANISHED: Final = ("checking is not possible", "has no valid outputs registered")
"""What Nix says, and what Lix since 2.95, of an output that is to be checked and is not there."""

_PROBE_TIMEOUT_S: Final = 60
_WORDS: Final = 64
"""Bytes of the small files that the run script leaves."""

_LOST: Final = Ended("exit", True, None, "builder")


class BuildRun(Value):
    ended: Ended
    duration_ms: int
    out: Path
    """What the run left in $out; not there when it did not reach its end."""
    interpreters: str
    """What /bin/sh and /usr/bin/env were in the sandbox."""
    messages: tuple[str, ...]
    """Nix's own words, where the run did not reach its end."""
    lost: bool = False
    """The builder that it was given to went away in the middle, or before."""


def run_in_nix(
    nix: Nix,
    derivation: Derivation,
    closure: Sequence[str],
    *,
    timeout_s: int,
    limits: Limits,
    log: Log,
    progress: Progress,
    here: bool = False,
) -> BuildRun:
    """Builds ``derivation.run_drv`` and returns when nothing of it is left running, here at least.

    Arguments:
        closure: the store paths that the environment consists of.
        here: not on a builder, whichever are configured.

    Raises Undecided LFCI303 when Nix cannot be asked; LFCI326 when the output of an earlier build was
    altered; LFCI329 when no builder can be reached, and it may not be built here; LFCI330 and LFCI331 when
    it cannot be told that it ran now.
    """
    out = derivation.run.outputs.get(derivation.output, "")
    where = HERE if here else _where(nix, derivation)
    for each in where.skipped:
        progress.phase("environment", f"warning[LFCI329]: {each}; the check runs here")
    options = [*sandbox_options(interpreters(nix, closure, derivation.run.builder)), *where.options]
    if derivation.probe_drv:
        probed = _probe(nix, derivation.probe_drv, options, limits, where)
        if probed is not None:
            return replace(probed, out=nix.real(out))
    # As a person would type it; Nix gets more options than that.
    on = "" if where.builder is None else f" (on {where.builder.name})"
    progress.phase("run", f"{nix.nix_store} --realise {derivation.run_drv}{on}")
    done = _run(nix, derivation, out, options, timeout_s, limits, log, progress, where)
    if _lost(done, where):
        return BuildRun(_LOST, done.duration_ms, nix.real(out), "", done.errors, lost=True)
    place = nix.real(out if done.differs is None else done.differs)
    if derivation.probe_drv:
        return _of_flake_check(done, place)
    return _of_run_script(done, place)


def _where(nix: Nix, derivation: Derivation) -> Where:
    """One place for the probe and the run; elsewhere no earlier output is left, there and in the store here:
    Nix would take back the outputs only that are missing."""
    if not nix.machine.builders:
        return HERE
    outputs = tuple(derivation.run.outputs.values())
    valid = [path for path in outputs if is_valid(nix, path)]
    if valid and nix.machine.local:
        return HERE  # where Nix can compare the two
    where = choose(nix, derivation.system, required_features(derivation.run.env), outputs)
    if valid:
        forget_here(nix, valid)
    return where


def _lost(done: Realised, where: Where) -> bool:
    """Whether a builder elsewhere was lost, or could not be reached any more when it was to begin."""
    if where.builder is None or done.status == 0 or done.how != "exit":
        return False
    return not (done.elsewhere and done.answered)


def _probe(nix: Nix, drv: str, options: Sequence[str], limits: Limits, where: Where) -> BuildRun | None:
    """None when the sandbox is on; else what to say of a run that was not started."""
    said: list[bytes] = []
    for again in (False, True):
        done = realise(
            nix,
            drv,
            again=again,
            options=options,
            timeout_s=_PROBE_TIMEOUT_S,
            log_bytes=limits.log_bytes,
            line=said.append,
            tick=lambda _elapsed: None,
            around_s=where.around_s,
        )
        # Built before means: for an attempt on a builder that was then lost.
        if done.ran or done.status != 0 or where.builder is not None:
            break
    refuse_unknown_builder(done, where)
    if done.status == 0 and done.ran:
        return None
    if _lost(done, where):
        return BuildRun(_LOST, 0, Path(), "", done.errors, lost=True)
    words = tuple(each.decode("utf-8", "replace").strip() for each in said)
    if done.ran and STOPS.get(done.exit_code or 0) == "world":
        return BuildRun(Ended("exit", True, None, "world"), 0, Path(), "", words)
    return BuildRun(Ended(done.how, False, None), 0, Path(), "", (*done.errors, *words))


def _run(
    nix: Nix,
    derivation: Derivation,
    out: str,
    options: Sequence[str],
    timeout_s: int,
    limits: Limits,
    log: Log,
    progress: Progress,
    where: Where,
) -> Realised:
    def line(data: bytes) -> None:
        log.write(data)
        progress.line(data)

    for _ in range(_TRIES):
        again = where.builder is None and is_valid(nix, out)
        done = realise(
            nix,
            derivation.run_drv,
            again=again,
            options=options,
            timeout_s=timeout_s,
            log_bytes=limits.log_bytes,
            line=line,
            tick=progress.heartbeat,
            around_s=where.around_s,
        )
        refuse_unknown_builder(done, where)
        # Not run, and yet there: somebody else built it a moment before. Not there any more to be
        # built again: collected as garbage a moment before.
        vanished = not done.ran and any(word in each for each in done.errors for word in _VANISHED)
        if done.ran or (done.status != 0 and not vanished):
            break
        if where.builder is not None:
            _forget_everywhere(nix, where.builder, tuple(derivation.run.outputs.values()))
    else:
        _not_run(where, out, done)
    if again and done.status == 0:
        # Nix has compared with the hash that it remembers; what lies there is read now.
        refuse_altered(nix, (out,))
    # Nix names the new output as it lies on this machine: in a store of its own, not as the store does.
    beside = f"{out}.check"
    there = done.differs is not None and done.differs in (beside, str(nix.real(beside)))
    return replace(done, differs=beside if there else None)


def _forget_everywhere(nix: Nix, builder: Builder, outputs: Sequence[str]) -> None:
    forget(nix, builder, outputs)
    valid = [path for path in outputs if is_valid(nix, path)]
    if valid:
        forget_here(nix, valid)


def _not_run(where: Where, out: str, done: Realised) -> NoReturn:
    if where.builder is None:
        raise Undecided("LFCI303", "nix-store built nothing", facts=done.errors)
    raise Undecided(
        "LFCI330",
        f"{where.builder.name} hands out an output, again and again, and starts no builder",
        facts=(out,),
        hint=f"on {where.builder.name}: take the cache that has it out of nix.conf",
    )


def _of_run_script(done: Realised, place: Path) -> BuildRun:
    """Of a derivation of ours: its output says how the command ended, with whatever status."""
    kept = done.ran and (done.status == 0 or done.differs is not None)
    status = _word(place / "status") if kept else ""
    if status.isascii() and status.isdigit() and int(status) < 256:
        ended = Ended("exit", True, int(status))
        return BuildRun(ended, done.duration_ms, place / "out", _word(place / "world"), ())
    stopped = STOPS.get(done.exit_code, "") if done.exit_code is not None else ""
    ended = Ended(done.how, done.ran, None, stopped)
    return BuildRun(ended, done.duration_ms, place / "out", "", done.errors)


def _of_flake_check(done: Realised, place: Path) -> BuildRun:
    """Of a derivation of the flake's: it could be built, or its builder ended with a status."""
    built = done.ran and (done.status == 0 or done.differs is not None)
    status = 0 if built else (done.exit_code or None)
    ended = Ended(done.how if not built else "exit", done.ran, status)
    return BuildRun(ended, done.duration_ms, place, "as the flake check has it", done.errors)


def _word(file: Path) -> str:
    return (files.read_file(file, _WORDS) or b"").decode("ascii", "replace").strip()
