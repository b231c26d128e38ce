"""Edits of the rules of policy.toml (:mod:`lfci_gate.config.policy_edit` has the rest)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lfci_gate.config.policy import parse_policy, rule_for
from lfci_gate.config.policy_edit import given, missing
from lfci_gate.config.toml_blocks import Path
from lfci_gate.config.toml_edit import TomlText
from lfci_gate.errors import UsageError
from lfci_gate.fields import shown

__all__ = [
    "RULE_FIELDS",
    "add_rule",
    "put_break_glass",
    "put_protection",
    "put_requirement",
    "remove_protection",
    "remove_requirement",
    "remove_rule",
    "rule_number",
    "set_rule",
]

RULE_FIELDS: Mapping[str, Path] = {
    "scope": ("scope",),
    "max-age": ("max-age",),
    "bind": ("bind",),
    "update": ("update",),
    "gitlinks": ("gitlinks",),
    "pusher": ("pusher",),
    "tests": ("tests", "removed"),
    "dependencies": ("dependencies", "unpinned"),
    "nix": ("nix", "minimum"),
}
"""What of a rule is one value, and where it stands."""


def rule_number(text: TomlText, named: str) -> int:
    """The position of the rule that ``named`` names: its number as `lfci policy show` gives it (from
    1), or a branch or full ref that it covers. Raises UsageError LFCI514."""
    policy = parse_policy(text.finish().encode("utf-8"))
    if named.isdecimal() and len(named) < 5:
        if 1 <= int(named) <= len(policy.rules):
            return int(named) - 1
        raise UsageError("LFCI514", f"there is no rule {named}", facts=(f"rules: 1 to {len(policy.rules)}",))
    for ref in (named, f"refs/heads/{named}"):
        rule = next((n for n, each in enumerate(policy.rules) if ref in each.refs), None)
        if rule is None and (found := rule_for(policy, ref)) is not None:
            rule = policy.rules.index(found)
        if rule is not None:
            return rule
    raise UsageError("LFCI514", f"no rule covers {shown(named)}", hint="lfci policy show (numbers the rules)")


def add_rule(text: TomlText, refs: Iterable[str], *, before: int | None) -> int:
    """A rule for ``refs``, the last one or in front of the one at the position ``before``. It asks for
    nothing yet but that a push is a fast-forward. Returns its position."""
    at = len(text.get(("rules",)) or ()) if before is None else before
    text.add(("rules", at), {"refs": list(refs)})
    return at


def remove_rule(text: TomlText, rule: int) -> None:
    text.drop(("rules", rule))


def set_rule(text: TomlText, rule: int, field: str, value: Any) -> None:
    """One of RULE_FIELDS, or ``refs``; None gives it its default."""
    path = RULE_FIELDS.get(field, (field,))
    if value is None and len(path) == 2:
        if text.get(("rules", rule, path[0])) is not None:
            text.drop(("rules", rule, path[0]))  # a table of one value
        return
    text.let(("rules", rule, *path), value)


def put_requirement(text: TomlText, rule: int, check: str, values: Mapping[str, Any]) -> None:
    """The check is required; where it is already, only ``values`` change. Raises UsageError LFCI514 when
    the rule has several requirements for it."""
    at = _requirement(text, rule, check)
    if at is None:
        place = len(text.get(("rules", rule, "require")) or ())
        text.add(("rules", rule, "require", place), {"check": check, **given(values)})
        return
    for field, value in given(values).items():
        text.let(("rules", rule, "require", at, field), value)


def remove_requirement(text: TomlText, rule: int, check: str) -> None:
    at = _requirement(text, rule, check)
    if at is None:
        held = text.get(("rules", rule, "require")) or ()
        raise missing("required check", check, [each["check"] for each in held])
    text.drop(("rules", rule, "require", at))


def _requirement(text: TomlText, rule: int, check: str) -> int | None:
    held = text.get(("rules", rule, "require")) or ()
    found = [index for index, each in enumerate(held) if each["check"] == check]
    if len(found) > 1:
        raise UsageError(
            "LFCI514",
            f"rule {rule + 1} requires the check {check} {len(found)} times",
            hint="edit .lfci/policy.toml by hand",
        )
    return found[0] if found else None


def put_protection(text: TomlText, rule: int, paths: Iterable[str], values: Mapping[str, Any]) -> None:
    """Changes of ``paths`` need approvals. A protection of exactly these paths is changed; to one that asks
    for the same approvals they are added, and otherwise there is a new one."""
    wanted = list(paths)
    held = text.get(("rules", rule, "protect")) or ()
    at = next((index for index, each in enumerate(held) if set(each["paths"]) == set(wanted)), None)
    if at is not None:
        for field, value in given(values).items():
            text.let(("rules", rule, "protect", at, field), value)
        return
    same = (index for index, each in enumerate(held) if _asks_for(each, values) and _is_plain(each, wanted))
    at = next(same, None)
    if at is None:
        text.add(("rules", rule, "protect", len(held)), {"paths": wanted, **given(values)})
    else:
        more = [each for each in wanted if each not in held[at]["paths"]]
        text.let(("rules", rule, "protect", at, "paths"), [*held[at]["paths"], *more])


def _asks_for(held: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    asked = given(values)
    same_roles = set(held["roles"]) == set(asked.get("roles", ()))
    return same_roles and held.get("threshold", 1) == asked.get("threshold", 1)


def _is_plain(held: Mapping[str, Any], more: Iterable[str]) -> bool:
    """Whether the order of the patterns says nothing."""
    return not any(each.startswith("!") for each in (*held["paths"], *more))


def remove_protection(text: TomlText, rule: int, paths: Iterable[str]) -> None:
    """Takes ``paths`` out of the protections of a rule, as they are written there; a protection that
    keeps no path goes."""
    for path in paths:
        held = text.get(("rules", rule, "protect")) or ()
        mine = [index for index, each in enumerate(held) if path in each["paths"]]
        if not mine:
            raise missing("protected path", path, [each for one in held for each in one["paths"]])
        for index in reversed(mine):
            left = [each for each in held[index]["paths"] if each != path]
            if left:
                text.put(("rules", rule, "protect", index, "paths"), left)
            else:
                text.drop(("rules", rule, "protect", index))


def put_break_glass(text: TomlText, rule: int, values: Mapping[str, Any] | None) -> None:
    """Who may break the glass; only ``values`` change where somebody may already. None: nobody may."""
    path: Path = ("rules", rule, "break-glass")
    if text.get(path) is None:
        if values is not None:
            text.add(path, given(values))
    elif values is None:
        text.drop(path)
    else:
        for field, value in given(values).items():
            text.let((*path, field), value)
