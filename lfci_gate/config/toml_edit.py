"""Edits of a TOML text that leave everything else in it as it is: comments, order, spelling, spaces.

An edit finds the block of the value (:mod:`lfci_gate.config.toml_blocks`), lets tomlkit change that
one and copies the others. (tomlkit on a whole file moves tables that do not stand together, such as a
key that somebody appended behind the rules.) What came out is read again and compared with the same
edits on the plain value, so a layout that cannot be edited is refused and never spoilt.
"""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lfci_gate.config import toml_values as styled
from lfci_gate.config.toml_blocks import Block, Path, blocks_of, comments_of, content_end, header_of
from lfci_gate.errors import UsageError

__all__ = ["TomlText", "UnknownLayout"]

# New tables of these kinds stand together, in this order, in front of the rules.
_FIRST = ("keys", "roles", "delegations")


class UnknownLayout(UsageError):
    """LFCI222: the file is laid out in a way that an edit would spoil."""

    def __init__(self) -> None:
        super().__init__(
            "LFCI222",
            "the file is laid out in a way that cannot be edited without touching something else",
            facts=("nothing was changed",),
        )


class TomlText:
    """A TOML document that is edited.

    Paths name tables and positions in arrays of tables: ``("rules", 0, "require", 1, "threshold")``.
    Values are strings, integers, booleans, times in UTC and lists of strings.
    """

    def __init__(self, text: str) -> None:
        """Raises :class:`tomllib.TOMLDecodeError` when ``text`` is not TOML."""
        self.value: dict[str, Any] = tomllib.loads(text)
        """What the text says by now, as plain values."""
        self._before = text
        self._blocks = blocks_of(text)
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._airy = "\n\n" in text.replace("\r\n", "\n")
        self._gone: Counter[str] = Counter()

    # -- edits: each of the text and of the plain value -------------------------------------------

    def get(self, path: Path) -> Any:
        """The value at ``path``; None when nothing stands there."""
        value: Any = self.value
        for part in path:
            if isinstance(part, int):
                if part >= len(value):
                    return None
            elif part not in value:
                return None
            value = value[part]
        return value

    def put(self, path: Path, value: Any) -> None:
        """Sets the value at ``path``; the table it belongs to is made where it is missing."""
        table, key = path[:-1], str(path[-1])
        home = self._block_at(table)
        home = self._holder(table) if home is None else home
        if home is None:
            self._insert(table, {key: value})
        else:
            held = self.get(path)
            loses = isinstance(held, list) and not set(held) <= set(value)
            self._within(home, path, lambda document, rest: styled.put(document, rest, value), loses=loses)
        self._parent(path)[key] = value

    def let(self, path: Path, value: Any) -> None:
        """As :meth:`put`, where it says something new; None takes the value away. The order of a list
        says nothing."""
        held = self.get(path)
        if isinstance(value, list) and isinstance(held, list) and set(value) == set(held):
            return
        if value is None:
            if held is not None:
                self.drop(path)
        elif held != value or type(held) is not type(value):
            self.put(path, value)

    def add(self, path: Path, table: Mapping[str, Any]) -> None:
        """A new table at ``path``; with a position at its end, an element of an array of tables that then
        stands there. It is the last of its kind, or comes in front of the one that had the position."""
        home = self._holder(path[:-1])
        if home is not None:
            self._within(home, path, lambda document, rest: styled.add(document, rest, table))
        else:
            self._insert(path, table)
        parent = self._parent(path)
        if isinstance(parent, list):
            parent.insert(int(path[-1]), dict(table))
        else:
            parent[path[-1]] = dict(table)

    def drop(self, path: Path) -> None:
        """Takes away the value, table or element that stands at ``path``."""
        home = self._holder(path)
        if home is not None:
            self._within(home, path, styled.drop, loses=True)
        for index in reversed(range(len(self._blocks))):
            if self._blocks[index].path[: len(path)] == path:
                self._cut(index)
        self._settle()
        del self.get(path[:-1])[path[-1]]

    def finish(self) -> str:
        """The edited text. Raises UsageError LFCI222 when it does not say what it should, or has lost a
        comment of something that was to stay."""
        text = self._text()
        try:
            right = _pruned(tomllib.loads(text)) == _pruned(self.value)
        except tomllib.TOMLDecodeError:
            right = False
        if not right or Counter(comments_of(self._before)) - self._gone - Counter(comments_of(text)):
            raise UnknownLayout
        return text

    def _parent(self, path: Path) -> Any:
        """The plain table or array that ``path`` ends in, made where it is missing."""
        at: Any = self.value
        for part, following in itertools.pairwise(path):
            empty: Any = [] if isinstance(following, int) else {}
            at = at.setdefault(part, empty) if isinstance(at, dict) else at[part]
        return at

    # -- where --------------------------------------------------------------------------------------

    def _block_at(self, path: Path) -> int | None:
        """The block whose header opens ``path``."""
        return next((index for index, block in enumerate(self._blocks) if block.path == path), None)

    def _holder(self, path: Path) -> int | None:
        """The block in whose body ``path`` stands as a value: a scalar, an inline or a dotted table; None
        when it is made of blocks of its own, or does not exist."""
        for length in reversed(range(len(path))):
            index = self._block_at(path[:length])
            if index is not None and path[length] in tomllib.loads(self._blocks[index].body):
                return index
        return None

    def _place(self, path: Path) -> int:
        """The block that a new table at ``path`` comes behind: the one in front of what has its position,
        the last of its kind, of its parent, else of those that stand before the rules."""
        index = self._block_at(path)
        if index is not None:
            return index - 1
        for length in reversed(range(1, len(path))):
            mine = [index for index, block in enumerate(self._blocks) if block.path[:length] == path[:length]]
            if mine:
                return mine[-1]
        if path[0] not in _FIRST:
            return len(self._blocks) - 1
        before = [index for index, block in enumerate(self._blocks) if block.path and block.path[0] in _FIRST]
        return before[-1] if before else 0

    # -- how ----------------------------------------------------------------------------------------

    def _within(
        self, index: int, path: Path, change: Callable[[Any, Path], object], *, loses: bool = False
    ) -> None:
        """Changes the values of one block's body. With ``loses`` comments inside of what goes may go."""
        block = self._blocks[index]
        end = content_end(block.body)
        content, tail = self._ended(block.body[:end]), block.body[end:]
        document = styled.parse(content)
        try:
            change(document, path[len(block.path) :])
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise UnknownLayout from error
        changed = self._spelled(styled.text(document))
        if loses:
            self._gone += Counter(comments_of(content)) - Counter(comments_of(changed))
        header = self._ended(block.header) if changed else block.header
        self._blocks[index] = Block(block.path, header, changed + tail)

    def _insert(self, path: Path, table: Mapping[str, Any]) -> None:
        """A new block behind the one it belongs to, before comments that may be the next one's."""
        at = self._place(path)
        block = self._blocks[at]
        end = content_end(block.body)
        own, rest = _own_comments(block.body[end:], is_last=at == len(self._blocks) - 1)
        head = self._ended(block.header + block.body[:end] + own)
        lines = [header_of(path), *(styled.line(key, value) for key, value in table.items())]
        if self._airy and head.strip():
            lines.insert(0, "")
        if self._airy and not rest.startswith(("\n", "\r")) and (rest or at + 1 < len(self._blocks)):
            lines.append("")
        new = "".join(line + "\n" for line in lines)
        self._blocks[at] = Block(block.path, "", head + self._spelled(new) + rest)
        self._settle()

    def _cut(self, index: int) -> None:
        """Takes a block away, but for the comments and blank lines behind its values."""
        block = self._blocks.pop(index)
        end = content_end(block.body)
        self._gone += Counter(comments_of(block.header + block.body[:end]))
        kept, before = block.body[end:], self._blocks[index - 1]
        if before.text.endswith(self._newline * 2) and kept.startswith(self._newline):
            kept = kept.removeprefix(self._newline)
        self._blocks[index - 1] = Block(before.path, before.header, before.body + kept)

    def _settle(self) -> None:
        """Positions in arrays of tables are counted again."""
        try:
            tomllib.loads(self._text())
            self._blocks = blocks_of(self._text())
        except tomllib.TOMLDecodeError as error:
            raise UnknownLayout from error

    def _text(self) -> str:
        return "".join(block.text for block in self._blocks)

    def _ended(self, text: str) -> str:
        return text if not text or text.endswith("\n") else text + self._newline

    def _spelled(self, text: str) -> str:
        """``text`` with the newlines of the file."""
        return text if self._newline == "\n" else text.replace("\r\n", "\n").replace("\n", "\r\n")


def _own_comments(tail: str, *, is_last: bool) -> tuple[str, str]:
    """The comments behind a block's values that are its own (up to the first blank line), and the rest."""
    lines = tail.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if not line.strip():
            return "".join(lines[:number]), "".join(lines[number:])
    return (tail, "") if is_last else ("", tail)


def _pruned(value: Any) -> Any:
    """``value`` without empty tables and arrays, which say nothing in our files."""
    if isinstance(value, dict):
        held = {key: _pruned(each) for key, each in value.items()}
        return {key: each for key, each in held.items() if each not in ({}, [])}
    return [_pruned(each) for each in value] if isinstance(value, list) else value
