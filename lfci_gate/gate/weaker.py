"""What a change declares weaker than its base, for refusals, remarks and whoever approves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from lfci_gate.errors import Refusal
from lfci_gate.gate.facts import CONFIG_PATH, Limits
from lfci_gate.git.tree import lookup, read_file
from lfci_gate.model import ObjectId, ObjectSource

if TYPE_CHECKING:
    from lfci_gate.config.weakening import Weakening

_FOLDER: Final = CONFIG_PATH.split(b"/")[0]
_MOST: Final = 20
"""Lines of a verdict; an approver is shown all of them."""


def weaker_checks(
    source: ObjectSource,
    old: ObjectId | None,
    new: ObjectId,
    files: Callable[[], Iterable[bytes]] | None = None,
) -> tuple[Weakening, ...]:
    """What `.lfci/config.toml` declares weaker in tree ``new`` than in ``old``; nothing on a first landing.

    Arguments: ``files`` gives the paths of both trees, so that narrower inputs are told by what they no
    longer see; it is asked only when they may be narrower. A file that cannot be read is told as that. Raises
    Refusal LFCI401 for a malformed tree, Undecided LFCI501, and what ``files`` raises.
    """
    if old is None or lookup(source, old, _FOLDER) == lookup(source, new, _FOLDER):
        return ()
    from lfci_gate.config.weakening import Weakening, weakened  # few pushes change the file

    contents = []
    for tree in (old, new):
        try:
            contents.append(read_file(source, tree, CONFIG_PATH, Limits().config_bytes))
        except Refusal as error:
            return (Weakening("", "unreadable", f"what became weaker is not known: {error.message}"),)
    return weakened(contents[0], contents[1], files)


def weaker_remarks(source: ObjectSource, old: ObjectId | None, new: ObjectId) -> tuple[str, ...]:
    """The same as remarks of a verdict, of bounded number."""
    lines = [f"weaker: {each.line}" for each in weaker_checks(source, old, new)]
    if len(lines) <= _MOST:
        return tuple(lines)
    return (*lines[:_MOST], f"weaker: and {len(lines) - _MOST} more")


def weaker_facts(source: ObjectSource, old: ObjectId | None, new: ObjectId) -> tuple[str, ...]:
    """The same as one fact of a refusal, whose readers see few lines; none when nothing is weaker."""
    lines = [each.line for each in weaker_checks(source, old, new)]
    if not lines:
        return ()
    more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
    return (f"weaker: {'; '.join(lines[:3])}{more}",)
