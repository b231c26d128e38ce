"""What a policy means, in plain English: for each rule, what a push needs, in the gate's order. Pure.

A sentence says what the gate does and nothing more: that somebody signed is not that it ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lfci_gate.config.holders import Holders, holders
from lfci_gate.config.policy import PATH, protections
from lfci_gate.config.policy_words import (
    all_of,
    identities,
    key_trouble,
    moment,
    names,
    paths_text,
    period,
    refs_text,
    with_role,
)
from lfci_gate.model import Assurance, Engine, Policy, Protection, Requirement, Rule
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value

__all__ = [
    "Need",
    "delegation_lines",
    "first_landing",
    "key_rows",
    "needs",
    "policy_protections",
    "rule_title",
    "scope_lines",
    "uncovered",
    "who",
]


class Need(Value):
    """One thing that a rule asks for, or does not."""

    at: int
    """The rule of the gate that looks at it (docs/rules.md)."""
    label: str
    text: tuple[str, ...]
    """Sentences, one an entry."""


def rule_title(number: int, rule: Rule) -> str:
    """Arguments: ``number`` counts from 1."""
    return f"Rule {number}: {refs_text(rule.refs)}"


def needs(policy: Policy, rule: Rule, now: datetime) -> tuple[Need, ...]:
    """What a push to a ref of this rule needs, in the order in which the gate looks at it."""
    return (
        _moves(rule),
        *_judged(rule),
        _submodules(rule),
        *_checks(policy, rule, now),
        _pusher(rule),
        *(_approval(policy, rule, each, now) for each in protections(rule)),
        _tests(rule),
        _dependencies(rule),
        _emergency(policy, rule, now),
    )


# -- 3 to 5: the update itself ---------------------------------------------------------------------


def _moves(rule: Rule) -> Need:
    if rule.update == "any":
        text = "Anywhere, also backwards: a push may take away what has landed. Nobody can delete it."
    else:
        text = "Only forwards (fast-forward). Nobody can delete or rewind it."
    return Need(3, "Moves", (text,))


def _judged(rule: Rule) -> Iterator[Need]:
    if rule.scope == "each" and rule.require:
        yield Need(4, "Judged", ("Every new commit on the first-parent line needs the evidence below.",))
    elif rule.require:
        text = "The last commit of a push needs the evidence below; the commits before it need none."
        yield Need(4, "Judged", (text,))


def _submodules(rule: Rule) -> Need:
    text = "Allowed: no check sees what is in them." if rule.gitlinks else "Not allowed."
    return Need(5, "Submodules", (text,))


# -- 6 to 12: checks -----------------------------------------------------------------------------


def _checks(policy: Policy, rule: Rule, now: datetime) -> Iterator[Need]:
    if not rule.require:
        yield Need(6, "Checks", ("NONE: nothing has to be tested.",))
    for each in rule.require:
        yield Need(6, f"Check {each.check}", tuple(_requirement(policy, rule, each, now)))


def _requirement(policy: Policy, rule: Rule, each: Requirement, now: datetime) -> Iterator[str]:
    by = holders(policy, each.roles, rule.refs, now)
    signed = f"{identities(each.threshold)} {with_role(each.roles)}"
    yield f"Must have passed, and {signed} must have signed that ({who(by)})."
    hermetic = "Run without network" if each.hermetic else "Run with or without network"
    report = "with a test report" if each.report_required else "with or without a test report"
    engines = "" if len(each.engines) == len(Engine) else f", by the engine {each.engines[0].value} only"
    nix = "" if rule.nix_minimum is None else f", with Nix {rule.nix_minimum} or newer"
    yield f"{hermetic}, {report}{engines}{nix}."
    if each.max_attempts == 1:
        yield "At the first attempt: it never failed before, as far as the signer says and evidence shows."
    elif each.max_attempts is not None:
        yield f"At attempt {each.max_attempts} at the latest, as far as the signer says and evidence shows."
    if each.quarantine:
        yield "Failures of tests are borne that config.toml of the base, not of the change, quarantines."
    if rule.max_age_s is None:
        yield "However long ago it was signed."
    else:
        yield f"Signed at most {period(rule.max_age_s)} before the push; the same holds for approvals."
    if rule.bind:
        bound = {"base": "work that began at the old tip", "ref": "exactly this branch or tag"}
        yield f"Signed for {all_of(bound[name] for name in rule.bind)}."
    yield _assurance(policy, rule, each, now)


def _assurance(policy: Policy, rule: Rule, each: Requirement, now: datetime) -> str:
    level = f"Assurance {each.assurance.value}: "
    if each.assurance is Assurance.CLAIMED:
        return level + "the signer is believed; nobody else has to get the same result."
    if each.assurance is Assurance.CORROBORATED:
        return level + "they must have got the same result from the same derivation."
    by = who(holders(policy, each.verifiers, rule.refs, now))
    did = {
        Assurance.DERIVED: "get the same derivation from the same tree",
        Assurance.REBUILT: "build it again and get the same result",
    }[each.assurance]
    return level + f"somebody else {with_role(each.verifiers)} must {did} ({by})."


def _pusher(rule: Rule) -> Need:
    if rule.pusher == "attester":
        text = "Only somebody whose evidence counts, by the name that the server gives the pusher."
    else:
        text = "Anybody whom the server lets push."
    return Need(12, "Pusher", (text,))


# -- 13 and 14: approvals, tests, dependencies ------------------------------------------------------


def _approval(policy: Policy, rule: Rule, each: Protection, now: datetime) -> Need:
    by = who(holders(policy, each.roles, rule.refs, now, each.paths))
    what = f"A change of {paths_text(each.paths)} needs the approval of"
    text = [f"{what} {identities(each.threshold)} {with_role(each.roles)} ({by})."]
    if rule.require:
        text.append("Whose signature the checks need does not approve too.")
    if each not in rule.protect:
        text.append("(So it is always, where the policy says nothing about its own file.)")
    return Need(13, "Approval", tuple(text))


def _tests(rule: Rule) -> Need:
    if rule.tests_removed == "allow":
        return Need(14, "Tests", ("May vanish or be skipped; nothing is compared with before.",))
    gone = "A test that passed before and is gone, skipped or run less often"
    if rule.tests_removed == "refuse":
        return Need(14, "Tests", (f"{gone} is refused.",))
    roles = sorted({role for each in protections(rule) for role in each.roles})
    whole = f"needs the approval of the whole change by {identities(1)} {with_role(roles)}"
    return Need(14, "Tests", (f"{gone} {whole}.",))


def _dependencies(rule: Rule) -> Need:
    if rule.dependencies_unpinned == "refuse":
        text = "An entry without a content hash is refused, and so is a lockfile that cannot be read."
    else:
        text = "Entries without a content hash are allowed."
    return Need(14, "Lockfiles", (text,))


# -- 16: break-glass ----------------------------------------------------------------------------------

_WAIVED = {
    "checks": "passed checks",
    "approvals": "approvals",
    "tests": "what holds for tests",
    "dependencies": "what holds for lockfiles",
}


def _emergency(policy: Policy, rule: Rule, now: datetime) -> Need:
    glass = rule.break_glass
    if glass is None:
        return Need(16, "Emergency", ("Nobody can bypass any of this (no break-glass).",))
    by = who(holders(policy, glass.roles, rule.refs, now))
    who_may = f"{identities(glass.threshold)} {with_role(glass.roles)} together ({by})."
    waived = "without " + all_of(said for name, said in _WAIVED.items() if name in glass.waives)
    what = f"They can let one exact change land {waived}."
    life = f"What they sign is good for one push and at most {period(glass.longest_s)}; everybody sees it."
    kept = f"Never a change of {PATH} without its approvals." if "approvals" in glass.waives else ""
    return Need(16, "Emergency", tuple(each for each in (who_may, what, life, kept) if each))


# -- for the whole policy -----------------------------------------------------------------------------


def who(found: Holders) -> str:
    """``now: alice, bob; within limits: carol, docs-lead, delegated until 2027-01-01; not: ...``."""
    parts = [f"now: {names(found.now)}"] if found.now else []
    if found.limited:
        said = names([f"{each.name} by {each.why}" for each in found.limited])
        parts.append(f"within limits: {said}")
    if not parts:
        parts.append("now: NOBODY")
    if found.not_now:
        parts.append(f"not: {names([f'{each.key}, {each.why}' for each in found.not_now])}")
    return "; ".join(parts)


def key_rows(policy: Policy, now: datetime) -> tuple[tuple[str, str, str, str], ...]:
    """Key, identity, roles and whether it counts; keys of one identity together. The identity is left out
    where it is the key's name."""
    rows = []
    for key in sorted(policy.keys, key=lambda each: (each.identity, each.name)):
        trouble = key_trouble(key, now)
        until = "" if key.valid_until is None else f" until {moment(key.valid_until)}"
        state = f"DOES NOT COUNT: {trouble}" if trouble else f"counts{until}"
        if key.revoked is not None and not trouble:
            state = f"counts until {moment(key.revoked)}, when it is revoked"
        pushes = f"; pushes as {all_of(key.pushers)}" if key.pushers else ""
        holder = "" if key.identity == key.name else f"is {key.identity}"
        rows.append((key.name, holder, ", ".join(key.roles), state + pushes))
    return tuple(rows)


def scope_lines(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Each limited role with what it counts for."""
    return tuple(
        (each.role, f"counts only {_where(each.refs, each.paths)}")
        for each in policy.roles
        if each.refs or each.paths
    )


def delegation_lines(policy: Policy, now: datetime) -> tuple[str, ...]:
    """Each delegation, in the order of the file."""
    found = []
    for each in policy.delegations:
        held = sorted({key.identity for key in policy.keys if each.to in key.roles})
        by = f"{each.to} ({names(held) if held else 'nobody'})"
        when = f"ENDED on {moment(each.until)}" if now >= each.until else f"until {moment(each.until)}"
        found.append(f"{by} also counts as {each.granter} {_where(each.refs, each.paths)}; {when}")
    return tuple(found)


def _where(refs: tuple[str, ...], paths: tuple[str, ...]) -> str:
    on = f"on {refs_text(refs)}" if refs else ""
    of = f"for changes of nothing but {paths_text(paths, both=True)}" if paths else ""
    return ", ".join(each for each in (on, of) if each)


def uncovered(policy: Policy) -> str:
    """What no rule is about."""
    patterns = [pattern for rule in policy.rules for pattern in rule.refs]
    left = [
        f"{'other ' if any(each.startswith(prefix) for each in patterns) else ''}{word}"
        for prefix, word in (("refs/heads/", "branches"), ("refs/tags/", "tags"))
        if f"{prefix}**" not in patterns
    ]
    if not left:
        return "Every branch and tag has a rule."
    return (
        f"All {all_of(left)} are not judged: whoever the server lets push may do anything there."
        " Names that could be mistaken for those above are refused."
    )


def first_landing(policy: Policy) -> str:
    """What the first landing of an empty forge needs."""
    if policy.bootstrap == "approval":
        return "The first landing on an empty server needs all approvals, as every later one."
    return "The first landing on an empty server needs no approvals; from then on everything above holds."


def policy_protections(rule: Rule) -> tuple[Protection, ...]:
    """The protections of a rule that cover the policy's own file; never none."""
    return tuple(each for each in protections(rule) if PatternSet(each.paths).matches(PATH.encode()))
