"""How patterns of refs lie to each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lfci_gate.config.overlap import could_both_match

__all__ = ["covers", "may_overlap"]


def may_overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a ref could match a pattern of each side; in doubt yes."""
    known = tuple(others)
    return any(could_both_match(one, other) for one in some for other in known)


def covers(wide: str, narrow: str) -> bool:
    """True only when every ref that ``narrow`` matches is matched by ``wide`` too."""
    if wide == narrow:
        return True
    wide_parts, narrow_parts = wide.split("/"), narrow.split("/")
    if wide_parts[-1] == "**" and "**" not in wide_parts[:-1]:
        head = wide_parts[:-1]
        if len(narrow_parts) <= len(head):
            return False
        return all(_covers_part(*pair) for pair in zip(head, narrow_parts, strict=False))
    if "**" in wide_parts or "**" in narrow_parts or len(wide_parts) != len(narrow_parts):
        return False
    return all(_covers_part(*pair) for pair in zip(wide_parts, narrow_parts, strict=True))


def _covers_part(wide: str, narrow: str) -> bool:
    if wide == "*":
        return narrow != "**"
    if "*" not in narrow and wide.count("*") == 1:
        start, end = wide.split("*")
        return len(narrow) >= len(start) + len(end) and narrow.startswith(start) and narrow.endswith(end)
    return wide == narrow
