"""What a policy that can land may still get wrong. Pure.

Nothing of this is refused by the gate. Each warning is about something that works today and surprises
somebody later: a key that ends, a rule that never applies, a check that nobody declares.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from lfci_gate.config.holders import Holders, holders, roles_behind, scope_of
from lfci_gate.config.meaning import policy_protections
from lfci_gate.config.policy import PATH, protections
from lfci_gate.config.policy_diff import Uses
from lfci_gate.config.policy_words import all_of, any_of, key_trouble, moment, names, paths_text, refs_text
from lfci_gate.config.ref_overlap import covers
from lfci_gate.model import Policy, PolicyKey, ProjectConfig, Rule
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

__all__ = ["SOON", "Warned", "warnings"]

SOON = timedelta(days=30)
"""How long before its end a key or a delegation is told."""


class Warned(Value):
    kind: str
    """A word for programs: ``key``, ``role``, ``delegation``, ``rule``, ``check``, ``path``, ``person``."""
    text: str
    """One line, no full stop."""
    fix: str
    """The command or action that helps."""


def warnings(
    policy: Policy, now: datetime, *, config: ProjectConfig | None, files: Collection[bytes] | None
) -> tuple[Warned, ...]:
    """In the order of the file.

    Arguments: ``config`` declares the project's checks, None: unknown; ``files`` are the raw paths of the
    tree that the policy goes into, None: unknown.
    """
    uses = Uses(policy)
    return (
        *_keys(policy, now, uses),
        *_roles(policy),
        *_delegations(policy, now),
        *(found for at in range(len(policy.rules)) for found in _rule(policy, at, config, files)),
        *_people(policy, now),
    )


# -- keys, roles, delegations --------------------------------------------------------------------------


def _keys(policy: Policy, now: datetime, uses: Uses) -> Iterator[Warned]:
    for key in policy.keys:
        rotate = f"lfci policy edit key rotate {key.name} --public LINE"
        end = key.valid_until if key.revoked is None else None
        if end is not None and now < end <= now + SOON and not _has_heir(policy, key, now + SOON):
            yield Warned("key", f"key {key.name} expires on {moment(end)}{_in(end - now)}", rotate)
        elif end is not None and end <= now and not _has_heir(policy, key, now):
            yield Warned("key", f"key {key.name} expired on {moment(end)}", rotate)
        if not uses.asked & set(key.roles):
            text = f"key {key.name} has only {_role(key.roles)}, which no rule asks for"
            yield Warned("key", text, f"lfci policy edit key roles {key.name} ROLE")


def _has_heir(policy: Policy, key: PolicyKey, at: datetime) -> bool:
    """Whether the same identity has another key with these roles that counts at ``at``: a rotation."""
    return any(
        each.identity == key.identity and set(key.roles) <= set(each.roles) and not key_trouble(each, at)
        for each in policy.keys
    )


def _in(left: timedelta) -> str:
    if left.days == 0:
        return " (in less than a day)"
    return f" (in {left.days} {'day' if left.days == 1 else 'days'})"


def _role(roles: Collection[str]) -> str:
    return f"the {'role' if len(roles) == 1 else 'roles'} {all_of(roles)}"


def _roles(policy: Policy) -> Iterator[Warned]:
    held = {role for key in policy.keys for role in key.roles}
    asked: dict[str, list[str]] = {}
    for number, rule in enumerate(policy.rules, 1):
        for each in rule.require:
            for role in each.roles:
                asked.setdefault(role, []).append(f"to attest {each.check} in rule {number}")
            if each.assurance.value in ("derived", "rebuilt"):
                for role in each.verifiers:
                    asked.setdefault(role, []).append(f"to verify {each.check} in rule {number}")
        for protection in rule.protect:
            for role in protection.roles:
                asked.setdefault(role, []).append(f"to approve in rule {number}")
        for role in rule.break_glass.roles if rule.break_glass is not None else ():
            asked.setdefault(role, []).append(f"to break the glass in rule {number}")
    for role, places in asked.items():
        if not roles_behind(policy, (role,)) & held:
            text = f"no key has the role {role}, which may act {any_of(dict.fromkeys(places))}"
            yield Warned("role", text, f"lfci policy edit key add NAME --public LINE --role {role}")
    used = {*asked, "maintainer", *(link.granter for link in policy.delegations)}
    for scope in policy.roles:
        if scope.role not in used | held | {link.to for link in policy.delegations}:
            text = f"the role {scope.role} is limited, and nobody has it and nothing asks for it"
            yield Warned("role", text, f"lfci policy edit role remove {scope.role}")


def _delegations(policy: Policy, now: datetime) -> Iterator[Warned]:
    held = {role for key in policy.keys for role in key.roles}
    for number, link in enumerate(policy.delegations, 1):
        about = f"delegation {number}, of {link.granter} to {link.to},"
        remove = f"lfci policy edit delegation remove {number}"
        if now >= link.until:
            yield Warned("delegation", f"{about} ended on {moment(link.until)}", remove)
        elif link.until - now <= SOON:
            text = f"{about} ends on {moment(link.until)}{_in(link.until - now)}"
            yield Warned("delegation", text, f"lfci policy edit delegation set {number} --until TIME")
        if not roles_behind(policy, (link.to,)) & held:
            yield Warned("delegation", f"{about} helps nobody: no key has the role {link.to}", remove)


# -- rules ---------------------------------------------------------------------------------------------


def _rule(
    policy: Policy, at: int, config: ProjectConfig | None, files: Collection[bytes] | None
) -> Iterator[Warned]:
    rule, number = policy.rules[at], at + 1
    before = [pattern for each in policy.rules[:at] for pattern in each.refs]
    hidden = [each for each in rule.refs if any(covers(wide, each) for wide in before)]
    if len(hidden) == len(rule.refs):
        text = f"rule {number} never applies: earlier rules cover {refs_text(rule.refs)}"
        yield Warned("rule", text, f"lfci policy edit rule remove {number}")
    elif hidden:
        text = f"rule {number} never applies to {refs_text(hidden)}: earlier rules cover that"
        yield Warned("rule", text, f"lfci policy edit rule refs {number} --remove {hidden[0]}")
    for each in rule.require:
        if config is not None and config.check(each.check) is None:
            text = f"rule {number} requires the check {each.check}, which .lfci/config.toml does not declare"
            yield Warned("check", text, "declare it in .lfci/config.toml (lfci help checks)")
    for protection in rule.protect if files is not None else ():
        idle = _idle(protection.paths, files or ())
        if idle:
            what = paths_text(idle, both=True)
            match = "matches" if len(idle) == 1 else "match"
            text = f"rule {number} protects {what}, which {match} no file of the tree"
            yield Warned("path", text, "look for a mistyped path; one for files to come is in order")


def _idle(paths: tuple[str, ...], files: Collection[bytes]) -> list[str]:
    """Patterns that match none of the files, each by itself."""
    found = []
    for each in paths:
        if not each.startswith("!"):
            alone = PatternSet((each,))
            if not any(alone.matches(path) for path in files):
                found.append(each)
    return found


# -- people --------------------------------------------------------------------------------------------


def _people(policy: Policy, now: datetime) -> Iterator[Warned]:
    """Where the loss of one person's keys stops everything: as many can act as are needed."""
    tasks: dict[tuple[str, ...], list[tuple[str, str]]] = {}

    def needed(found: Holders, threshold: int, what: str, role: str) -> None:
        if found.now and found.most <= threshold:
            tasks.setdefault(found.now, []).append((what, role))

    policy_by = {
        found.now: each.roles[0]
        for rule in policy.rules
        for each in policy_protections(rule)
        if (found := _plain(policy, rule, each.roles, now)).now and len(found.now) <= each.threshold
    }
    for who, role in policy_by.items():
        text = f"{_all(who)} can approve a change of {PATH}; without them only the operator can"
        yield Warned("person", text, _another(role))
    for number, rule in enumerate(policy.rules, 1):
        for each in rule.require:
            found = holders(policy, each.roles, rule.refs, now)
            needed(found, each.threshold, f"attest {each.check} in rule {number}", each.roles[0])
        for protection in protections(rule):
            found = holders(policy, protection.roles, rule.refs, now, protection.paths)
            if found.now not in policy_by:
                what = f"approve changes of {paths_text(protection.paths)} in rule {number}"
                needed(found, protection.threshold, what, protection.roles[0])
    for who, found_tasks in tasks.items():
        text = f"{_all(who)} can {all_of(what for what, _ in found_tasks)}"
        yield Warned("person", text, _another(found_tasks[0][1]))


def _plain(policy: Policy, rule: Rule, roles: tuple[str, ...], now: datetime) -> Holders:
    """Who may approve the policy's own file: by roles that are neither limited nor delegated."""
    found = holders(policy, [role for role in roles if scope_of(policy, role) is None], rule.refs, now)
    return Holders(found.now, (), ())


def _all(who: tuple[str, ...]) -> str:
    return f"only {who[0]}" if len(who) == 1 else f"only {names(who)} together"


def _another(role: str) -> str:
    return f"lfci policy edit key add NAME --public LINE --role {role}"
