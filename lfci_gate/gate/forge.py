"""The forge's own repository as the rules see it, and the journal of what they accepted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lfci_gate import files
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.facts import LANDED_REF, NOTES_REF, RESULTS_REF, Limits, PolicyFloor, Push
from lfci_gate.gate.objects import peel
from lfci_gate.gate.refnames import malformed, shadowed_by
from lfci_gate.gate.state import Accepted, ForgeState
from lfci_gate.gate.view import RepositoryView
from lfci_gate.git.inbox import INBOX
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import head_branch, refs_and_links, symrefs
from lfci_gate.model import Verdict


@contextmanager
def open_forge(git: Git, pushed: tuple[str, ...] = ()) -> Iterator[RepositoryView]:
    """The landed side of the bare repository that ``git`` is in; ``pushed`` are the refs a push
    names, whose landed values are needed too."""
    with BatchReader(git) as objects:  # first: it starts while git answers the rest
        head = head_branch(git)
        names = dict.fromkeys((*pushed, INBOX, NOTES_REF, RESULTS_REF, LANDED_REF))
        if head is not None:
            names[head] = None
        for ref in pushed:
            names |= dict.fromkeys(shadowed_by(ref))
        refs, links = refs_and_links(git, *names)
        # Symbolic refs whose target does not exist are in no listing; a push through one makes the target.
        unborn = [
            ref for ref in pushed if ref not in refs and not ref.startswith(INBOX) and not malformed(ref)
        ]
        links |= symrefs(git, *unborn) if unborn else {}
        refs |= {target: refs[link] for link, target in links.items() if link in refs}
        state = ForgeState(git.git_dir_name)
        looked_at = state.unverified()
        yield RepositoryView(
            git=git,
            objects=objects,
            refs=refs,
            symrefs=links,
            head=head,
            server_policy=server_policy(git),
            bootstrap_policy=state.bootstrap_policy(),
            policy_floor=state.policy_floor(),
            looked_at=looked_at and (looked_at[0], frozenset(looked_at[1])),
            used=state.is_spent,
        )


def server_policy(git: Git) -> bytes | None:
    """The file that `lfci.policy` of the bare repository names. Raises Undecided LFCI201 when it is
    named and cannot be read: a policy that is gone is not a policy that is not set."""
    setting = git.config("lfci.policy")
    if setting is None:
        return None
    path = os.path.join(git.git_dir_name, setting)
    try:
        data = files.read_file(path, Limits().policy_bytes)
    except LfciError as error:
        raise Undecided("LFCI201", "the policy that lfci.policy names cannot be read") from error
    if data is None:
        raise Undecided("LFCI201", "the policy that lfci.policy names does not exist")
    return data


def record_accepted(git_dir: str, view: RepositoryView, push: Push, verdict: Verdict) -> None:
    """Writes the journal entries of an accepted push. Raises Undecided LFCI502 when it cannot: a
    landing that could not be recorded does not happen."""
    landing = [(ref, ref.update.new) for ref in verdict.refs if ref.protected and ref.update.new is not None]
    if not landing:
        return
    state = ForgeState(git_dir)
    policy = rule_02_policy(view, push.limits).policy
    state.raise_floor(PolicyFloor(policy.repository, policy.version))
    recorded: list[Accepted] = []
    try:
        for ref, new in landing:
            entry = Accepted(
                pushed=ref.update.ref,
                ref=view.symref(ref.update.ref) or ref.update.ref,
                old=ref.update.old,
                new=new,
                commit=peel(view.objects, new),
                repository=policy.repository,
                policy_sha256=policy.digest,
                policy_version=policy.version,
                at=push.now,
                # SLSA wants all attestations named that a summary rests on, the bypass too.
                evidence=ref.evidence if ref.bypass is None else tuple(sorted({*ref.evidence, ref.bypass})),
                summary=(*ref.summary, *ref.remarks),
                bypass=ref.bypass,
                waived=tuple(sorted({reason.code for reason in ref.waived})),
            )
            recorded.append(entry)
            state.record(entry)
    except BaseException:
        for entry in recorded:  # the push is refused now, and leaves nothing behind
            state.forget(entry)
        raise
