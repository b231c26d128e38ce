"""What gets stricter, looser or just different from one policy to another. Pure.

The words of a difference, as docs/user-guide.md has them:

``looser``    something may land, or somebody may act, that could not before;
``stricter``  it asks for more, or lets fewer act, and takes away nobody's objection;
``changed``   neither can be said.

In doubt it is ``changed``. Who can no longer act can no longer object either: a FAILED of one of several
keys of an identity, a verifier's doubt, what was attested of the tests before. Where that is lost the
difference is no ``stricter``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from lfci_gate.config.holders import roles_behind
from lfci_gate.config.policy_words import all_of, moment, paths_text, refs_text
from lfci_gate.model import Assurance, Delegation, Policy, PolicyKey, RoleScope
from lfci_gate.value import Value

__all__ = ["CHANGED", "LOOSER", "STRICTER", "Difference", "differences", "turned"]

LOOSER, CHANGED, STRICTER = "looser", "changed", "stricter"
_UNASKED = " (no rule asks for that)"
_NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Difference(Value):
    kind: str
    """``looser``, ``changed`` or ``stricter``."""
    about: str
    """``key alice``, ``rule 1 (branch main)``."""
    text: str
    """One line, no full stop."""


def differences(old: Policy, new: Policy, *, head: str | None = None) -> tuple[Difference, ...]:
    """Every difference in what the two say; none when they say the same. Looser ones first.

    Arguments: ``head`` is the branch of HEAD, where nothing lands without a rule (rule 1); None: unknown.
    """
    from lfci_gate.config.policy_diff_rules import rule_differences

    uses = Uses(old, new)
    found = [
        *_of_policy(old, new),
        *_of_keys(old, new, uses),
        *_of_scopes(old, new, uses),
        *_of_delegations(old, new, uses),
        *rule_differences(old, new, head),
    ]
    order = (LOOSER, CHANGED, STRICTER)
    return tuple(sorted(found, key=lambda each: order.index(each.kind)))


def turned(is_stricter: bool, stricter: str, looser: str) -> tuple[str, str]:
    """Kind and text of something that has two states."""
    return (STRICTER, stricter) if is_stricter else (LOOSER, looser)


class Uses:
    """What roles are good for in either of two policies, delegations included."""

    def __init__(self, *policies: Policy) -> None:
        rules = [(policy, rule) for policy in policies for rule in policy.rules]
        self.pusher_is_asked = any(rule.pusher == "attester" for _, rule in rules)
        self.asked: frozenset[str] = frozenset({"forge"})  # signs landing records: docs/user-guide.md
        self.verifying: frozenset[str] = frozenset()
        self.tested: frozenset[str] = frozenset()
        for policy, rule in rules:
            for each in rule.require:
                self.asked |= roles_behind(policy, each.roles)
                if each.assurance in (Assurance.DERIVED, Assurance.REBUILT):
                    self.verifying |= roles_behind(policy, each.verifiers)
                if rule.tests_removed != "allow":
                    self.tested |= roles_behind(policy, each.roles)
            for roles in (*(each.roles for each in rule.protect), ("maintainer",)):
                self.asked |= roles_behind(policy, roles)
            if rule.break_glass is not None:
                self.asked |= roles_behind(policy, rule.break_glass.roles)
        self.asked |= self.verifying

    def less(self, roles: Iterable[str], *, forgotten: bool) -> tuple[str, str]:
        """What it is when fewer act in ``roles``: the kind, and what goes with it.

        Arguments: with ``forgotten`` what they attested before is no longer looked at either.
        """
        mine = set(roles)
        if not mine & self.asked:
            return CHANGED, " (no rule asks for that role)" if len(
                mine
            ) == 1 else " (no rule asks for these roles)"
        lost = []
        if mine & self.verifying:
            lost.append("doubts as a verifier")
        if forgotten and mine & self.tested:
            lost.append("what was attested of the tests before the change")
        return (CHANGED, f"; with it go {all_of(lost)}") if lost else (STRICTER, "")

    def more(self, roles: Iterable[str]) -> tuple[str, str]:
        """What it is when more act in ``roles``."""
        if set(roles) & self.asked:
            return LOOSER, ""
        return CHANGED, _UNASKED


def _of_policy(old: Policy, new: Policy) -> Iterator[Difference]:
    if new.version != old.version:
        grows = "" if new.version > old.version else ": the gate wants it to grow (LFCI204)"
        yield Difference(CHANGED, "policy", f"version {old.version} becomes {new.version}{grows}")
    if new.repository != old.repository:
        yield Difference(CHANGED, "policy", "names another repository: the gate refuses that (LFCI205)")
    if new.bootstrap != old.bootstrap:
        kind = STRICTER if new.bootstrap == "approval" else LOOSER
        needs = "needs approvals" if new.bootstrap == "approval" else "needs no approvals"
        yield Difference(kind, "policy", f"the first landing of an empty server {needs}")


# -- keys ------------------------------------------------------------------------------------------


def _of_keys(old: Policy, new: Policy, uses: Uses) -> Iterator[Difference]:
    before = {key.name: key for key in old.keys}
    after = {key.name: key for key in new.keys}
    for name in sorted({*before, *after}):
        about = f"key {name}"
        if name not in before:
            key = after[name]
            kind, why = uses.more(key.roles)
            if uses.pusher_is_asked and any(each.identity == key.identity for each in old.keys):
                kind, why = LOOSER, ""  # its names are names by which that identity may push
            yield Difference(kind, about, f"added{_of_whom(key)}, with {_roles(key.roles)}{why}")
        elif name not in after:
            key = before[name]
            kind, why = _fewer(key, new, uses, forgotten=True)
            yield Difference(kind, about, f"removed{_of_whom(key)}, with {_roles(key.roles)}{why}")
        elif before[name] != after[name]:
            yield from _of_key(before[name], after[name], old, new, uses)


def _of_whom(key: PolicyKey) -> str:
    return "" if key.identity == key.name else f" (of {key.identity})"


def _roles(roles: Iterable[str]) -> str:
    found = list(roles)
    return f"the {'role' if len(found) == 1 else 'roles'} {all_of(found)}"


def _fewer(key: PolicyKey, new: Policy, uses: Uses, *, forgotten: bool) -> tuple[str, str]:
    """What it is when a key acts no longer, or shorter."""
    kind, why = uses.less(key.roles, forgotten=forgotten)
    others = [each.name for each in new.keys if each.identity == key.identity and each.name != key.name]
    if kind == STRICTER and others:
        return CHANGED, f"; a FAILED by it stands no longer against {all_of(others)}"
    return kind, why


def _of_key(
    old: PolicyKey, new: PolicyKey, before: Policy, after: Policy, uses: Uses
) -> Iterator[Difference]:
    about = f"key {new.name}"
    if old.public != new.public:
        text = f"is another key now: {old.public.fingerprint} becomes {new.public.fingerprint}"
        yield Difference(uses.more(new.roles)[0], about, text)
    gained, lost = sorted(set(new.roles) - set(old.roles)), sorted(set(old.roles) - set(new.roles))
    if gained:
        kind, why = uses.more(gained)
        yield Difference(kind, about, f"gets {_roles(gained)}{why}")
    if lost:
        kind, why = uses.less(lost, forgotten=True)
        yield Difference(kind, about, f"loses {_roles(lost)}{why}")
    if old.identity != new.identity:
        yield _of_identity(old, new, before, after, uses)
    yield from _of_pushers(old, new, uses)
    if _times(old) != _times(new):
        yield _of_times(old, new, after, uses)


def _of_identity(old: PolicyKey, new: PolicyKey, before: Policy, after: Policy, uses: Uses) -> Difference:
    left = [each.name for each in before.keys if each.identity == old.identity and each.name != old.name]
    joined = [each.name for each in after.keys if each.identity == new.identity and each.name != new.name]
    text = f"is of {new.identity}, not of {old.identity}"
    kind = CHANGED
    if left:
        kind, text = LOOSER, f"{text}: it no longer counts as one with {all_of(left)}"
    if joined:
        text = f"{text}{';' if left else ':'} it counts as one with {all_of(joined)}"
        if not left and not uses.verifying & set(new.roles):
            kind = STRICTER
    if uses.pusher_is_asked:
        kind = LOOSER  # it has other names now by which it may push
    return Difference(kind, f"key {new.name}", text)


def _of_pushers(old: PolicyKey, new: PolicyKey, uses: Uses) -> Iterator[Difference]:
    gained, lost = sorted(set(new.pushers) - set(old.pushers)), sorted(set(old.pushers) - set(new.pushers))
    unasked = "" if uses.pusher_is_asked else " (no rule asks who pushes)"
    if gained:
        kind = LOOSER if uses.pusher_is_asked else CHANGED
        yield Difference(kind, f"key {new.name}", f"its holder also pushes as {all_of(gained)}{unasked}")
    if lost:
        kind = STRICTER if uses.pusher_is_asked else CHANGED
        yield Difference(kind, f"key {new.name}", f"its holder no longer pushes as {all_of(lost)}{unasked}")


def _times(key: PolicyKey) -> tuple[datetime | None, datetime | None, datetime | None]:
    return key.valid_from, key.valid_until, key.revoked


def _of_times(old: PolicyKey, new: PolicyKey, after: Policy, uses: Uses) -> Difference:
    (start, end), (new_start, new_end) = _span(old), _span(new)
    text = f"{_span_text(old)} becomes {_span_text(new)}"
    if new_start < start or new_end > end:
        kind, why = uses.more(new.roles)
    elif new_start > start or new_end < end:
        kind, why = _fewer(new, after, uses, forgotten=False)
    else:
        kind, why = CHANGED, ""
    return Difference(kind, f"key {new.name}", text + why)


def _span(key: PolicyKey) -> tuple[datetime, datetime]:
    return key.valid_from or _ALWAYS, min(key.valid_until or _NEVER, key.revoked or _NEVER)


def _span_text(key: PolicyKey) -> str:
    said = []
    if key.valid_from is not None:
        said.append(f"valid from {moment(key.valid_from)}")
    if key.valid_until is not None:
        said.append(f"valid until {moment(key.valid_until)}")
    if key.revoked is not None:
        said.append(f"revoked on {moment(key.revoked)}")
    return ", ".join(said) or "always valid"


# -- limits and delegations -----------------------------------------------------------------------------


def _of_scopes(old: Policy, new: Policy, uses: Uses) -> Iterator[Difference]:
    before = {each.role: each for each in old.roles}
    after = {each.role: each for each in new.roles}
    for role in sorted({*before, *after}):
        one, other = (each.get(role, RoleScope(role, (), ())) for each in (before, after))
        if (one.refs, one.paths) == (other.refs, other.paths):
            continue
        text = f"counts {_where(other)}, before {_where(one)}"
        yield _of_limits(f"role {role}", text, one, other, (role,), uses)


def _of_delegations(old: Policy, new: Policy, uses: Uses) -> Iterator[Difference]:
    left = [each for each in old.delegations if each not in new.delegations]
    fresh = [each for each in new.delegations if each not in old.delegations]
    for one in left:
        about = f"delegation of {one.granter} to {one.to}"
        other = next((each for each in fresh if (each.granter, each.to) == (one.granter, one.to)), None)
        if other is None:
            kind, why = uses.less((one.granter,), forgotten=True)
            yield Difference(kind, about, f"removed ({_where(one)}, until {moment(one.until)}){why}")
            continue
        fresh.remove(other)
        if one.until != other.until:
            later = other.until > one.until
            kind, why = uses.more((one.granter,)) if later else uses.less((one.granter,), forgotten=False)
            text = f"ends on {moment(other.until)}, before on {moment(one.until)}{why}"
            yield Difference(kind, about, text)
        if (one.refs, one.paths) != (other.refs, other.paths):
            text = f"counts {_where(other)}, before {_where(one)}"
            yield _of_limits(about, text, one, other, (one.granter,), uses)
    for each in fresh:
        kind, why = uses.more((each.granter,))
        text = f"added: {_where(each)}, until {moment(each.until)}{why}"
        yield Difference(kind, f"delegation of {each.granter} to {each.to}", text)


def _of_limits(
    about: str,
    text: str,
    old: RoleScope | Delegation,
    new: RoleScope | Delegation,
    roles: tuple[str, ...],
    uses: Uses,
) -> Difference:
    kinds = {_of_patterns(old.refs, new.refs), _of_patterns(old.paths, new.paths)}
    if LOOSER in kinds:
        kind, why = uses.more(roles)
    elif CHANGED in kinds:
        kind, why = CHANGED, ""
    else:
        kind, why = uses.less(roles, forgotten=False)
    return Difference(kind, about, text + why)


def _of_patterns(old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """What it is when limits become others; empty ones are none. Equal ones are ``stricter``: not looser."""
    if set(old) == set(new) and not any(each.startswith("!") for each in old):
        return STRICTER
    if not old or not new:
        return STRICTER if not old else LOOSER
    if any(each.startswith("!") for each in (*old, *new)):
        return STRICTER if old == new else CHANGED
    return LOOSER if set(new) - set(old) else STRICTER


def _where(limits: RoleScope | Delegation) -> str:
    on = f"on {refs_text(limits.refs)}" if limits.refs else ""
    of = f"for {paths_text(limits.paths, both=True)}" if limits.paths else ""
    return " ".join(each for each in (on, of) if each) or "everywhere"
