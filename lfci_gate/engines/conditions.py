"""Under which settings a run is made, where the one world leaves more than one open.

A normal run has all processors it may use, its files where lfci keeps them, and the host name of the one
world. `lfci check --twice` makes a second run of the same derivation in the same engine under other
settings, to see what depends on them: one processor; files in memory, where a directory lists its
entries in another order than on a disk; and, in the develop engine, another host name and other process
ids. Locale and time zone stay. A run under other settings than the normal ones is never attested.

The clock is not turned: Linux has no namespace for the time of day (time namespaces move the monotonic
clock and that since boot only), and a preloaded library would miss static programs.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from lfci_gate.engines.usage import disk_usage, free_bytes
from lfci_gate.model import Engine, Sha256
from lfci_gate.value import Value

__all__ = ["NORMAL", "Conditions", "Measured", "later_second", "measure", "one_processor", "other_than"]

_MEMORY: Final = Path("/dev/shm")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_MOST_IN_MEMORY: Final = 512 << 20
"""What a run may leave below /build for its next one to be made in memory, in bytes."""
_ROOM: Final = 512 << 20
"""What must be free beside that: the sandbox wants 256 MiB to stay free."""
_HOST: Final = "elsewhere"
_PROCESSES: Final = 137


class Conditions(Value):
    """How a run differs from a normal one."""

    one_processor: bool = False
    scratch: Path | None = None
    """Where the run's directory is made; None: where lfci keeps its files."""
    host: str = "localhost"
    processes: int = 0
    """So many process ids are used up before the run script starts."""


NORMAL: Final = Conditions()


class Measured(Value):
    """What is only looked at where runs are compared."""

    left_bytes: int | None
    """What was below /build at the end; None where Nix has removed it."""
    order: Sha256 | None
    """Of the order in which the directories of the source listed their entries; None likewise."""
    seconds: Mapping[str, float]
    """Of each test whose report says how long it took."""


def other_than(first: Measured | None, engine: Engine) -> tuple[Conditions, tuple[str, ...]]:
    """Settings for a second run, and what stays as it was although it could have been another, in words.

    Arguments:
        first: what the first run left.
    """
    same: list[str] = []
    if len(os.sched_getaffinity(0)) < 2:
        same.append("processors: this machine lets lfci use one only")
    if engine is Engine.BUILD:
        same.append("order of directory entries, host name, process ids: they are Nix's, in its sandbox")
        return Conditions(one_processor=True), tuple(same)
    left = _MOST_IN_MEMORY + 1 if first is None or first.left_bytes is None else first.left_bytes
    scratch = None
    if left > _MOST_IN_MEMORY:
        same.append(f"order of directory entries: the run needs more than {_MOST_IN_MEMORY >> 20} MiB")
    elif not _is_usable(4 * left + _ROOM):
        same.append(f"order of directory entries: {_MEMORY} has no room, or runs no programs")
    else:
        scratch = _MEMORY
    return Conditions(True, scratch, _HOST, _PROCESSES), tuple(same)


def _is_usable(need: int) -> bool:
    """Whether there is a file system in memory with ``need`` bytes free, from which programs start."""
    try:
        mounts = [line.split() for line in _MOUNTS.read_text(errors="replace").splitlines()]
        kinds = [words[words.index("-") + 1] for words in mounts if words[4] == str(_MEMORY)]
        found = os.statvfs(_MEMORY)
    except (OSError, ValueError, IndexError):
        return False
    return (
        kinds[-1:] == ["tmpfs"]
        and not found.f_flag & os.ST_NOEXEC
        and os.access(_MEMORY, os.W_OK | os.X_OK)
        and free_bytes(str(_MEMORY)) >= need
    )


@contextmanager
def one_processor(wanted: bool) -> Iterator[None]:
    """What this thread starts meanwhile sees one processor, if so ``wanted``; afterwards all again."""
    before = os.sched_getaffinity(0)
    if wanted:
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def later_second(than: datetime) -> None:
    """Waits until the clock shows another second than that of ``than``; at most one second."""
    left = than.timestamp() + 1 - time.time()
    if 0 < left <= 1:
        time.sleep(left)


def measure(build: Path | None, given: Path, seconds: Mapping[str, float]) -> Measured:
    """Looks at what a run has left. Nothing of the run is alive any more.

    Arguments:
        build: the host's name of /build; None where Nix has removed it.
        given: the tree as it was given to the run.
    """
    if build is None:
        return Measured(None, None, seconds)
    return Measured(disk_usage(str(build)), _order(build / "source", given), seconds)


def _order(source: Path, given: Path) -> Sha256:
    """Only names of the given tree: what the check has made there may differ for itself."""
    told = hashlib.sha256()
    for folder, folders, files in os.walk(given):
        folders.sort()
        names = {*folders, *files}
        here = source / os.path.relpath(folder, given)
        if here.is_symlink():
            folders.clear()  # the check has put it there
            continue
        try:
            listed = [name for name in os.listdir(here) if name in names]
        except OSError:
            continue
        told.update("\0".join((os.path.relpath(folder, given), *listed, "")).encode(errors="surrogateescape"))
    return Sha256(told.hexdigest())
