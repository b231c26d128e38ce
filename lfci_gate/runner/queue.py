"""Who is served next. Pure: no clock, no threads; the caller's event loop is the only user.

Each user has a line of their own, and the lines take turns: one user's thousand jobs do not delay
another's first. A job that several users want stands in each of their lines and is taken once.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["FairQueue", "Hourly"]

J = TypeVar("J", bound=Hashable)

HOUR_S = 3600.0


class FairQueue(Generic[J]):
    """Lines of jobs, one for each user."""

    def __init__(self) -> None:
        self._lines: OrderedDict[int, OrderedDict[J, None]] = OrderedDict()

    def add(self, user: int, job: J) -> None:
        """Puts the job at the end of the user's line; once, however often it is added."""
        self._lines.setdefault(user, OrderedDict()).setdefault(job)

    def remove(self, user: int, job: J) -> None:
        """Takes the job out of this user's line; others' lines keep it."""
        line = self._lines.get(user)
        if line is not None:
            line.pop(job, None)
            if not line:
                del self._lines[user]

    def take(self, may_run: Callable[[int], bool]) -> tuple[int, J] | None:
        """The next job and in whose turn it is taken, out of all lines; None when nobody may run one.

        Arguments: ``may_run`` says whether another build of this user's may run now.
        """
        for user, line in self._lines.items():
            if may_run(user):
                job = next(iter(line))
                for each in list(self._lines):
                    self.remove(each, job)
                if user in self._lines:
                    self._lines.move_to_end(user)  # the others first, now
                return user, job
        return None

    def ahead(self, user: int, job: J) -> int:
        """How many jobs are before this one in the user's own line."""
        return next((n for n, each in enumerate(self._lines.get(user, ())) if each == job), 0)

    def __len__(self) -> int:
        return len({job for line in self._lines.values() for job in line})


class Hourly:
    """What each user has used within the last hour."""

    def __init__(self) -> None:
        self._used: dict[int, deque[tuple[float, int]]] = {}

    def use(self, user: int, amount: int, most: int, now: float) -> bool:
        """Counts ``amount``, unless that makes it more than ``most``; ``now`` in seconds of a clock that
        does not go back."""
        used = self._used.setdefault(user, deque())
        while used and used[0][0] <= now - HOUR_S:
            used.popleft()
        if sum(each for _, each in used) + amount > most:
            if not used:
                del self._used[user]
            return False
        used.append((now, amount))
        return True
