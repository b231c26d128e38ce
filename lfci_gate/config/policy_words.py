"""How parts of a policy are said in plain English: refs, paths, roles, times. One line each, no full stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from lfci_gate.config.values import format_duration
from lfci_gate.model import PolicyKey

__all__ = [
    "all_of",
    "any_of",
    "counted",
    "identities",
    "key_trouble",
    "moment",
    "names",
    "paths_text",
    "period",
    "refs_text",
    "with_role",
]

_KINDS = (("refs/heads/", "branch", "branches"), ("refs/tags/", "tag", "tags"))


def all_of(words: Iterable[str]) -> str:
    """``a, b and c``."""
    return _joined(list(words), "and")


def any_of(words: Iterable[str]) -> str:
    """``a, b or c``."""
    return _joined(list(words), "or")


def refs_text(patterns: Sequence[str]) -> str:
    """``branches main and release/*``, ``all tags``; patterns as in ``rules.refs``."""
    parts = []
    for prefix, one, many in _KINDS:
        mine = [each.removeprefix(prefix) for each in patterns if each.startswith(prefix)]
        if "**" in mine:
            parts.append(f"all {many}")
        elif mine:
            is_one = len(mine) == 1 and "*" not in mine[0]
            parts.append(f"{one if is_one else many} {all_of(mine)}")
    return all_of(parts)


def paths_text(patterns: Sequence[str], *, both: bool = False) -> str:
    """``flake.nix or tests/ except tests/data/``; with ``both`` joined by "and". What a later pattern takes
    away and a still later one brings back is said in that order."""
    said = ""
    joined = all_of if both else any_of
    group: list[str] = []
    for each in patterns:
        if each.startswith("!"):
            said = _and_then(said, joined(group))
            group = []
            said = f"{said} except {each[1:]}"
        else:
            group.append("any file" if each == "**" else each)
    return _and_then(said, joined(group))


def with_role(roles: Sequence[str]) -> str:
    """``with the role agent or runner``."""
    return f"with the role {any_of(roles)}"


def counted(number: int, word: str) -> str:
    """``1 key``, ``2 keys``."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def identities(count: int) -> str:
    return "1 identity" if count == 1 else f"{count} different identities"


def names(found: Sequence[str], *, most: int = 8) -> str:
    """Names in their order, cut where there are many."""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def moment(time: datetime) -> str:
    """``2027-01-01``, with the time of day where it is not midnight UTC."""
    midnight = (time.hour, time.minute, time.second) == (0, 0, 0)
    return f"{time:%Y-%m-%d}" if midnight else f"{time:%Y-%m-%d %H:%MZ}"


def period(seconds: int) -> str:
    """``7 days``, ``36 hours``, ``90 s``."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return counted(seconds // size, word)
    return format_duration(seconds)


def key_trouble(key: PolicyKey, now: datetime) -> str:
    """Why a key counts for nothing now, as rule 11 has it; empty when it counts."""
    if key.revoked is not None and key.revoked <= now:
        return f"revoked since {moment(key.revoked)}"
    if key.valid_from is not None and now < key.valid_from:
        return f"not valid before {moment(key.valid_from)}"
    if key.valid_until is not None and now >= key.valid_until:
        return f"expired on {moment(key.valid_until)}"
    return ""


def _joined(words: list[str], word: str) -> str:
    return f"{', '.join(words[:-1])} {word} {words[-1]}" if len(words) > 1 else "".join(words)


def _and_then(said: str, more: str) -> str:
    return f"{said}, and then {more}" if said and more else said or more
