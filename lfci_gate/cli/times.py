"""Times as people read them."""

from __future__ import annotations

from datetime import datetime

__all__ = ["age", "clock"]

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(then: datetime, now: datetime) -> str:
    """``3 h ago``, in the largest unit that fits; ``just now``; ``in the future`` when it is."""
    seconds = int((now - then).total_seconds())
    if seconds < 0:
        return "in the future"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago" if seconds >= 5 else "just now"


def clock(time: datetime) -> str:
    """``2026-11-23 05:40Z``."""
    return f"{time:%Y-%m-%d %H:%M}Z"
