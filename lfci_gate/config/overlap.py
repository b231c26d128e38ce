"""Whether two patterns of the pattern language could match one and the same path. Pure.

Exact for single patterns without `!`: both are read side by side, component by component, and in a component
byte by byte.
"""

from __future__ import annotations

import functools

_Parts = tuple[bytes, ...]


def could_both_match(one: str, other: str) -> bool:
    """Whether some path is matched by both patterns; a leading `!` is not allowed. Both must be patterns that
    :class:`lfci_gate.patterns.PatternSet` takes."""
    return _could(_parts(one), _parts(other))


def _parts(pattern: str) -> _Parts:
    """Components; a ``**`` at the end, which stands for at least one, becomes ``*`` and ``**``."""
    body = pattern.encode("utf-8")
    parts = tuple((body + b"**" if body.endswith(b"/") else body).split(b"/"))
    return (*parts[:-1], b"*", b"**") if parts[-1] == b"**" else parts


@functools.lru_cache(maxsize=4096)
def _could(one: _Parts, other: _Parts) -> bool:
    ways = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        here, there = waiting.pop()
        if here == len(one) and there == len(other):
            return True
        for step in _steps(one, other, here, there):
            if step not in ways:
                ways.add(step)
                waiting.append(step)
    return False


def _steps(one: _Parts, other: _Parts, here: int, there: int) -> list[tuple[int, int]]:
    mine = one[here] if here < len(one) else None
    its = other[there] if there < len(other) else None
    found = []
    if mine == b"**":
        found.append((here + 1, there))  # stands for nothing more
        if its is not None:
            found.append((here, there + 1))  # takes what the other has there
    if its == b"**":
        found.append((here, there + 1))
        if mine is not None:
            found.append((here + 1, there))
    if mine is not None and its is not None and b"**" not in (mine, its) and _components(mine, its):
        found.append((here + 1, there + 1))
    return found


def _components(one: bytes, other: bytes) -> bool:
    """Whether some component is matched by both; ``*`` is any run of bytes, ``?`` one byte."""
    ways = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        here, there = waiting.pop()
        if here == len(one) and there == len(other):
            return True
        mine, its = one[here : here + 1], other[there : there + 1]
        steps = []
        if mine == b"*":
            steps.append((here + 1, there))
            if its:
                steps.append((here, there + 1))
        if its == b"*":
            steps.append((here, there + 1))
            if mine:
                steps.append((here + 1, there))
        if mine and its and b"*" not in (mine, its) and (mine == its or b"?" in (mine, its)):
            steps.append((here + 1, there + 1))
        waiting += [step for step in steps if step not in ways]
        ways |= set(steps)
    return False
