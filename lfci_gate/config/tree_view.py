"""What detection sees of a tree: names, and bounded readings of a few files. Nothing is executed.

A file that cannot be read strictly is remembered as a problem, so that nobody takes "could not
tell" for "declares nothing".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from lfci_gate import canonical
from lfci_gate.canonical import shown
from lfci_gate.config.toml import parse_toml
from lfci_gate.errors import Refusal

MAX_BYTES = 256 * 1024
MAX_YAML_BYTES = 64 * 1024  # PyYAML is slow
MAX_YAML_NODES = 10_000

# Strings stay, // and /* */ comments go; nothing is looked at twice.
_JSONC = re.compile(r'("(?:[^"\\]++|\\.)*+"?)|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?', re.DOTALL)
_SECTION = re.compile(r"^\[([^\]\n]{1,200})\]", re.MULTILINE)


class TreeView:
    """A tree by its listing and a reader.

    Arguments: ``paths`` of all files, from the root, raw bytes; ``read`` gives a file's bytes, or
    None when it is not there or no plain file.
    """

    def __init__(self, paths: Iterable[bytes], read: Callable[[bytes], bytes | None]) -> None:
        self._read = read
        # Names that are not UTF-8 declare nothing that is known.
        self._paths = {path.decode("utf-8", "replace") for path in paths}
        self._root = sorted(path for path in self._paths if "/" not in path)
        self._folders = {path.rpartition("/")[0] for path in self._paths if "/" in path}
        self.problems: list[tuple[str, str]] = []
        """Path and what is wrong with it."""

    def has(self, path: str) -> bool:
        return path in self._paths

    def first(self, *paths: str) -> str | None:
        """The first of ``paths`` that is there."""
        return next((path for path in paths if path in self._paths), None)

    def has_folder(self, folder: str) -> bool:
        """Whether any file lies below ``folder``."""
        return any(each == folder or each.startswith(folder + "/") for each in self._folders)

    def root_files(self, *endings: str) -> list[str]:
        """Files at the root with one of ``endings``, sorted."""
        return [path for path in self._root if path.endswith(endings)]

    def below(self, folder: str, *endings: str, limit: int = 32) -> list[str]:
        """At most ``limit`` files somewhere below ``folder`` with one of ``endings``, sorted."""
        start = folder + "/"
        return sorted(p for p in self._paths if p.startswith(start) and p.endswith(endings))[:limit]

    def text(self, path: str) -> str | None:
        """The text of a file; None when it is absent or, with a problem noted, not readable."""
        text: str | None = self._parsed(
            path, lambda data: canonical.decode(data, MAX_BYTES).replace("\r\n", "\n")
        )
        return text

    def json(self, path: str, *, comments: bool = False) -> dict[str, Any]:
        """The object in a JSON file; empty as for :meth:`text`."""
        return self._table(path, lambda data: _json(data, comments))

    def toml(self, path: str) -> dict[str, Any]:
        """The table in a TOML file."""
        return self._table(path, lambda data: parse_toml(data, max_bytes=MAX_BYTES, floats=True))

    def yaml(self, path: str) -> dict[str, Any]:
        """The mapping in a YAML file, all scalars as strings."""
        return self._table(path, _yaml)

    def sections(self, path: str) -> frozenset[str]:
        """Names of the sections of an INI file."""
        return frozenset(_SECTION.findall(self.text(path) or ""))

    def _table(self, path: str, parse: Callable[[bytes], object]) -> dict[str, Any]:
        value = self._parsed(path, parse)
        if value is None or isinstance(value, dict):
            return value or {}
        self.problems.append((path, "is not a table"))
        return {}

    def _parsed(self, path: str, parse: Callable[[bytes], Any]) -> Any:
        if path not in self._paths:
            return None
        data = self._read(path.encode("utf-8"))
        try:
            if data is None:
                raise ValueError("is no plain file")
            return parse(data)
        except ValueError as error:
            problem = (path, str(error))
            if problem not in self.problems:
                self.problems.append(problem)
            return None


def dig(value: Any, *keys: str) -> Any:
    """``value[key][key]…`` where every step is a table that has the key; else None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def command_text(value: Any) -> str | None:
    """A command given as a string or as a list of strings (one a line); else None."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return None


def _json(data: bytes, comments: bool) -> object:
    try:
        if comments:
            text = canonical.decode(data, MAX_BYTES)
            data = _JSONC.sub(lambda found: found[1] or " ", text).encode("utf-8")
        return canonical.loads(data, code="LFCI413", what="JSON", max_bytes=MAX_BYTES, floats=True)
    except Refusal as error:
        raise ValueError(error.message) from None


def _yaml(data: bytes) -> object:
    import yaml  # slow to import, and only detection wants it

    text = canonical.decode(data, MAX_YAML_BYTES)
    try:
        # Composed, never constructed: no tags, no merge keys, nothing is called or expanded.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return _plain(node, [MAX_YAML_NODES], 32)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise ValueError(f"not YAML{where}") from None
    except RecursionError:
        raise ValueError("not YAML: nested too deeply") from None


def _plain(node: Any, budget: list[int], depth: int) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth == 0:
        raise ValueError("YAML with too many or too deep values (aliases count each time)")
    if node is None or node.id == "scalar":
        return None if node is None else str(node.value)
    if node.id == "sequence":
        return [_plain(item, budget, depth - 1) for item in node.value]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.id != "scalar" or key.value in found:
            raise ValueError(f"YAML with a duplicate or compound key (line {key.start_mark.line + 1})")
        found[key.value] = _plain(value, budget, depth - 1)
    return found


def listed(names: Iterable[str], limit: int = 4) -> str:
    """A few names for a message."""
    known = [shown(name, 80) for name in names]
    return ", ".join(known[:limit]) + (", ..." if len(known) > limit else "")
