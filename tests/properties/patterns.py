"""The pattern language, once more and as plainly as can be (docs/formats.md, "Pattern language")."""

from __future__ import annotations

from collections.abc import Iterable


def matches(patterns: Iterable[str], path: str) -> bool:
    """Whether the last pattern that matches does not begin with ``!``."""
    answer = False
    for pattern in patterns:
        wanted = not pattern.startswith("!")
        if _matches(pattern.removeprefix("!"), path):
            answer = wanted
    return answer


def _matches(pattern: str, path: str) -> bool:
    if pattern.endswith("/"):
        pattern += "**"
    return _components(pattern.split("/"), path.split("/"))


def _components(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    head, rest = pattern[0], pattern[1:]
    if head == "**":
        if not rest:
            return bool(path)
        return any(_components(rest, path[skipped:]) for skipped in range(len(path) + 1))
    return bool(path) and _component(head, path[0]) and _components(rest, path[1:])


def _component(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_component(pattern[1:], name[skipped:]) for skipped in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and _component(pattern[1:], name[1:])


def leads_to(patterns: Iterable[str], link: str) -> bool:
    """Whether a link of this name stands in the place of a folder that a pattern names.

    Not for patterns that begin with ``**`` (docs/decisions/0005).
    """
    for pattern in patterns:
        parts = (pattern + "**" if pattern.endswith("/") else pattern).split("/")
        name = link.split("/")
        if pattern.startswith(("!", "**")) or len(name) >= len(parts):
            continue
        folders = parts[: len(name)]
        if "**" in folders:
            folders = folders[: folders.index("**")]
        if all(_component(one, other) for one, other in zip(folders, name, strict=False)):
            return True
    return False
