"""Rule 16 from the facts: does a bypass count, and what does it waive?"""

from __future__ import annotations

from tests.properties.evidence_oracle import Moment
from tests.properties.expected import APPROVALS, BASE, CHECKS, Expected
from tests.properties.model import EMPTY, POLICY, SKEW, Bypass, Commit, Statement

WAIVED = {
    "checks": (
        CHECKS,
        {f"LFCI{number}" for number in range(101, 120)} | {"LFCI404", "LFCI405", "LFCI406", "LFCI414"},
    ),
    "approvals": (APPROVALS, {"LFCI206", "LFCI215"}),
    "tests": (BASE, {"LFCI213", "LFCI221"}),
    "dependencies": (BASE, {"LFCI214"}),
}


def apply_bypasses(answer: Expected, moment: Moment, name: str, ref: str, new: Commit) -> None:
    """Takes everything back that was refused, or nothing. Arguments: ``name`` is the ref as the push names
    it."""
    offered: dict[Statement, set[str]] = {}
    unsigned = False
    for item in moment.pool():
        said = item.statement
        if isinstance(said, Bypass) and said.commit is new:
            if moment.keys(item.good):
                offered.setdefault(said, set()).update(item.good)
            else:
                unsigned = True
    if not answer.blames or not (offered or unsigned):
        return
    old = moment.base if ref in moment.forge.refs else None
    spent = False
    for said, holders in offered.items():
        if not isinstance(said, Bypass) or not _counts(moment, said, holders, old, ref):
            continue
        if said in moment.forge.spent:
            spent = True
        elif _covers(answer, moment, said, new):
            answer.blames.clear()
            answer.spent.add(said)
            return
    answer.blame(name, "LFCI219" if spent else "LFCI218")


def _counts(moment: Moment, said: Bypass, holders: set[str], old: Commit | None, ref: str) -> bool:
    glass = moment.rule.glass
    if glass is None:
        return False
    signers = {
        key.who
        for key in moment.keys(holders)
        if set(glass.roles) & moment.roles(key, moment.paths(said.commit)) and moment.counts(key, said.issued)
    }
    return (
        len(signers) >= max(2, glass.threshold)
        and (said.repository, said.ref, said.old) == (moment.policy.repository, ref, old)
        and set(said.waives) <= set(glass.waives)
        and said.issued <= moment.now + SKEW
        and moment.now < said.not_after
        and said.not_after - said.issued <= glass.longest
    )


def _covers(answer: Expected, moment: Moment, said: Bypass, new: Commit) -> bool:
    """Whether all faults are the bypass's to waive."""
    waived = {word: WAIVED[word] for word in said.waives}
    before = EMPTY if moment.base is None else moment.base.tree
    if before.get(POLICY) != new.tree.get(POLICY):
        waived.pop("approvals", None)  # who may land what is always approved
    for blame in answer.blames:
        if not any(blame.stage == stage and blame.codes <= codes for stage, codes in waived.values()):
            return False
    checks = any(blame.stage == CHECKS for blame in answer.blames)
    return not checks or moment.rule.removed == "allow" or "tests" in said.waives
