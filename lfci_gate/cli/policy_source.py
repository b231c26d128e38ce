"""Which policy a verb speaks of, and where it was found: never a claim about another one."""

from __future__ import annotations

from pathlib import Path

from lfci_gate import files
from lfci_gate.cli.context import Context
from lfci_gate.clone.target import Target, find_target, landed_policy
from lfci_gate.config.policy import PATH, parse_policy
from lfci_gate.errors import UsageError
from lfci_gate.gate.facts import Limits
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Policy, PolicyKey
from lfci_gate.value import Value

__all__ = ["PolicyFound", "find_policy", "key_state"]


class PolicyFound(Value):
    policy: Policy
    where: str
    """For people: ``origin/main``, ``main``, ``HEAD`` or ``the working copy``."""
    landed: bool
    """It is what the target has landed, as this clone last fetched it."""


def find_policy(context: Context, objects: BatchReader, *, remote: str | None = None) -> PolicyFound | None:
    """The policy landed at the target, else HEAD's, else the working copy's; None without any.

    Raises UsageError LFCI202 when the first of them that is there is malformed.
    """
    target = _target(context, remote)
    if target is not None:
        landed = landed_policy(objects, target, None)
        if landed is not None:
            where = target.tracking(target.head).removeprefix("refs/heads/").removeprefix("refs/remotes/")
            return PolicyFound(landed, where, target.remote is not None)
    tree = objects.resolve("HEAD^{tree}")
    if target is not None and tree is not None:
        committed = landed_policy(objects, target, tree)
        if committed is not None:
            return PolicyFound(committed, "HEAD", landed=False)
    if context.git.is_bare:
        return None
    path = context.git.toplevel / Path(PATH)
    if not path.parent.is_dir():
        return None
    data = files.read_file(path, Limits().policy_bytes)
    return None if data is None else PolicyFound(parse_policy(data), "the working copy", landed=False)


def key_state(key: PolicyKey, context: Context) -> str:
    """``valid``, ``revoked``, ``expired`` or ``not yet valid``, by this machine's clock."""
    now = context.now()
    if key.revoked is not None and key.revoked <= now:
        return "revoked"
    if key.valid_until is not None and key.valid_until <= now:
        return "expired"
    if key.valid_from is not None and now < key.valid_from:
        return "not yet valid"
    return "valid"


def _target(context: Context, remote: str | None) -> Target | None:
    try:
        return find_target(context.git, remote=remote)
    except UsageError as error:
        if error.code != "LFCI514":
            raise
        return None  # a detached HEAD without a remote goes nowhere
