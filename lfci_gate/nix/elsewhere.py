"""Where a run is built: on one of the configured builders, or here.

One place is chosen before the run, so that what is looked at (is there an output of an earlier run, is
the sandbox on) is looked at where it counts. Nix compares a second build with the first only in its own
store, and a builder that has an output already hands that out instead of building; so what an earlier
run left is forgotten first. Whether a builder was really started, Nix tells (see nix.realise).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from lfci_gate.errors import Undecided, UsageError
from lfci_gate.machine import Builder
from lfci_gate.nix.builders import line_of, uri_of
from lfci_gate.nix.process import Completed, Nix, last_lines
from lfci_gate.nix.realise import Realised
from lfci_gate.value import Value

__all__ = [
    "HERE",
    "Where",
    "choose",
    "forget",
    "forget_here",
    "problem_of",
    "refuse_daemon",
    "refuse_unknown_builder",
    "required_features",
]

_ASK_S: Final = 40.0
"""Longest wait for an answer of a builder, in seconds. ssh itself gives up a connection after ten."""

_UPLOAD_S: Final = 3600
"""Longest time for an environment to be copied to a builder, which may be far away."""

_NOT_VALID: Final = b"is not valid"


class Where(Value):
    """One place for a run."""

    builder: Builder | None
    """None: this machine."""
    skipped: tuple[str, ...] = ()
    """Why none of the builders is it, where it is this machine all the same; one line each."""

    @property
    def uri(self) -> str:
        """Nix's name for it; empty: this machine."""
        return "" if self.builder is None else uri_of(self.builder)

    @property
    def around_s(self) -> int:
        """How long Nix may take around a build there, in seconds."""
        return 60 if self.builder is None else _UPLOAD_S

    @property
    def options(self) -> tuple[str, ...]:
        """What makes Nix build there and nowhere else."""
        if self.builder is None:
            return ("--option", "builders", "")
        return ("--option", "builders", line_of(self.builder), "--option", "max-jobs", "0")


HERE: Final = Where(None)


def choose(nix: Nix, system: str, features: frozenset[str], outputs: Sequence[str]) -> Where:
    """The fastest builder that answers and can build for ``system``, the configured order deciding among
    equals; this machine where none does and it may. On the builder ``outputs`` are forgotten. Its Nix must
    be no older than this one, whose version the attestation names and a policy may set a floor for.

    Raises Undecided LFCI329 when nobody can be reached that may build it, LFCI330 when the one that can be
    cannot forget; UsageError LFCI531 when the store is a daemon's.
    """
    machine = nix.machine
    if not machine.builders:
        return HERE
    refuse_daemon(nix)
    silent: list[str] = []
    remembers: Undecided | None = None
    for builder in sorted(machine.builders, key=lambda each: -each.speed):
        if not builder.can_build(system, features):
            continue
        try:
            problem = problem_of(nix, builder) or forget(nix, builder, outputs)
        except Undecided as error:
            remembers, problem = error, "it cannot forget the output of an earlier run"
        if problem is None:
            return Where(builder)
        silent.append(f"{builder.name}: {problem}")
    if machine.local:
        return Where(None, tuple(silent))
    if remembers is not None:
        raise remembers
    wanted = " ".join((system, *sorted(features)))
    raise Undecided(
        "LFCI329",
        "no builder can be reached" if silent else f"no builder is for {wanted}",
        facts=tuple(silent),
    )


def problem_of(nix: Nix, builder: Builder) -> str | None:
    """Why a builder cannot be used; None when it answers and its Nix is new enough."""
    answers, said = _version(nix, builder)
    if not answers:
        return said
    own = nix.version().version
    if _numbers(said) < _numbers(own):
        return f"its Nix is {said}, older than this machine's, {own}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    """Of ``2.8.0pre1`` and the like: what can be compared. Empty for what says no number."""
    found = re.match("[0-9]{1,6}(?:[.][0-9]{1,6}){0,3}", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def required_features(env: Mapping[str, str]) -> frozenset[str]:
    """What a derivation with these attributes asks of its builder."""
    try:
        structured = json.loads(env["__json"])["requiredSystemFeatures"] if "__json" in env else []
    except (ValueError, KeyError, TypeError):
        structured = []
    named = structured if isinstance(structured, list) else []
    return frozenset((*env.get("requiredSystemFeatures", "").split(), *map(str, named)))


def forget(nix: Nix, builder: Builder, paths: Sequence[str]) -> str | None:
    """Deletes ``paths`` in the builder's store, where they are; None, or why it cannot be reached.

    Raises Undecided LFCI330 when one is there and cannot be deleted.
    """
    there = []
    for path in paths:
        asked = _ask(nix, "path-info", "--store", uri_of(builder), path)
        if asked.status == 0:
            there.append(path)
        elif _NOT_VALID not in asked.stderr:
            return _why(asked)
    if not there:
        return None
    # All at once: one may refer to another.
    done = _ask(nix, "store", "delete", "--store", uri_of(builder), *there)
    if done.status != 0:
        raise Undecided(
            "LFCI330",
            f"{builder.name} cannot forget the output of an earlier run",
            facts=(*there, *last_lines(done.stderr, 2)),
            hint=f"on {builder.name}: nix-store --delete {' '.join(there)}",
        )
    return None


def forget_here(nix: Nix, paths: Sequence[str]) -> None:
    """Deletes the outputs of an earlier run in this machine's store. Raises Undecided LFCI330."""
    done = nix.run_store("--delete", *paths)
    if done.status != 0:
        raise Undecided(
            "LFCI330",
            "the output of an earlier run is in use here, and only other machines may build",
            facts=(*paths, *last_lines(done.stderr, 2)),
            hint=f"nix-store --delete {' '.join(paths)}",
        )


def refuse_unknown_builder(done: Realised, where: Where) -> None:
    """Raises Undecided LFCI331 when the build was on another machine than ``where``: the Nix that built may
    be a daemon's, which need not do what this one was told."""
    if done.elsewhere != where.uri and done.elsewhere:
        raise Undecided(
            "LFCI331",
            "it was built on a machine that lfci did not choose",
            facts=(ascii(done.elsewhere)[1:-1],),
        )


def _version(nix: Nix, builder: Builder) -> tuple[bool, str]:
    """Whether it answers, and its version of Nix or why not."""
    done = _ask(nix, "store", "ping", "--store", uri_of(builder))
    if done.status != 0:
        return False, _why(done)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")  # 2.8: the latter
    versions = [line.partition(":")[2].strip() for line in said.splitlines() if line.startswith("Version:")]
    return True, ascii(versions[0])[1:-1][:40] if versions else "of unknown version"


def _ask(nix: Nix, *args: str) -> Completed:
    try:
        return nix.run(*args, timeout_s=_ASK_S)
    except Undecided as error:
        return Completed(1, b"", error.message.encode())


_REASONS: Final = (
    (b"HOST IDENTIFICATION HAS CHANGED", "its host key is not the one that is configured"),
    (b"Host key verification failed", "its host key is not the one that is configured"),
    (b"Permission denied", "it does not take the ssh key"),
)


def _why(done: Completed) -> str:
    """One line for people."""
    for mark, words in _REASONS:
        if mark in done.stderr:
            return words
    lines = [each for each in last_lines(done.stderr) if each.startswith("ssh: ")]
    said = lines or last_lines(done.stderr, 1)
    return said[-1][:200] if said else f"nix ended with status {done.status}"


def refuse_daemon(nix: Nix) -> None:
    """Raises UsageError LFCI531 when the store is a daemon's: it speaks to builders as root, with its own ssh
    and its own nix.conf."""
    environment = nix.environment
    remote = environment.get("NIX_REMOTE", "")
    state = environment.get("NIX_STATE_DIR", "/nix/var/nix")
    # What Nix's `auto` does: the store itself where this user may write it.
    if remote.startswith(("daemon", "unix:")) or (remote in ("", "auto") and not os.access(state, os.W_OK)):
        raise UsageError(
            "LFCI531",
            "builders are configured, and this machine's store is a daemon's, which has its own",
            hint="take [builders] out of config.toml, or run lfci where it may write the store",
        )
