"""TOML values with their spelling: the one place where tomlkit is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lfci_gate.canonical import format_time
from lfci_gate.config.toml_blocks import Path, key_of

__all__ = ["add", "drop", "line", "parse", "put", "text"]

_LONG = 88
"""Columns beyond which a new array is written one value a line."""


def parse(content: str) -> Any:
    """The values of a block's body, editable. ``content`` is TOML."""
    import tomlkit  # only where something is edited

    return tomlkit.parse(content)


def text(document: Any) -> str:
    """What :func:`parse` gave, as text again."""
    import tomlkit

    return tomlkit.dumps(document)


def put(document: Any, path: Path, value: Any) -> None:
    """Sets a value. Raises what tomlkit does (KeyError, TypeError, ...) for a path that is none."""
    import tomlkit

    at = document
    for part in path[:-1]:
        if not isinstance(part, int) and part not in at:
            at[part] = tomlkit.inline_table()
        at = at[part]
    key = path[-1]
    held = at.get(key)
    if isinstance(value, list) and isinstance(held, list):
        _update(held, value)
        if list(held) == value:
            return
    at[key] = _item(value)


def add(document: Any, path: Path, table: Mapping[str, Any]) -> None:
    """Puts an inline table at ``path``, or into the array that ends there."""
    import tomlkit

    made = tomlkit.inline_table()
    for key, value in table.items():
        made.append(key, _item(value))
    at = document
    for part in path[:-1]:
        at = at[part]
    if isinstance(path[-1], int):
        at.insert(path[-1], made)
    else:
        at[path[-1]] = made


def drop(document: Any, path: Path) -> None:
    """Takes a value away."""
    at = document
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]


def line(key: str, value: Any) -> str:
    """``roles = ["agent"]``; a long array one value a line."""
    spelled = _item(value).as_string()
    if isinstance(value, list) and len(key) + 3 + len(spelled) > _LONG:
        inner = "".join(f"  {_item(each).as_string()},\n" for each in value)
        spelled = f"[\n{inner}]"
    return f"{key_of(key)} = {spelled}"


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, datetime):
        return tomlkit.datetime(format_time(value))
    return tomlkit.item(value)


def _update(held: Any, wanted: list[str]) -> None:
    """Element by element, so that comments beside the others stay."""
    for each in wanted:
        if each not in held:
            held.append(each)
    for index in reversed(range(len(held))):
        if held[index] not in wanted:
            del held[index]
