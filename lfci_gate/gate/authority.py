"""Rule 2: which policy judges a push. Pure.

The policy is always read from the landed side: the operator's file when `lfci.policy` names one,
else `.lfci/policy.toml` at the tip of the branch that HEAD names, else (for a forge on which no
policy has landed yet) the policy that `lfci forge init` was given. Never from the pushed commits,
and not from the old tip of just any ref: whoever may push to an unprotected branch could plant a
policy there (docs/decisions/0003-policy-authority.md).
"""

from __future__ import annotations

from lfci_gate.config.policy import parse_policy, rule_for, unsatisfiable
from lfci_gate.errors import LfciError, Refusal, Undecided, UsageError
from lfci_gate.gate.facts import POLICY_PATH, Limits, Push, View
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, Policy
from lfci_gate.value import Value


class Authority(Value):
    policy: Policy
    data: bytes
    source: str
    """``server``, ``head`` or ``bootstrap``."""


def rule_02_policy(view: View, limits: Limits) -> Authority:
    """The policy that judges. Raises Refusal LFCI201 when there is none, LFCI203 when it is older
    than one seen before, Undecided LFCI202 when it cannot be read, LFCI516 when HEAD names no branch:
    without it every policy that landed would be out of sight, and every push a first landing."""
    if view.head is None:
        raise Undecided(
            "LFCI516",
            "the HEAD of the forge names no branch, so no policy is in force",
            hint="on the server: git symbolic-ref HEAD refs/heads/BRANCH",
        )
    data, source = _bytes(view, limits)
    try:
        policy = parse_policy(data)
    except UsageError as error:
        raise Undecided(
            error.code,
            f"the landed policy is malformed: {error.message}",
            facts=error.facts,
            hint="ask the operator to restore the policy",
        ) from error
    floor = view.policy_floor
    if floor is not None and floor.repository != policy.repository:
        raise Refusal(
            "LFCI205",
            "the landed policy names another repository than before",
            facts=(f"seen: {floor.repository}", f"found: {policy.repository}"),
        )
    if floor is not None and policy.version < floor.version:
        raise Refusal(
            "LFCI203",
            "the landed policy is older than one seen before",
            facts=(f"highest version seen: {floor.version}", f"found: {policy.version}"),
        )
    return Authority(policy, data, source)


def refuse_bad_proposal(
    authority: Authority,
    old: bytes | None,
    new: bytes | None,
    head: str | None,
    push: Push,
    *,
    first_landing: bool,
) -> tuple[str, ...]:
    """The form a changed `.lfci/policy.toml` must have; that it was approved is rule 13's part. Returns
    remarks: what of it will soon lock everybody out.

    Arguments: ``head`` is the branch of HEAD, when that is what the push moves. Raises Refusal LFCI201
    (removed), LFCI202 (malformed, or nobody can meet it now), LFCI204 (version does not grow), LFCI205
    (names another repository), LFCI206 (a first landing that brings a policy of its own), LFCI216
    (leaves the branch of HEAD without a rule).
    """
    if old == new or (new == authority.data and authority.source != "server"):
        return ()  # untouched (also: none yet, and none brought), or taken over from where it has landed
    if authority.source == "bootstrap" and first_landing:
        raise Refusal(
            "LFCI206",
            "the first landing must bring the policy that the forge was given",
            hint="copy the operator's policy to .lfci/policy.toml unchanged",
        )
    if new is None:
        raise Refusal("LFCI201", "the policy cannot be removed")
    try:
        proposed = parse_policy(new)
    except LfciError as error:
        raise Refusal("LFCI202", error.message, facts=error.facts, hint=error.hint) from error
    if proposed.repository != authority.policy.repository:
        raise Refusal("LFCI205", "the repository id of the policy never changes")
    landed = _landed_version(authority, old)
    if proposed.version <= landed:
        raise Refusal(
            "LFCI204",
            "the version of the policy must grow with every change",
            facts=(f"landed: {landed}", f"pushed: {proposed.version}"),
        )
    problems = unsatisfiable(proposed, now=push.now, head=head)
    if push.at_forge and push.pusher is None and any(each.pusher == "attester" for each in proposed.rules):
        problems += ("pusher is attester, and this forge does not say who pushes (lfci.pusherVariable)",)
    if problems:
        raise Refusal("LFCI202", "nobody could meet the proposed policy", facts=problems[:3])
    if head is not None and rule_for(proposed, head) is None:
        raise Refusal("LFCI216", f"the proposed policy has no rule for {head}")
    from lfci_gate.config.satisfiable import soon  # asked of few pushes

    return soon(proposed, push.now, head=head)


def _landed_version(authority: Authority, old: bytes | None) -> int:
    """With a server-side policy the file in the tree judges nothing, and only its own line of
    versions has to grow."""
    if authority.source != "server":
        return authority.policy.version
    try:
        return parse_policy(old).version if old is not None else 0
    except LfciError:
        return 0  # a malformed file that judges nothing may be mended by any version


def policy_file(view: View, tree: ObjectId, limits: Limits) -> bytes | None:
    """`.lfci/policy.toml` of a tree; None when it has none."""
    return read_file(view.objects, tree, POLICY_PATH, limits.policy_bytes)


def _bytes(view: View, limits: Limits) -> tuple[bytes, str]:
    if view.server_policy is not None:
        return view.server_policy, "server"
    tip = view.ref(view.head) if view.head is not None else None
    if tip is not None:
        landed = policy_file(view, read_commit(view.objects, tip).tree, limits)
        if landed is not None:
            return landed, "head"
    if view.bootstrap_policy is not None:
        return view.bootstrap_policy, "bootstrap"
    raise Refusal(
        "LFCI201",
        "this forge has no policy, so nothing can be accepted",
        hint="ask the operator to run: lfci forge init REPO --policy FILE",
    )
