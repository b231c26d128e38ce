"""Rule 13: who is taken for an approver, and who for an attester, over all parts of a change together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterator

import pytest

from lfci_gate.gate import apart
from lfci_gate.gate.apart import Apart, Asked, Attested


def check(*groups: str, threshold: int = 1) -> Attested:
    """A check that these attest, one letter each; with several groups each alone is enough."""
    return Attested(tuple(map(frozenset, groups)), threshold)


def part(approvers: str, threshold: int = 1) -> Asked:
    return Asked(frozenset(approvers), threshold)


def is_right(chosen: Collection[str], parts: Collection[Asked], checks: Collection[Attested]) -> bool:
    """What rule 13 says: enough approve each part, and enough others attest each check."""
    some = set(chosen)
    approved = all(len(each.approvers & some) >= each.threshold for each in parts)
    return approved and all(
        any(len(group - some) >= each.threshold for group in each.groups) for each in checks
    )


def choices(people: str) -> Iterator[tuple[str, ...]]:
    return itertools.chain.from_iterable(
        itertools.combinations(people, size) for size in range(len(people) + 1)
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_choice_is_right_and_found_where_there_is_one(seed: int) -> None:
    """Of all choices of five people, for changes that are drawn."""
    draw = random.Random(seed)
    answers: set[bool] = set()

    def some(people: str) -> str:
        return "".join(who for who in people if draw.random() < 0.6)

    for _ in range(60):
        groups = [[some("abcde") for _ in range(draw.choice((1, 1, 2)))] for _ in range(draw.randint(1, 3))]
        checks = [check(*each, threshold=draw.randint(1, max(1, *map(len, each)))) for each in groups]
        checks = [each for each in checks if each.holds_without(frozenset())]
        attesters = {who for each in checks for group in each.groups for who in group}
        kept: list[Asked] = []
        judged = Apart(checks)
        for _ in range(draw.randint(1, 3)):
            asked = part(some("abcde"), draw.randint(1, 3))
            everybody = Asked(asked.approvers, len(asked.approvers))
            can_be = {
                each: any(is_right(chosen, [*kept, each], checks) for chosen in choices("abcde"))
                for each in (asked, everybody)
            }
            assert judged.torn(asked) == (frozenset() if can_be[everybody] else asked.approvers & attesters)
            found = judged.approve(asked)
            assert (found is not None) == can_be[asked], (checks, kept, asked)
            if found is not None:
                kept.append(asked)
                assert is_right(found, kept, checks), (checks, kept, found)
            answers.add(found is not None)
    assert answers == {True, False}


def test_who_attests_least_is_taken_first() -> None:
    judged = Apart([check("ax"), check("ay"), check("bz")])
    assert judged.approve(part("ab")) == {"b"}


@pytest.mark.parametrize(
    ("checks", "asked", "chosen", "steps"),
    [
        # One look at nobody, one at a.
        ([check("ax")], part("a"), "a", 2),
        # None of those who are alike can be spared: one of them is tried, and not the others.
        ([check("abcde", threshold=5), check("fx"), check("fy")], part("abcdef"), "f", 3),
        # c with b and c with a are not tried again from the other side: nobody, a, ab, ac, b, bc.
        (
            [check("ab"), check("ac"), *[check("bcx")] * 2],
            part("abc", 2),
            "bc",
            6,
        ),
    ],
)
def test_the_search_takes_no_step_twice_and_is_bounded(
    monkeypatch: pytest.MonkeyPatch, checks: list[Attested], asked: Asked, chosen: str, steps: int
) -> None:
    """What is not found within the bound is refused."""
    monkeypatch.setattr(apart, "_STEPS", steps)
    assert Apart(checks).approve(asked) == frozenset(chosen)
    monkeypatch.setattr(apart, "_STEPS", steps - 1)
    assert Apart(checks).approve(asked) is None
