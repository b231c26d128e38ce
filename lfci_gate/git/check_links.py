"""Where a symlink of a tree may point: to places inside the tree. Pure, by its text alone.

A target is a number of leading ``..`` and then names without any. The directory that holds a link
is a real one, so its leading ``..`` climb real directories; what the names then reach is inside the
tree, because every other link there obeys the same rule. A ``..`` *behind* a name would climb from
wherever that name leads, which may be another link, so it is refused however harmless it looks.

So all that a link asks of its place is depth: ``climb`` levels. That is a fact of the blob, can be
remembered by its object name, and adds up along subtrees whatever path they are seen at.
"""

from __future__ import annotations

from typing import Final

from lfci_gate.git.check_names import is_dotgit

__all__ = ["MAX_TARGET_BYTES", "climb"]

MAX_TARGET_BYTES: Final = 4096
"""PATH_MAX; a longer target cannot be made on Linux."""


def climb(target: bytes) -> int | str:
    """How many levels ``target`` climbs from the link's directory, or why no tree may hold it."""
    if not target or len(target) > MAX_TARGET_BYTES:
        return "a symlink's target is empty or too long"
    if b"\0" in target:
        return "a symlink's target holds a NUL"
    levels = _climb(target)
    if b"\\" not in target or isinstance(levels, str):
        return levels
    # Windows clients take backslashes for slashes, so the target must be harmless both ways.
    windows = _climb(target.replace(b"\\", b"/"))
    return windows if isinstance(windows, str) else max(levels, windows)


def _climb(target: bytes) -> int | str:
    if target.startswith(b"/") or target[1:2] == b":":
        return "a symlink leaves the tree: its target is absolute"
    levels = 0
    named = False
    for component in target.split(b"/"):
        if component in (b"", b"."):
            continue
        if component == b"..":
            if named:
                return "a symlink's target climbs (..) behind a name, which may be another link"
            levels += 1
            continue
        if not component.strip(b". "):
            return "a symlink's target has a component that some systems take for . or .."
        if is_dotgit(component):
            return "a symlink points into .git"
        named = True
    return levels
