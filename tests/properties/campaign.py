"""Running the machine: a number of pushes from a seed, in rounds that each end by themselves."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import Pushes
from tests.properties.player import Stage, Statistics
from tests.support.forge import git_daemon, new_forge

WORLDS = 4
"""Of one round; each is a forge of its own. A round goes to its end: what it draws must not depend on how
much was pushed before."""
STEPS = 15
FORETOLD = frozenset(
    f"LFCI{number}"
    for number in (
        *(101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117),
        *(201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 221),
        *(401, 403, 404, 405, 406, 407, 409, 414),
    )
)
"""What the oracle can foretell; the rest of the gate's codes is about malformed objects, limits and trouble
of the server, which other tests make."""


@contextmanager
def stage_at(base: Path, *, over_the_wire: bool = True) -> Iterator[Stage]:
    """A stage below an empty folder; with git daemon, if some pushes are to go to the installed hook."""
    new_forge(base / "template.git")
    worlds = base / "worlds"
    worlds.mkdir()
    if not over_the_wire:
        yield Stage(base / "template.git", worlds)
        return
    with git_daemon(worlds) as url:
        yield Stage(base / "template.git", worlds, url)


def play(stage: Stage, number: int, *, smaller: bool = False) -> None:
    """One round from a seed. Raises AssertionError when the gate answered what the facts do not say; with
    ``smaller`` after looking for a shorter way there."""

    class Machine(Pushes):
        pass

    Machine.stage = stage
    run_state_machine_as_test(
        seed(number)(Machine),
        settings=settings(
            max_examples=WORLDS,
            stateful_step_count=STEPS,
            phases=(Phase.generate, Phase.shrink) if smaller else (Phase.generate,),
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.normal,
            suppress_health_check=list(HealthCheck),
        ),
    )


def run(
    stage: Stage,
    first: int,
    pushes: int,
    *,
    seconds: float = float("inf"),
    smaller: bool = False,
    tell: Callable[[Statistics], None] = lambda _: None,
) -> None:
    """Rounds from ``first`` on until there were so many pushes or more, or the time is over; ``tell`` is
    called after each. Raises AssertionError as play does, with the seed of the round."""
    stage.enough = pushes
    stage.until = time.monotonic() + seconds
    for number in itertools.count(first):
        if stage.over():
            return
        try:
            play(stage, number, smaller=smaller)
        except Exception as error:
            if not stage.found:
                raise
            again = f"python -m tests.properties --seed {number}"
            raise AssertionError(f"{error if smaller else stage.found}\n{again}") from error
        tell(stage.statistics)
