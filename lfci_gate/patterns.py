"""The pattern language of ``inputs``, ``paths`` and ``refs`` (docs/formats.md).

Gitignore-like, over the raw bytes of a full path, always from the tree's root:

===================  ====================================================================
``flake.nix``        that file at the root, no other
``*``, ``?``         any run of bytes, one byte, within one component (dots included)
``**``               as a whole component: any number of components, also none in front or
                     between; at the end at least one (``docs/**`` does not match ``docs``)
``tests/``           everything below ``tests``; the same as ``tests/**``
``!docs/``           takes away again; of the patterns that match, the last one decides
===================  ====================================================================

Unlike gitignore: a pattern without a slash is not looked for in every directory (write
``**/name``), a removed directory can be entered again, and there are no comments. Case matters.
Refused rather than guessed at: empty patterns, a leading ``/``, empty, ``.`` and ``..`` components,
control characters, a leading or trailing space, ``**`` inside a component or twice in a row or
before a trailing slash, ``!`` first in a set, and ``[ { \\`` which mean something elsewhere
(a literal one is matched by ``?``).

Patterns and paths come from whoever pushes. A pattern becomes a regular expression whose repeats
are in atomic groups: the leftmost place where the text between two stars fits is always good
enough, so nothing is ever tried twice, and the cost is at most length of pattern times length
of path.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

MAX_PATTERNS = 256
MAX_PATTERN_BYTES = 1024

_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"


class PatternSet:
    """Compiled patterns; the last one that matches a path decides.

    Raises ValueError on a pattern that is not of the language above, and beyond 256 patterns of
    1024 bytes each. An empty set matches nothing.
    """

    __slots__ = ("_groups", "_patterns", "patterns")

    def __init__(self, patterns: Sequence[str]) -> None:
        if len(patterns) > MAX_PATTERNS:
            raise ValueError(f"more than {MAX_PATTERNS} patterns")
        self.patterns = tuple(patterns)
        self._patterns = tuple(_Pattern(text) for text in patterns)
        if self._patterns and self._patterns[0].removes:
            raise ValueError(f"{patterns[0]!a}: the first pattern has nothing to take away from")
        self._groups = _group(self._patterns)

    def matches(self, path: bytes) -> bool:
        """Whether the file at ``path`` (from the root, no leading slash) belongs to the set."""
        for group in self._groups:
            if group.matches(path):
                return not group.removes
        return False

    def covers_all(self) -> bool:
        """True only when every path matches; a set that does so in a roundabout way says False."""
        for pattern in reversed(self._patterns):
            if pattern.removes:
                return False
            if pattern.parts == (b"**",):
                return True
        return False

    def may_match_below(self, directory: bytes) -> bool:
        """False only when no path below ``directory/`` can match, so that it need not be read."""
        components = directory.split(b"/")
        for pattern in reversed(self._patterns):
            if not pattern.removes:
                if pattern.reaches_below(components):
                    return True
            elif pattern.has_all_below(components):
                return False
        return False


class _Pattern:
    """One pattern, split into components; raises ValueError."""

    __slots__ = ("_compiled", "parts", "removes")

    def __init__(self, text: str) -> None:
        _check_text(text)
        self.removes = text.startswith("!")
        body = text.removeprefix("!")
        below = body.endswith("/")
        parts = tuple(body.removesuffix("/").encode("utf-8").split(b"/"))
        _check_parts(text, parts, below)
        self.parts = (*parts, b"**") if below else parts
        self._compiled: dict[int, re.Pattern[bytes]] = {}

    def reaches_below(self, components: list[bytes]) -> bool:
        for index, component in enumerate(components):
            if index >= len(self.parts):
                return False
            if self.parts[index] == b"**":
                return True
            if not self._fits(index, component):
                return False
        return len(self.parts) > len(components)

    def has_all_below(self, components: list[bytes]) -> bool:
        """Whether it surely matches every path below; only looked for with one ``**``, at the end."""
        depth = len(self.parts) - 1
        if self.parts[-1] != b"**" or b"**" in self.parts[:-1] or depth > len(components):
            return False
        return all(self._fits(index, components[index]) for index in range(depth))

    def _fits(self, index: int, component: bytes) -> bool:
        part = self.parts[index]
        if not _is_wild(part):
            return part == component
        if index not in self._compiled:
            self._compiled[index] = re.compile(_component(part), re.DOTALL)
        return self._compiled[index].fullmatch(component) is not None


class _Group:
    """Neighbouring patterns that all add or all remove: their order among each other is free.

    What is usual (a name, a directory, an ending) is compared as bytes; only the rest is
    compiled, and that when it is first needed.
    """

    __slots__ = ("_endings", "_exact", "_names", "_regex", "_rest", "_starts", "everything", "removes")

    def __init__(self, removes: bool) -> None:
        self.removes = removes
        self.everything = False
        self._exact: set[bytes] = set()
        self._starts: tuple[bytes, ...] = ()
        self._endings: tuple[bytes, ...] = ()
        self._rest: list[bytes] = []
        self._regex: re.Pattern[bytes] | None = None

    def add(self, parts: tuple[bytes, ...]) -> None:
        head, last = parts[:-1], parts[-1]
        wild_head = any(_is_wild(part) for part in head)
        if parts == (b"**",):
            self.everything = True
        elif not wild_head and not _is_wild(last):
            self._exact.add(b"/".join(parts))
        elif not wild_head and last == b"**":
            self._starts += (b"/".join(head) + b"/",)
        elif head == (b"**",) and not _is_wild(last):
            self._exact.add(last)
            self._endings += (b"/" + last,)
        elif head == (b"**",) and last.startswith(b"*") and last != b"**" and not _is_wild(last[1:]):
            self._endings += (last[1:],)
        else:
            self._rest.append(_whole(parts))
            self._regex = None

    def matches(self, path: bytes) -> bool:
        if (
            self.everything
            or path in self._exact
            or path.startswith(self._starts)
            or path.endswith(self._endings)
        ):
            return True
        if not self._rest:
            return False
        if self._regex is None:
            self._regex = re.compile(b"|".join(self._rest), re.DOTALL)
        return self._regex.fullmatch(path) is not None


def _group(patterns: tuple[_Pattern, ...]) -> tuple[_Group, ...]:
    groups: list[_Group] = []
    for pattern in reversed(patterns):
        if not groups or groups[-1].removes != pattern.removes:
            groups.append(_Group(pattern.removes))
        groups[-1].add(pattern.parts)
    return tuple(groups)


def _check_text(text: str) -> None:
    if type(text) is not str:
        raise ValueError("a pattern is a string")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValueError("a pattern has a lone surrogate") from None
    if size > MAX_PATTERN_BYTES:
        raise ValueError(f"a pattern is longer than {MAX_PATTERN_BYTES} bytes")
    if not text:
        raise ValueError("a pattern is empty")
    if not text.isprintable() and re.search(_CONTROL, text):
        raise ValueError(f"{text!a}: control characters")
    body = text.removeprefix("!")
    if body != body.strip():
        raise ValueError(f"{text!a}: a space at the start or the end")
    for character in "[{\\":
        if character in text:
            raise ValueError(f"{text!a}: {character} has no meaning here; a literal one is matched by ?")


def _check_parts(text: str, parts: tuple[bytes, ...], below: bool) -> None:
    shown = ascii(text)
    if text.startswith(("/", "!/")):
        raise ValueError(f"{shown}: patterns start at the tree's root, without a slash")
    if text.startswith("!!"):
        raise ValueError(f"{shown}: only one ! may stand in front")
    for part in parts:
        if part in (b"", b".", b".."):
            raise ValueError(f"{shown}: empty, . and .. are not components of a path in a tree")
        if b"**" in part and part != b"**":
            raise ValueError(f"{shown}: ** stands for whole components only")
    if any(a == b == b"**" for a, b in itertools.pairwise(parts)) or (below and parts[-1] == b"**"):
        raise ValueError(f"{shown}: ** is followed by what it already covers")


def _is_wild(part: bytes) -> bool:
    return b"*" in part or b"?" in part


def _component(part: bytes) -> bytes:
    """Regular expression of one component with ``*`` and ``?``."""
    if part == b"*":
        return b"[^/]++"  # a component is never empty
    pieces = [
        b"".join(b"[^/]" if byte == 0x3F else re.escape(bytes([byte])) for byte in piece)
        for piece in part.split(b"*")
    ]
    if len(pieces) == 1:
        return pieces[0]
    inner = b"".join(b"(?>[^/]*?" + piece + b")" for piece in pieces[1:-1])
    return b"(?>" + pieces[0] + inner + b"[^/]*" + pieces[-1] + b"(?=/|\\Z))"


def _whole(parts: tuple[bytes, ...]) -> bytes:
    """Regular expression of a whole pattern; the runs between two ``**`` are found leftmost first."""
    runs: list[list[bytes]] = [[]]
    for part in parts:
        if part == b"**":
            runs.append([])
        else:
            runs[-1].append(_component(part))
    if len(runs) == 1:
        return b"/".join(runs[0])
    first = b"".join(part + b"/" for part in runs[0])
    inner = b"".join(b"(?>(?:[^/]++/)*?" + b"".join(part + b"/" for part in run) + b")" for run in runs[1:-1])
    last = b"(?:[^/]++/)*" + b"/".join(runs[-1]) if runs[-1] else b".+"
    return first + inner + last
