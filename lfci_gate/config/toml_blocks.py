"""A TOML text cut at its table headers, so that an edit touches one piece and copies the others.

Each block is a header line (none for what stands in front of the first one) and what follows it up
to the next. Blocks put together again are the text, byte for byte. Only for texts that are TOML.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from lfci_gate.config.toml import TOKENS
from lfci_gate.value import Value

__all__ = ["Block", "Path", "blocks_of", "comments_of", "content_end", "header_of", "key_of"]

Path = tuple[str | int, ...]
"""Where a value stands: names of tables, and positions in arrays of tables."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Block(Value):
    path: Path
    """Of the table that the header opens; ``()`` for what stands in front of the first header."""
    header: str
    """The header line with its newline."""
    body: str

    @property
    def text(self) -> str:
        return self.header + self.body


def blocks_of(text: str) -> list[Block]:
    """The blocks in their order. ``text`` is TOML: what :func:`tomllib.loads` takes."""
    starts = [*_header_starts(text), len(text)]
    found = [Block((), "", text[: starts[0]])]
    last: dict[Path, int] = {}
    for start, end in itertools.pairwise(starts):
        line_end = text.find("\n", start, end) + 1 or end
        header = text[start:line_end]
        found.append(Block(_path(header, last), header, text[line_end:end]))
    return found


def comments_of(text: str) -> list[str]:
    """All comments, in their order, without the white space behind them."""
    return [match[0].rstrip() for match in TOKENS.finditer(text) if match[0].startswith("#")]


def content_end(body: str) -> int:
    """Where the last value of a block's body ends, with its newline: the comments behind it may as well
    belong to the next header."""
    depth = end = 0
    fresh, at = True, 0
    for match in TOKENS.finditer(body):
        if body[at : match.start()].strip():
            fresh = False
        at = match.end()
        if match[1] == "\n":
            if not fresh and depth == 0:
                end = at
                fresh = True
        elif not match[0].startswith("#"):
            fresh = False
            depth += (match[1] in ("[", "{")) - (match[1] in ("]", "}"))
    return len(body) if not fresh or body[at:].strip() else end


def key_of(name: str) -> str:
    """A name as a key: bare where that is possible."""
    if _BARE.fullmatch(name):
        return name
    import json

    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def header_of(path: Path) -> str:
    """``[keys.alice]``, or ``[[rules.require]]`` for a path that ends with a position."""
    names = ".".join(key_of(part) for part in path if isinstance(part, str))
    return f"[[{names}]]" if isinstance(path[-1], int) else f"[{names}]"


def _header_starts(text: str) -> Iterator[int]:
    """Offsets of the lines that are headers: a bracket first on its line, outside of all values."""
    depth = at = 0
    fresh, in_header = True, False
    for match in TOKENS.finditer(text):
        if text[at : match.start()].strip():
            fresh = False
        at = match.end()
        if match[1] == "\n":
            fresh, in_header = True, False
        elif in_header:
            continue
        elif match[1] == "[" and fresh and depth == 0:
            in_header = True
            yield text.rfind("\n", 0, match.start()) + 1
        else:
            fresh = False
            depth += (match[1] in ("[", "{")) - (match[1] in ("]", "}"))


def _path(header: str, last: dict[Path, int]) -> Path:
    """The path that a header opens. ``last`` counts the elements of arrays of tables, and is kept."""
    value: Any = tomllib.loads(header)
    names: list[str] = []
    while isinstance(value, dict) and value:
        [(name, value)] = value.items()
        names.append(name)
    path: Path = ()
    for name in names[:-1]:
        path = (*path, name)
        if path in last:
            path = (*path, last[path])
    path = (*path, names[-1])
    if isinstance(value, list):
        last[path] = last.get(path, -1) + 1
        path = (*path, last[path])
    return path
