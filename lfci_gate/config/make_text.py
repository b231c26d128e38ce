"""Targets of a Makefile and recipes of a justfile, read without running either.

Only what the text itself says is found: no includes, no computed names. Each target comes with the
text of its recipe, or None where it also has prerequisites or dependencies, which may do the work.
"""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(
    r"(?:ifeq|ifneq|ifdef|ifndef|else|endif|include|-include|sinclude|vpath|export|unexport)\b"
)
_VARIABLE = re.compile(r"[ \t]*(?:(?:export|override|private)[ \t]+)*[A-Za-z0-9_.-]+[ \t]*(?:[?+!]|:{1,3})?=")
_MAKE_NAME = re.compile(r"[A-Za-z0-9_./+-]+")
_JUST_NAME = re.compile(r"@?([A-Za-z_][A-Za-z0-9_-]*)")
_QUOTED = re.compile(r"\"(?:[^\"\\]++|\\.)*+\"|'[^']*+'|`[^`]*+`")


def makefile_targets(text: str) -> dict[str, str | None]:
    """Targets of a Makefile with explicit names."""
    found: dict[str, str | None] = {}
    current: list[str] = []
    defining = False
    for line in text.replace("\\\n", " ").split("\n"):
        if defining:
            defining = not line.startswith("endef")
        elif line.startswith("define "):
            defining, current = True, []
        elif line.startswith("\t"):
            _append(found, current, line[1:])
        elif line.strip() and not line.lstrip().startswith("#") and not _DIRECTIVE.match(line.lstrip()):
            current = _make_rule(line, found)
    return found


def _make_rule(line: str, found: dict[str, str | None]) -> list[str]:
    """Enters the targets of a rule line into ``found``; returns them, or nothing for other lines."""
    colon = _separator(line)
    if colon is None:
        return []
    rest = line[colon + 1 :].removeprefix(":")
    if rest.lstrip(":").startswith("=") or _VARIABLE.match(rest):
        return []
    before, semicolon, recipe = rest.partition(";")
    needs = before.split("#")[0].strip()
    targets = [name for name in line[:colon].rstrip("&").split() if _MAKE_NAME.fullmatch(name)]
    for name in targets:
        found.setdefault(name, "")
        if needs:
            found[name] = None
    if semicolon:
        _append(found, targets, recipe)
    return targets


def _separator(line: str) -> int | None:
    """Position of the colon that makes ``line`` a rule; None for an assignment or anything else."""
    depth = 0
    for position, character in enumerate(line):
        if character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        elif depth == 0 and character in "=#":
            return None
        elif depth == 0 and character == ":":
            return position
    return None


def _append(found: dict[str, str | None], names: list[str], line: str) -> None:
    for name in names:
        body = found[name]
        if body is not None:
            found[name] = body + line.lstrip().lstrip("@-+") + "\n"


def just_recipes(text: str) -> tuple[dict[str, str | None], frozenset[str]]:
    """Recipes of a justfile (aliases included), and the names of those that need arguments."""
    found: dict[str, str | None] = {}
    needy: set[str] = set()
    aliases: dict[str, str] = {}
    current: list[str] = []
    for line in text.replace("\\\n", " ").split("\n"):
        if line[:1] in (" ", "\t"):
            _append(found, current, line)
        elif line.startswith("alias ") and ":=" in line:
            name, _, target = line.removeprefix("alias ").partition(":=")
            aliases[name.strip()] = target.split("#")[0].strip()
        elif line.strip() and not line.startswith(("#", "[")):
            current = _just_header(line, found, needy)
    for name, target in aliases.items():
        if target in found:
            found.setdefault(name, found[target])
            needy |= {name} if target in needy else set()
    return found, frozenset(needy)


def _just_header(line: str, found: dict[str, str | None], needy: set[str]) -> list[str]:
    plain = _QUOTED.sub('""', line)
    name = _JUST_NAME.match(plain)
    head, colon, rest = plain.partition(":")
    if name is None or not colon or rest.startswith("="):
        return []
    parameters = head[name.end() :].split()
    if any("=" not in parameter and not parameter.startswith("*") for parameter in parameters):
        needy.add(name[1])
    found[name[1]] = None if rest.split("#")[0].strip() else ""
    return [name[1]]
