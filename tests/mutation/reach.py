"""Which lines of some files something executes: what decides which tests or cases a mutant is tried by."""

from __future__ import annotations

import contextlib
import sys
import types
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

Line = tuple[str, int]
"""File name, line."""

_OFTEN = 2_000
"""A function called so often is not looked at line by line any more: it would take too long."""


@contextlib.contextmanager
def lines_of(files: Collection[str]) -> Iterator[set[Line]]:
    """The lines of ``files`` that are executed meanwhile, in this thread; filled as it goes on."""
    reached: set[Line] = set()
    calls: Counter[types.CodeType] = Counter()

    def within(frame: types.FrameType, event: str, _value: Any) -> Any:
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return within

    def outside(frame: types.FrameType, _event: str, _value: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in files:
            return None
        calls[code] += 1
        if calls[code] > _OFTEN:
            return None
        reached.add((code.co_filename, frame.f_lineno))
        return within

    before = sys.gettrace()
    sys.settrace(outside)
    try:
        yield reached
    finally:
        sys.settrace(before)
