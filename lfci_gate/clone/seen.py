"""What this clone has seen of a forge, and whether the forge has gone back behind it (LFCI220).

A forge's notes only grow, its protected branches that take fast-forwards only move forward, the version of
its policy never falls. A backup that was restored, a rewritten history and another forge under the same
name all break one of these, and the forge itself cannot know. So each clone keeps the newest it has seen, as
refs of its own (`refs/lfci/seen/<remote>/`), which also keep the lost objects for
`lfci forge recover`. Only somebody who says so makes it forget (`lfci attestation forget-forge`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from lfci_gate.canonical import format_time
from lfci_gate.clone.evidence import SEEN, SEEN_NOTES, evidence_refs, has_one_remote
from lfci_gate.clone.target import BRANCHES, Target
from lfci_gate.config.policy import parse_policy, rule_for
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.facts import LANDED_REF, POLICY_PATH, Limits
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.records import Signed, landings_of, record_lines, trusted_keys
from lfci_gate.git.history import is_ancestor
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.refs import RefChange, update_refs
from lfci_gate.git.tree import read_file
from lfci_gate.model import ObjectId, Policy, PublicKey
from lfci_gate.value import Value

_WORDS = {"landed": "landing records", "notes": "evidence", "results": "result documents"}


class Seen(Value):
    """What was seen before, held against what is there now."""

    back: tuple[str, ...]
    """In which ways the forge has gone back, one line each; empty when in none."""
    news: tuple[RefChange, ...]
    """What to remember."""


def watch(
    git: Git,
    objects: BatchReader,
    target: Target,
    *,
    fresh: bool,
    gone: frozenset[str] = frozenset(),
    again: bool = True,
) -> None:
    """Remembers what the forge has; raises Refusal LFCI220 when it has gone back.

    Arguments: ``fresh`` says that the mirrored notes were just fetched from this remote (else they are
    looked at only in a clone with one remote); ``gone`` are refs that the remote does not have; with
    ``again`` the remote is asked once more before anything is said, since worktrees of one clone may
    have landed and remembered meanwhile.
    """
    found = look(git, objects, target, evidence_refs(git), fresh=fresh, gone=gone)
    if found.back:
        if again:
            from lfci_gate.clone.deliver import fetch_target

            target = fetch_target(git, target)
        else:
            target = target.again(git)
        found = look(git, objects, target, evidence_refs(git), fresh=fresh or again, gone=gone)
    if found.back:
        raise went_back(target, found.back)
    remember(git, found)


def remember(git: Git, found: Seen) -> None:
    """Keeps what is new."""
    with suppress(LfciError):  # somebody else does it at this moment, or nothing can be written here
        update_refs(git, found.news)


def went_back(target: Target, back: tuple[str, ...]) -> Refusal:
    """The error that says so."""
    return Refusal(
        "LFCI220",
        f"{target.remote} has gone back behind what this clone has seen there",
        facts=back,
        hint="tell its operator (a restored backup? lfci forge recover REPO --from CLONE); only when it is "
        f"meant: lfci attestation forget-forge --remote {target.remote}",
    )


def look(
    git: Git,
    objects: BatchReader,
    target: Target,
    refs: Mapping[str, ObjectId],
    *,
    fresh: bool,
    gone: frozenset[str] = frozenset(),
) -> Seen:
    """As :func:`watch`, but only says what it finds. Arguments: ``refs`` as of
    :func:`lfci_gate.clone.evidence.evidence_refs`."""
    if target.remote is None:
        return Seen((), ())
    place = f"{SEEN}{target.remote}/"
    back: list[str] = []
    news: list[RefChange] = []
    if fresh or has_one_remote(git):
        for name, ref in SEEN_NOTES.items():
            held, now = refs.get(place + name), refs.get(ref)
            if now is None or held == now:
                continue  # what a fetch does not find it leaves as it is
            if held is not None and not is_ancestor(git, held, now):
                back.append(f"{_WORDS[name]}: {held[:12]} was there, {now[:12]} does not contain it")
            else:
                news.append((place + name, held, now))
    policy = _policy(objects, target.head_tip)
    for ref, known in {target.head: target.head_tip, target.ref: target.tip}.items():
        tip = None if ref in gone else known
        name = f"{place}heads/{ref.removeprefix(BRANCHES)}"
        held = refs.get(name)
        if not _only_forward(policy, ref):
            news += [(name, held, None)] if held is not None else []  # it may go anywhere from now on
        elif held is None or (tip is not None and (held == tip or is_ancestor(git, held, tip))):
            news += [(name, held, tip)] if tip not in (None, held) else []
        else:
            back.append(_branch_back(git, objects, refs, policy, ref, held, tip))
    held = refs.get(place + "policy")
    worse = _policy_back(git, objects, refs, target.head, held, target.head_tip)
    if policy is not None and not worse and target.head_tip not in (None, held):
        news.append((place + "policy", held, target.head_tip))
    back += worse
    return Seen(tuple(back), () if back else tuple(news))


def _branch_back(
    git: Git,
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    policy: Policy | None,
    ref: str,
    held: ObjectId,
    tip: ObjectId | None,
) -> str:
    branch = ref.removeprefix(BRANCHES)
    there = "it does not exist" if tip is None else f"{tip[:12]} does not contain it"
    return f"{branch}: {held[:12]} was there{_recorded(git, objects, refs, policy, ref, held)}, now {there}"


def _recorded(
    git: Git,
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    policy: Policy | None,
    ref: str,
    commit: ObjectId,
) -> str:
    """What a trusted key of the forge has signed about a commit, in a half sentence."""
    keys = trusted_keys(git, policy)
    found = _record(objects, refs, keys, ref, commit)
    if found is None:
        return ""
    when, version = format_time(found.landing.verified_at), found.landing.policy_version
    return f" (landed {when} under policy version {version}, signed by {keys[found.key]})"


def _record(
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    keys: Mapping[PublicKey, str],
    ref: str,
    commit: ObjectId,
) -> Signed | None:
    """The newest trusted record of a commit, in the mirrored notes or in those that were seen before."""
    found: Signed | None = None
    for name, tip in refs.items():
        if name == LANDED_REF or (name.startswith(SEEN) and name.endswith("/landed")):
            for each in landings_of(record_lines(objects, tip, commit), keys, commit, ref):
                if found is None or found.landing.verified_at <= each.landing.verified_at:
                    found = each
    return found


def _policy_back(
    git: Git,
    objects: BatchReader,
    refs: Mapping[str, ObjectId],
    head: str,
    held: ObjectId | None,
    tip: ObjectId | None,
) -> list[str]:
    """How the policy has gone back from what was in force at ``held``: the one in the tree, and the one that
    the forge's records name, which may be the operator's."""
    if held is None or tip is None or held == tip:
        return []
    before, now = _policy(objects, held), _policy(objects, tip)
    if before is not None and now is None:
        return [f"policy: version {before.version} was there, now none that can be read"]
    if before is not None and now is not None and now.repository != before.repository:
        return [f"policy: of repository {before.repository} before, now of {now.repository}"]
    if before is not None and now is not None and now.version < before.version:
        return [f"policy: version {before.version} was there, now version {now.version}"]
    keys = trusted_keys(git, before)
    was, there = (_record(objects, refs, keys, head, each) for each in (held, tip))
    if was is not None and there is not None and there.landing.policy_version < was.landing.policy_version:
        versions = f"version {was.landing.policy_version} before, now version {there.landing.policy_version}"
        return [f"policy that the forge judges by: {versions}, say its records"]
    return []


def _only_forward(policy: Policy | None, ref: str) -> bool:
    rule = None if policy is None else rule_for(policy, ref)
    return rule is not None and rule.update == "fast-forward"


def _policy(objects: BatchReader, commit: ObjectId | None) -> Policy | None:
    if commit is None:
        return None
    try:
        data = read_file(objects, read_commit(objects, commit).tree, POLICY_PATH, Limits().policy_bytes)
        return None if data is None else parse_policy(data)
    except Undecided:
        raise
    except LfciError:
        return None  # malformed: whoever judges by it says so
