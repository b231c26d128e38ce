"""The parts of a policy that say who acts for whom: scoped roles, delegations, break-glass, and keys of
one holder. Imported only for policies that have them (docs/formats.md).
"""

from __future__ import annotations

from collections.abc import Iterable

from lfci_gate.attest.bypass import WAIVES
from lfci_gate.config import values
from lfci_gate.config.project import patterns
from lfci_gate.fields import Fields
from lfci_gate.model import BreakGlass, Delegation, PolicyKey, RoleScope

MAX_ROLES = 256
MAX_DELEGATIONS = 256
MAX_CHAIN = 8
"""Delegations one after the other: more than anybody still sees through."""
MAX_THRESHOLD = 64
LONGEST_BYPASS_S = 7 * 86400


def refuse_unclear_identities(keys: Iterable[PolicyKey], fields: Fields) -> None:
    """Refuses an identity that is the name of somebody else's key, and a pusher who is two holders.

    Raises what ``fields`` (the table of all keys) makes: UsageError LFCI202.
    """
    held = {key.name: key.identity for key in keys}
    known_as: dict[str, str] = {}
    for key in keys:
        if held.get(key.identity, key.identity) != key.identity:
            raise fields.wrong(
                f"{key.name}.identity",
                f"{key.identity} is the name of a key whose identity is {held[key.identity]}",
            )
        for pusher in (key.identity, *key.pushers):
            if known_as.setdefault(pusher, key.identity) != key.identity:
                raise fields.wrong(
                    f"{key.name}.pushers", f"{ascii(pusher)} is also a pusher of {known_as[pusher]}"
                )


def scopes(tables: Fields) -> tuple[RoleScope, ...]:
    """``[roles.NAME]``, sorted by name. Raises UsageError LFCI202."""
    if len(tables.keys()) > MAX_ROLES:
        raise tables.wrong(None, f"has more than {MAX_ROLES} roles")
    found = []
    for name in sorted(tables.keys()):
        if not values.is_name(name):
            raise tables.wrong(None, f"{ascii(name)[:80]} is not {values.NAME_EXPECTED}")
        fields = tables.child(name)
        found.append(RoleScope(name, *_where(fields)))
        fields.finish()
    return tuple(found)


def delegations(top: Fields) -> tuple[Delegation, ...]:
    """``[[delegations]]``, in the order of the file. Raises UsageError LFCI202."""
    found = []
    for fields in top.children("delegations", max_items=MAX_DELEGATIONS):
        until = values.moment(fields, "until")
        if until is None:
            raise fields.wrong("until", "is missing: every delegation ends")
        granter, to = values.name(fields, "from"), values.name(fields, "to")
        refs, paths = _where(fields)
        if not refs and not paths:
            raise fields.wrong(None, "names neither refs nor paths: give the role instead")
        found.append(Delegation(granter, to, refs, paths, until))
        fields.finish()
    wrong = _circle_or_too_long(found)
    if wrong:
        raise top.wrong("delegations", wrong)
    return tuple(found)


def break_glass(fields: Fields) -> BreakGlass:
    """``[rules.break-glass]``. Raises UsageError LFCI202."""
    waives = values.unique(fields, "waives", fields.texts("waives", max_items=len(WAIVES)))
    if not waives or not set(waives) <= set(WAIVES):
        raise fields.wrong("waives", f"must hold some of {', '.join(WAIVES)}")
    found = BreakGlass(
        roles=values.names(fields, "roles"),
        threshold=fields.integer("threshold", 2, MAX_THRESHOLD) if "threshold" in fields else 2,
        longest_s=values.duration(fields, "longest", units="smhd", longest_s=LONGEST_BYPASS_S),
        waives=waives,
    )
    fields.finish()
    return found


def _where(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    refs = values.ref_patterns(fields, "refs") if "refs" in fields else ()
    paths = patterns(fields, "paths") if "paths" in fields else ()
    return refs, paths


def _circle_or_too_long(found: list[Delegation]) -> str:
    """What is wrong with the chains of delegations; empty when nothing is. Where and until when each of
    them holds does not matter: a circle is refused also when its links never hold together."""
    after: dict[str, set[str]] = {}
    for each in found:
        after.setdefault(each.to, set()).add(each.granter)
        after.setdefault(each.granter, set())
    waits = dict.fromkeys(after, 0)
    for granters in after.values():
        for role in granters:
            waits[role] += 1
    length = dict.fromkeys(after, 0)
    ready = sorted(role for role, count in waits.items() if count == 0)
    done = 0
    while ready:
        role = ready.pop()
        done += 1
        for granter in after[role]:
            length[granter] = max(length[granter], length[role] + 1)
            waits[granter] -= 1
            if waits[granter] == 0:
                ready.append(granter)
    if done < len(after):
        circle = ", ".join(sorted(role for role, count in waits.items() if count)[:4])
        return f"go round in a circle ({circle})"
    if max(length.values(), default=0) > MAX_CHAIN:
        return f"are more than {MAX_CHAIN} one after the other"
    return ""
