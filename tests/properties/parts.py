"""Rule 13: what a rule protects, and what of it changed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.properties.model import GITLINK, LINK, POLICY, Guard, Rule, Tree
from tests.properties.patterns import leads_to, matches


@dataclass(frozen=True)
class Part:
    """What a protection keeps, before and after."""

    guard: Guard
    origin: Tree
    to: Tree

    @property
    def paths(self) -> frozenset[bytes]:
        return self.origin.differing(self.to)


def guards_of(rule: Rule) -> tuple[Guard, ...]:
    """The rule's protections, and that of the policy's own file where none of them covers it."""
    name = POLICY.decode()
    if any(matches(guard.paths, name) for guard in rule.guards):
        return rule.guards
    return (*rule.guards, Guard((name,)))


def part_of(tree: Tree, guard: Guard) -> Tree:
    def wanted(path: bytes, mode: int) -> bool:
        name = path.decode()
        return matches(guard.paths, name) or (mode in (LINK, GITLINK) and leads_to(guard.paths, name))

    return tree.kept(wanted)


def changed_parts(rule: Rule, old: Tree, new: Tree) -> list[Part]:
    """Protected parts that are not the same on both sides."""
    parts = [Part(guard, part_of(old, guard), part_of(new, guard)) for guard in guards_of(rule)]
    return [part for part in parts if part.origin != part.to]
