"""Which rule of a policy covers a ref, and which names nobody may have beside those it covers. Pure."""

from __future__ import annotations

from collections.abc import Callable

from lfci_gate.config.policy import rule_for
from lfci_gate.errors import Refusal
from lfci_gate.gate.refnames import fold, refuse_look_alike, shadowed_by
from lfci_gate.model import Policy, Rule
from lfci_gate.patterns import PatternSet


def covering_rule(
    policy: Policy, ref: str, *, head: str | None, exists: Callable[[str], bool]
) -> Rule | None:
    """The rule for ``ref``, a full name that :func:`lfci_gate.gate.refnames.classify` takes; None when
    the ref is not protected.

    Arguments: ``head`` is the branch that HEAD names; ``exists`` says whether a branch has landed.
    Raises Refusal LFCI216 for the branch of HEAD without a rule, LFCI211 for a name that would be taken
    for a protected one, or would keep one from existing.
    """
    rule = rule_for(policy, ref)
    if rule is not None:
        return rule
    if ref == head:
        raise Refusal("LFCI216", f"the policy has no rule for {ref}, the branch of HEAD")
    protected = [PatternSet([fold(pattern) for pattern in each.refs]) for each in policy.rules]
    refuse_look_alike(ref, lambda folded: any(patterns.matches(folded.encode()) for patterns in protected))
    _refuse_ambiguous(policy, ref, head, exists)
    _refuse_in_the_way(policy, ref)
    return None


def _refuse_ambiguous(policy: Policy, ref: str, head: str | None, exists: Callable[[str], bool]) -> None:
    """A tag wins over a branch of the same short name wherever git resolves one (`git merge main`, `git
    archive main`), so nobody may put one beside a protected branch."""
    for branch in shadowed_by(ref):
        if (branch == head or exists(branch)) and rule_for(policy, branch) is not None:
            raise Refusal("LFCI211", f"the tag {ref} would be taken for the protected branch {branch}")


def _refuse_in_the_way(policy: Policy, ref: str) -> None:
    """A ref cannot exist above or below another one, so `refs/heads/main/x` would keep a protected
    `refs/heads/main` from ever landing, and `refs/heads/release` every `refs/heads/release/*`."""
    parts = ref.split("/")
    above = ("/".join(parts[:count]) for count in range(3, len(parts)))
    way = next((place for place in above if rule_for(policy, place) is not None), None)
    for pattern in (pattern for rule in policy.rules for pattern in rule.refs):
        if pattern.startswith(ref + "/"):
            way = pattern
    if way is not None:
        raise Refusal("LFCI211", f"{ref} would stand in the way of the protected {way}")
