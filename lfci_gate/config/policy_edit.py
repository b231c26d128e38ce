"""Edits of policy.toml, each a function on the text: comments and layout stay (docs/user-guide.md).

Those of rules are in :mod:`lfci_gate.config.policy_edit_rules`.

What a value may be is not judged here but by the parser, which reads every result before anything
is written. Whoever edits by hand and whoever edits by command get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from lfci_gate.config.policy import parse_policy
from lfci_gate.config.toml_edit import TomlText
from lfci_gate.errors import UsageError
from lfci_gate.fields import shown
from lfci_gate.model import Policy
from lfci_gate.value import replace

__all__ = [
    "KEY_FIELDS",
    "Change",
    "TomlText",
    "add_delegation",
    "add_key",
    "edited",
    "given",
    "missing",
    "put_scope",
    "remove_delegation",
    "remove_key",
    "remove_scope",
    "revoke_key",
    "rotate_key",
    "set_delegation",
    "set_key",
]

Change = Callable[[TomlText], object]

KEY_FIELDS = ("roles", "identity", "pushers", "valid-from", "valid-until", "revoked")


def edited(data: bytes, change: Change, *, landed: int | None) -> tuple[bytes, Policy]:
    """The file after ``change``, and what it says; the same bytes when it says what it said before.

    Arguments: ``landed`` is the version of the policy in force, None when none is: a proposal's
    version is one more, however many edits it takes. Raises UsageError LFCI202 when ``data`` or the
    result is no policy, LFCI222 when the layout cannot be edited, LFCI514 from ``change``.
    """
    before = parse_policy(data)
    text = TomlText(data.decode("utf-8"))
    change(text)
    after = parse_policy(text.finish().encode("utf-8"))
    if _said(after) == _said(before):
        return data, before
    if landed is not None and after.version <= landed:
        text.put(("version",), landed + 1)
    result = text.finish().encode("utf-8")
    return result, parse_policy(result)


def _said(policy: Policy) -> Policy:
    return replace(policy, digest=policy.digest[:0], version=0)


# -- keys ------------------------------------------------------------------------------------------


def add_key(text: TomlText, name: str, values: Mapping[str, Any]) -> None:
    """A key. Arguments: ``values`` as in the file: ``public``, ``roles`` and any of KEY_FIELDS."""
    if text.get(("keys", name)) is not None:
        raise UsageError(
            "LFCI514", f"there is a key {name} already", hint=f"lfci policy edit key set {name} ..."
        )
    text.add(("keys", name), {key: value for key, value in values.items() if value not in (None, (), [])})


def remove_key(text: TomlText, name: str) -> None:
    _key(text, name)
    text.drop(("keys", name))


def revoke_key(text: TomlText, name: str, at: datetime) -> None:
    """From ``at`` on the key counts for nothing; a revocation that is earlier stays."""
    held = _key(text, name).get("revoked")
    if held is None or held > at:
        text.put(("keys", name, "revoked"), at)


def rotate_key(
    text: TomlText,
    name: str,
    public: str,
    *,
    now: datetime,
    overlap_s: int,
    new: str | None,
    until: datetime | None,
) -> str:
    """A new key of the same holder, with the same roles; the old one ends ``overlap_s`` seconds from now.
    Returns the new key's name.

    Arguments: ``new`` is that name, None: made from the old one; ``until`` is when the new one ends.
    """
    held = _key(text, name)
    added = new or _next_name(name, text.get(("keys",)))
    values = {
        "public": public,
        "roles": list(held["roles"]),
        "identity": held.get("identity", name),
        "pushers": held.get("pushers"),
        "valid-until": until,
    }
    add_key(text, added, values)
    end = now + timedelta(seconds=overlap_s)
    if held.get("valid-until") is None or held["valid-until"] > end:
        text.put(("keys", name, "valid-until"), end)
    return added


def set_key(text: TomlText, name: str, field: str, value: Any) -> None:
    """One field of a key; None takes it away."""
    _key(text, name)
    text.let(("keys", name, field), value)


def _key(text: TomlText, name: str) -> dict[str, Any]:
    held: dict[str, Any] | None = text.get(("keys", name))
    if held is None:
        raise missing("key", name, text.get(("keys",)) or ())
    return held


def _next_name(name: str, taken: Iterable[str]) -> str:
    """``alice`` gives ``alice-2``, that gives ``alice-3``."""
    stem, _, last = name.rpartition("-")
    stem, number = (stem, int(last)) if stem and last.isdecimal() and len(last) < 4 else (name, 1)
    while (found := f"{stem}-{(number := number + 1)}") in taken:
        pass
    return found


# -- scoped roles and delegations ------------------------------------------------------------------


def put_scope(text: TomlText, role: str, values: Mapping[str, Any]) -> None:
    """The role counts only for these refs and paths; an empty list takes that bound away."""
    if text.get(("roles", role)) is None:
        text.add(("roles", role), given(values))
        return
    for field, value in values.items():
        if value is not None:
            text.let(("roles", role, field), value or None)


def remove_scope(text: TomlText, role: str) -> None:
    """The role counts everywhere."""
    if text.get(("roles", role)) is None:
        raise missing("scoped role", role, text.get(("roles",)) or ())
    text.drop(("roles", role))


def add_delegation(text: TomlText, values: Mapping[str, Any]) -> None:
    """Arguments: ``values`` as in the file: ``from``, ``to``, ``refs``, ``paths``, ``until``."""
    text.add(("delegations", len(text.get(("delegations",)) or ())), given(values))


def set_delegation(text: TomlText, number: int, values: Mapping[str, Any]) -> None:
    """Changes the given values; an empty list takes that bound away. Arguments as for the next."""
    _delegation(text, number)
    for field, value in values.items():
        if value is not None:
            text.let(("delegations", number - 1, field), value or None)


def remove_delegation(text: TomlText, number: int) -> None:
    """Arguments: ``number`` as `lfci policy show` gives it, from 1."""
    _delegation(text, number)
    text.drop(("delegations", number - 1))


def _delegation(text: TomlText, number: int) -> None:
    held = len(text.get(("delegations",)) or ())
    if not 1 <= number <= held:
        raise UsageError("LFCI514", f"there is no delegation {number}", facts=(f"delegations: {held}",))


# -- for edits of rules too --------------------------------------------------------------------------


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``values`` is there to be written."""
    return {key: value for key, value in values.items() if value is not None and value != []}


def missing(what: str, name: str, known: Iterable[str]) -> UsageError:
    """LFCI514: there is no such thing; these there are."""
    names = sorted(known)
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    message = f"there is no {what} {shown(name)[1:-1]}"
    return UsageError("LFCI514", message, facts=(f"there are: {listed or 'none'}",))
