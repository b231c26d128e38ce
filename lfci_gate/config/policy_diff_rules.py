"""What gets stricter, looser or just different in the rules (see :mod:`lfci_gate.config.policy_diff`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lfci_gate.config.policy import rule_for
from lfci_gate.config.policy_diff import CHANGED, LOOSER, STRICTER, Difference, turned
from lfci_gate.config.policy_diff_parts import (
    glass_differences,
    protection_differences,
    requirement_differences,
)
from lfci_gate.config.policy_words import period, refs_text
from lfci_gate.config.ref_overlap import covers, may_overlap
from lfci_gate.model import Policy, Rule

__all__ = ["rule_differences"]

_HIDDEN = "never applies: rules before it cover its refs"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def rule_differences(old: Policy, new: Policy, head: str | None) -> Iterator[Difference]:
    """Differences of rules, which are paired by their refs."""
    if head is not None and rule_for(old, head) is None and rule_for(new, head) is not None:
        yield Difference(
            LOOSER, "policy", f"{head}, the branch of HEAD, gets a rule: without one nothing landed"
        )
    pairs, gone, fresh = _paired(old.rules, new.rules)
    for at in gone:
        rule = old.rules[at]
        never = _is_hidden(old.rules, at)
        text = (
            "removed; it never applied"
            if never
            else f"removed: {refs_text(rule.refs)} lose what it asked for"
        )
        yield Difference(CHANGED if never else LOOSER, _about(at, rule), text)
    for at in fresh:
        yield _of_new(old, new, at, head)
    for one, other in pairs:
        yield from _of_rule(old, new, one, other)
    yield from _of_order(old, new, pairs)


def _about(at: int, rule: Rule) -> str:
    return f"rule {at + 1} ({refs_text(rule.refs)})"


# -- which rule is which ---------------------------------------------------------------------------


def _paired(old: Sequence[Rule], new: Sequence[Rule]) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Positions of rules that are the same one, those of old ones left, those of new ones left."""
    pairs: list[tuple[int, int]] = []
    left, fresh = list(range(len(old))), list(range(len(new)))
    for same in (lambda one, other: one == other, lambda one, other: set(one.refs) == set(other.refs)):
        for one in tuple(left):
            other = next((at for at in fresh if same(old[one], new[at])), None)
            if other is not None:
                pairs.append((one, other))
                left.remove(one)
                fresh.remove(other)
    for one in tuple(left):
        shared = {at: len(set(old[one].refs) & set(new[at].refs)) for at in fresh}
        other = max(shared, key=lambda at: shared[at], default=None)
        if other is not None and shared[other]:
            pairs.append((one, other))
            left.remove(one)
            fresh.remove(other)
    return sorted(pairs, key=lambda pair: pair[1]), left, fresh


def _is_hidden(rules: Sequence[Rule], at: int) -> bool:
    """Whether rules before this one cover all that it covers, as far as that can be told."""
    before = [pattern for rule in rules[:at] for pattern in rule.refs]
    return all(any(covers(wide, each) for wide in before) for each in rules[at].refs)


def _of_new(old: Policy, new: Policy, at: int, head: str | None) -> Difference:
    rule = new.rules[at]
    if head is not None and rule_for(old, head) is None and rule_for(new, head) is rule:
        return Difference(CHANGED, _about(at, rule), "added")
    if _is_hidden(new.rules, at):
        return Difference(
            CHANGED, _about(at, rule), "added, and never applies: rules before it cover its refs"
        )
    for each in old.rules:
        if may_overlap(rule.refs, each.refs):
            text = f"added: some of its refs had a rule before ({refs_text(each.refs)})"
            return Difference(CHANGED, _about(at, rule), text)
    if any(_was_refused(old, pattern) for pattern in rule.refs):
        return Difference(CHANGED, _about(at, rule), "added: some of its names were refused before (LFCI211)")
    return Difference(STRICTER, _about(at, rule), f"added: {refs_text(rule.refs)} had no rule before")


def _was_refused(old: Policy, pattern: str) -> bool:
    """Whether a name that matches could have been refused beside the rules there were (rule 1): a name that
    looks like a protected one, stands above or below it, or is a tag called like it. In doubt it could."""
    known = [each for rule in old.rules for each in rule.refs]
    if not all(each.isascii() for each in (pattern, *known)):
        return True
    folded = [each.lower() for each in known]
    beside = [*folded, *(f"{each}/**" for each in folded if not each.endswith("/**"))]
    mine = [pattern.lower(), *([] if pattern.endswith("/**") else [f"{pattern.lower()}/**"])]
    if pattern.startswith(_TAGS):
        mine.append(_HEADS + mine[0].removeprefix(_TAGS))
        if may_overlap(mine[:1], [f"{_TAGS}origin/**", f"{_TAGS}upstream/**"]):
            return True
    return may_overlap(mine, beside)


def _of_order(old: Policy, new: Policy, pairs: list[tuple[int, int]]) -> Iterator[Difference]:
    for index, (one, other) in enumerate(pairs):
        for earlier, at in pairs[:index]:
            if earlier > one and may_overlap(old.rules[one].refs, old.rules[earlier].refs):
                text = f"now comes behind {_about(at, new.rules[at])}; the first that covers a ref counts"
                yield Difference(CHANGED, _about(other, new.rules[other]), text)


# -- one rule --------------------------------------------------------------------------------------


def _of_rule(before: Policy, after: Policy, one: int, other: int) -> Iterator[Difference]:
    old, new = before.rules[one], after.rules[other]
    if old == new:
        return
    about = _about(other, new)
    found = [
        *_of_refs(before, old, new, about),
        *(
            Difference(kind, about, text)
            for kind, text in (
                *_of_fields(old, new),
                *requirement_differences(old, new),
                *protection_differences(old, new),
                *glass_differences(old.break_glass, new.break_glass),
            )
        ),
    ]
    if found and _is_hidden(before.rules, one) and _is_hidden(after.rules, other):
        found = [Difference(CHANGED, about, f"changed, and {_HIDDEN}")]
    yield from found


def _of_refs(before: Policy, old: Rule, new: Rule, about: str) -> Iterator[Difference]:
    known = [each for rule in before.rules for each in rule.refs]
    for pattern in new.refs:
        if pattern in old.refs:
            continue
        text = f"also for {refs_text((pattern,))}"
        if may_overlap([pattern], known):
            yield Difference(CHANGED, about, f"{text}, which in part had a rule before")
        elif _was_refused(before, pattern):
            yield Difference(CHANGED, about, f"{text}; some such names were refused before (LFCI211)")
        else:
            yield Difference(STRICTER, about, f"{text}, which had no rule before")
    for pattern in old.refs:
        if pattern not in new.refs:
            kept = any(covers(wide, pattern) for wide in new.refs)
            text = f"no longer for {refs_text((pattern,))}"
            yield Difference(CHANGED if kept else LOOSER, about, text + (" by that name" if kept else ""))


def _of_fields(old: Rule, new: Rule) -> Iterator[tuple[str, str]]:
    if old.scope != new.scope:
        is_each = new.scope == "each"
        yield turned(is_each, "every new commit needs evidence", "only the last new commit needs evidence")
    if old.max_age_s != new.max_age_s:
        yield _of_age(old.max_age_s, new.max_age_s)
    for name, what in (("base", "for work that began at the old tip"), ("ref", "for exactly this ref")):
        if name in new.bind and name not in old.bind:
            # What is bound to something else neither passes nor vetoes (rules 9 and 12).
            yield CHANGED, f"evidence has to be {what}; a FAILED that is not does not count either"
        elif name in old.bind and name not in new.bind:
            yield LOOSER, f"evidence need not be {what}"
    if old.update != new.update:
        yield turned(new.update == "fast-forward", "only fast-forwards", "may be rewound")
    if old.gitlinks != new.gitlinks:
        yield turned(old.gitlinks, "submodules are not allowed", "submodules are allowed")
    if old.pusher != new.pusher:
        only = "only somebody whose evidence counts may push"
        yield turned(new.pusher == "attester", only, "whoever pushes need not be one whose evidence counts")
    if old.nix_minimum != new.nix_minimum:
        yield _of_nix(old.nix_minimum, new.nix_minimum)
    yield from _of_level("tests that vanish", old.tests_removed, new.tests_removed)
    hashes = "lockfile entries without a content hash"
    yield from _of_level(hashes, old.dependencies_unpinned, new.dependencies_unpinned)


_LEVELS = {"allow": (0, "allowed"), "approval": (1, "need an approval"), "refuse": (2, "refused")}


def _of_level(what: str, old: str, new: str) -> Iterator[tuple[str, str]]:
    if old != new:
        kind = STRICTER if _LEVELS[new] > _LEVELS[old] else LOOSER
        yield kind, f"{what}: {_LEVELS[new][1]}, before {_LEVELS[old][1]}"


def _of_age(old: int | None, new: int | None) -> tuple[str, str]:
    if new is None:
        return LOOSER, f"evidence and approvals do not grow old, before {_age(old)}"
    kind = STRICTER if old is None or new < old else LOOSER
    return kind, f"evidence and approvals count for {_age(new)}, before {_age(old)}"


def _age(seconds: int | None) -> str:
    return "ever" if seconds is None else period(seconds)


def _of_nix(old: str | None, new: str | None) -> tuple[str, str]:
    if new is None:
        return LOOSER, f"any version of Nix, before {old} or newer"
    known = "any version" if old is None else f"{old} or newer"
    kind = STRICTER if old is None or _version(new) > _version(old) else LOOSER
    kind = CHANGED if old is not None and _version(new) == _version(old) else kind
    return kind, f"Nix {new} or newer, before {known}"


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
