"""Which edit of the file a command line of `lfci policy edit` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from lfci_gate.config import policy_edit as edit
from lfci_gate.config import policy_edit_rules as edit_rules
from lfci_gate.config.toml_edit import TomlText
from lfci_gate.config.values import UNITS
from lfci_gate.errors import UsageError
from lfci_gate.fields import parse_time

__all__ = ["Ask", "change_of"]

Ask = Callable[[TomlText], object]

_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_LISTS = ("bind", "pushers")
_TIMES = ("valid-from", "valid-until", "revoked")


# -- the edit ----------------------------------------------------------------------------------------


def change_of(args: argparse.Namespace, now: datetime) -> Ask:
    """The edit that the command line asks for. Raises UsageError LFCI514, also when it is done."""
    return {"key": _key, "rule": _rule, "role": _role, "delegation": _link}[args.kind](args, now)


def _key(args: argparse.Namespace, now: datetime) -> Ask:
    if args.part == "add":
        values = {
            "public": args.public,
            "roles": args.role,
            "identity": args.identity,
            "pushers": args.pusher,
            "valid-from": _time(args.valid_from, now),
            "valid-until": _time(args.valid_until, now),
        }
        return lambda text: edit.add_key(text, args.name, values)
    if args.part == "remove":
        return lambda text: edit.remove_key(text, args.name)
    if args.part == "revoke":
        at = _time(args.at, now) or now
        return lambda text: edit.revoke_key(text, args.name, at)
    if args.part == "rotate":
        overlap, until = _seconds(args.overlap), _time(args.valid_until, now)
        return lambda text: edit.rotate_key(
            text, args.name, args.public, now=now, overlap_s=overlap, new=args.new_name, until=until
        )
    if args.part == "roles":
        return lambda text: _roles(text, args)
    pairs = [_pair(each, ("identity", "pushers", *_TIMES), now) for each in args.values]

    def change(text: TomlText) -> None:
        for field, value in pairs:
            edit.set_key(text, args.name, field, value)

    return change


def _roles(text: TomlText, args: argparse.Namespace) -> None:
    if bool(args.roles) == bool(args.add or args.remove):
        raise UsageError("LFCI514", "name all roles, or use --add and --remove",
                         hint=f"lfci policy edit key roles {args.name} --add ROLE")  # fmt: skip
    held = (text.get(("keys", args.name)) or {}).get("roles", [])
    edit.set_key(text, args.name, "roles", args.roles or _changed(held, args.add, args.remove))


def _rule(args: argparse.Namespace, now: datetime) -> Ask:
    if args.part == "add":
        refs = [_ref(each) for each in args.ref]

        def add(text: TomlText) -> None:
            before = None if args.before is None else edit_rules.rule_number(text, args.before)
            edit_rules.add_rule(text, refs, before=before)

        return add
    change = _RULE_PARTS[args.part](args, now)
    return lambda text: change(text, edit_rules.rule_number(text, args.rule))


def _refs(args: argparse.Namespace, _now: datetime) -> Callable[[TomlText, int], object]:
    more, fewer = ([_ref(each) for each in given or ()] for given in (args.add, args.remove))

    def change(text: TomlText, rule: int) -> None:
        held = text.get(("rules", rule, "refs"))
        edit_rules.set_rule(text, rule, "refs", _changed(held, more, fewer))

    return change


def _set(args: argparse.Namespace, now: datetime) -> Callable[[TomlText, int], object]:
    pairs = [_pair(each, tuple(edit_rules.RULE_FIELDS), now) for each in args.values]

    def change(text: TomlText, rule: int) -> None:
        for field, value in pairs:
            edit_rules.set_rule(text, rule, field, value)

    return change


def _require(args: argparse.Namespace, _now: datetime) -> Callable[[TomlText, int], object]:
    values = {
        "roles": args.role,
        "threshold": args.threshold,
        "engines": args.engine,
        "hermetic": None if args.hermetic is None else args.hermetic == "yes",
        "report": args.report,
        "assurance": args.assurance,
        "verifiers": args.verifier,
        "max-attempts": args.max_attempts,
        "quarantine": args.quarantine,
    }
    return lambda text, rule: edit_rules.put_requirement(text, rule, args.check, values)


def _protect(args: argparse.Namespace, _now: datetime) -> Callable[[TomlText, int], object]:
    values = {"roles": args.role, "threshold": args.threshold}
    return lambda text, rule: edit_rules.put_protection(text, rule, args.paths, values)


def _glass(args: argparse.Namespace, _now: datetime) -> Callable[[TomlText, int], object]:
    values = {
        "roles": args.role,
        "threshold": args.threshold,
        "longest": args.longest,
        "waives": args.waives,
    }
    if args.none and any(each is not None for each in values.values()):
        raise UsageError("LFCI514", "--none leaves nothing to say about who may")
    return lambda text, rule: edit_rules.put_break_glass(text, rule, None if args.none else values)


_RULE_PARTS: dict[str, Callable[[argparse.Namespace, datetime], Callable[[TomlText, int], object]]] = {
    "remove": lambda args, now: edit_rules.remove_rule,
    "refs": _refs,
    "set": _set,
    "require": _require,
    "unrequire": lambda args, now: lambda text, rule: edit_rules.remove_requirement(text, rule, args.check),
    "protect": _protect,
    "unprotect": lambda args, now: lambda text, rule: edit_rules.remove_protection(text, rule, args.paths),
    "break-glass": _glass,
}


def _role(args: argparse.Namespace, _now: datetime) -> Ask:
    if args.part == "remove":
        return lambda text: edit.remove_scope(text, args.name)
    values = _where(args)
    if not any(values.values()):
        raise UsageError("LFCI514", "name the refs or paths that the role is limited to: --ref, --path")
    return lambda text: edit.put_scope(text, args.name, values)


def _link(args: argparse.Namespace, now: datetime) -> Ask:
    if args.part == "remove":
        return lambda text: edit.remove_delegation(text, args.number)
    values: dict[str, Any] = {**_where(args), "until": _time(args.until, now)}
    if args.part == "set":
        return lambda text: edit.set_delegation(text, args.number, values)
    return lambda text: edit.add_delegation(text, {"from": args.granter, "to": args.to, **values})


# -- values -----------------------------------------------------------------------------------------


def _where(args: argparse.Namespace) -> dict[str, Any]:
    return {"refs": None if args.ref is None else [_ref(each) for each in args.ref], "paths": args.path}


def _ref(text: str) -> str:
    return text if text.startswith("refs/") else f"refs/heads/{text}"


def _changed(held: list[str], more: list[str] | None, fewer: list[str] | None) -> list[str]:
    gone = set(fewer or ())
    if gone - set(held):
        raise UsageError("LFCI514", f"{sorted(gone - set(held))[0]} does not stand there")
    return [*(each for each in held if each not in gone), *(each for each in more or () if each not in held)]


def _pair(text: str, known: tuple[str, ...], now: datetime) -> tuple[str, Any]:
    field, equals, value = text.partition("=")
    if not equals or field not in known:
        raise UsageError(
            "LFCI514", f"{text} is not FIELD=VALUE of a known field", facts=(f"fields: {', '.join(known)}",)
        )
    if not value:
        return field, None
    if field in _TIMES:
        return field, _time(value, now)
    if field in _LISTS:
        return field, [each.strip() for each in value.split(",")]
    return field, _YES_NO.get(value, value) if field == "gitlinks" else value


def _time(text: str | None, now: datetime) -> datetime | None:
    """A moment: a date, a time in UTC, `now`, or a duration from now. Raises UsageError LFCI514."""
    if text is None:
        return None
    if text == "now":
        return now
    if text[-1:] in UNITS and text[:-1].isdecimal():
        return now + timedelta(seconds=_seconds(text))
    try:
        return parse_time(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        message = f"{text} is no time: it is like 2027-01-31, 2027-01-31T12:00:00Z or 14d (from now)"
        raise UsageError("LFCI514", message) from None


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isdecimal() and len(number) <= 6 and unit in UNITS):
        raise UsageError("LFCI514", f"{text} is no duration: it is like 14d, 36h or 90m")
    return int(number) * UNITS[unit]
