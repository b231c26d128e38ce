"""Who pushes: the name that the forge's software gives, and the rule that it must be an attester's. Pure.

git does not tell its hooks who pushes. Whatever authenticates the pusher (the web server, gitolite, a
forge) sets an environment variable of its own; which one, the operator says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lfci_gate.errors import Undecided
from lfci_gate.gate.evidence import reason_of
from lfci_gate.gate.facts import Push
from lfci_gate.gate.findings import Findings
from lfci_gate.model import ObjectId, Policy

SETTING = "lfci.pusherVariable"
_HINT = f"ask the operator to name the variable in the bare repository: git config {SETTING} REMOTE_USER"

VARIABLES = ("REMOTE_USER", "GL_USER", "GL_USERNAME", "GL_ID", "GITEA_PUSHER_NAME", "GITHUB_USER_LOGIN")
"""What can be named: the hook's shim lets through nothing else that names a pusher. Push options, headers
of a request and what sshd takes from a client are not among them."""


def named_pusher(setting: str | None, environ: Mapping[str, str]) -> str | None:
    """The pusher that the forge's software names; None when the operator names no variable, or it is not
    set. Arguments: ``setting`` is `lfci.pusherVariable`, ``environ`` the environment of the receive hook.

    Raises Undecided LFCI516 for a variable that is none of :data:`VARIABLES`.
    """
    if setting is None:
        return None
    if setting not in VARIABLES:
        raise Undecided(
            "LFCI516",
            f"{SETTING} names no variable in which a server names the pusher",
            facts=(f"known: {', '.join(VARIABLES)}",),
            hint=f"on the server: git config {SETTING} REMOTE_USER",
        )
    return environ.get(setting) or None


def rule_12_pusher(
    push: Push, policy: Policy, attesters: Collection[str], commit: ObjectId, findings: Findings
) -> None:
    """The pusher is a holder whose evidence counts (LFCI217), where the rule wants that.

    Arguments: ``attesters`` are the identities whose evidence counts for the new tip, ``commit``.
    """
    if push.pusher is None and not push.at_forge:
        findings.remarks.append("the forge decides whether the pusher is one of those whose evidence counts")
        return
    if push.pusher is None:
        message = "the rule wants to know who pushes, and the forge does not say"
        findings.refused.append(reason_of("LFCI217", message, commit=commit, hint=_HINT))
        return
    pusher = push.pusher
    names = {key.identity for key in policy.keys if pusher == key.identity or pusher in key.pushers}
    counting = names & set(attesters)
    if counting:
        findings.summary.append(f"pushed by {', '.join(sorted(counting))}")
        return
    shown = ascii(pusher)[1:-1][:120]
    known = f"is known as {', '.join(sorted(names))}" if names else "is no identity of the policy"
    found = ", ".join(sorted(attesters)) or "nobody"
    message = "the pusher is not one of those whose evidence counts"
    facts = (f"pusher: {shown}, who {known}", f"evidence that counts is by: {found}")
    findings.refused.append(reason_of("LFCI217", message, commit=commit, facts=facts))
