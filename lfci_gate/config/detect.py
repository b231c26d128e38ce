"""Finding the command that a project declares to be its test (`lfci init`).

Classes in order: 0 `.lfci/config.toml` itself, 1 whole-CI entry points, 2 task runners, 3 what a
language's tool does by default. The first class with a match wins; several matches in it are the
user's choice. What is found goes into `.lfci/config.toml`, so detection is never in the path of trust.
Pure: names and bytes in, candidates out; nothing of the tree is executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lfci_gate.config.candidates import Candidate, Finding, Refused, candidate
from lfci_gate.config.detect_entry import entry_points, suggestions
from lfci_gate.config.detect_js import javascript
from lfci_gate.config.detect_langs import languages
from lfci_gate.config.detect_tasks import task_runners
from lfci_gate.config.tree_view import TreeView
from lfci_gate.errors import UsageError
from lfci_gate.value import Value

__all__ = ["Candidate", "Detection", "Refused", "detect"]

_MAX_SHOWN = 8


class Detection(Value):
    """What was found; :meth:`choose` takes the unambiguous candidate."""

    rank: int | None
    """The class that matched, 0 to 3; None when none did."""
    candidates: tuple[Candidate, ...]
    """Of that class, in a fixed order; no suggestions."""
    suggestions: tuple[Candidate, ...]
    """Only worth looking at."""
    refused: tuple[Refused, ...]
    """Aliases that resolve to nothing, of this class and those before."""
    unreadable: tuple[tuple[str, str], ...]
    """Files of this class and those before that could not be read: path and why."""

    def choose(self) -> Candidate:
        """The one candidate.

        Raises UsageError LFCI301 when there is none, LFCI302 when there are several, or when a
        file that comes first could not be read, so that it cannot be told.
        """
        if self.unreadable:
            facts = self._facts()
            raise UsageError("LFCI302", "a file that may declare the test alias cannot be read", facts=facts)
        if not self.candidates:
            raise UsageError("LFCI301", "no test alias found", facts=self._facts())
        if len(self.candidates) > 1:
            raise UsageError("LFCI302", "several test aliases are possible", facts=self._facts())
        return self.candidates[0]

    def _facts(self) -> tuple[str, ...]:
        facts = [f"{_line(path)}: {why}" for path, why in self.unreadable]
        facts += [_line(f"{c.command}  ({c.file} {c.reason})") for c in self.candidates]
        facts += [_line(f"not used: {r.file}: {r.reason}") for r in self.refused]
        facts += [_line(f"perhaps: {c.command}  ({c.file} {c.reason})") for c in self.suggestions]
        more = len(facts) - _MAX_SHOWN
        return (*facts[:_MAX_SHOWN], *([f"and {more} more"] if more > 0 else []))


def detect(paths: Iterable[bytes], read: Callable[[bytes], bytes | None]) -> Detection:
    """Looks through a tree.

    Arguments: ``paths`` of all its files, raw bytes from the root; ``read`` gives a file's bytes, or
    None where there is no plain file. Raises nothing of its own.
    """
    view = TreeView(paths, read)
    refused: list[Refused] = []
    candidates: tuple[Candidate, ...] = ()
    rank = -1
    for find in (_explicit, entry_points, task_runners, _defaults):
        rank += 1
        found = list(find(view))
        refused += [each for each in found if isinstance(each, Refused)]
        candidates = tuple(each for each in found if isinstance(each, Candidate))
        if candidates:
            break
    unreadable = tuple(view.problems)
    return Detection(
        rank=rank if candidates else None,
        candidates=candidates,
        suggestions=tuple(suggestions(view)),
        refused=tuple(dict.fromkeys(refused)),
        unreadable=unreadable,
    )


def _explicit(view: TreeView) -> Iterator[Finding]:
    if view.has(".lfci/config.toml"):
        yield candidate(".lfci/config.toml", "declares the checks", "lfci check")


def _defaults(view: TreeView) -> Iterator[Finding]:
    yield from javascript(view)
    yield from languages(view)


def _line(text: str) -> str:
    return ascii(text.replace("\n", "; "))[1:-1][:160]
