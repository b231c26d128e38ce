"""Break-glass from a clone: ask for a bypass, and add a signature to it (rule 16).

A bypass travels as a file with one bundle line until enough people have signed the same words; then it
goes to the forge in the same push as the commit it is for (:mod:`lfci_gate.clone.bypassing`). Nothing is
signed here that the forge would not count.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from lfci_gate.attest.bundle import Bundle, format_bundle, parse_bundle
from lfci_gate.attest.dsse import Envelope, attestation_id, sign, signed_by
from lfci_gate.attest.signers import Signer
from lfci_gate.attest.statement import format_statement, parse_statement
from lfci_gate.canonical import format_time
from lfci_gate.clone.target import Target
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.binding import roles_between
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.strength import key_problem
from lfci_gate.git.history import is_ancestor, new_commits
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import diff, shown
from lfci_gate.model import (
    BreakGlass,
    Bypass,
    ObjectId,
    Policy,
    PolicyKey,
)
from lfci_gate.value import Value


class Offered(Value):
    """A bypass in a file, and who has signed it."""

    bundle: Bundle
    bypass: Bypass
    signers: tuple[PolicyKey, ...]
    """Keys of the policy whose signatures verify."""

    @property
    def id(self) -> str:
        return attestation_id(self.bundle.envelope)

    @property
    def line(self) -> bytes:
        return format_bundle(self.bundle)

    @property
    def identities(self) -> tuple[str, ...]:
        """Who has signed it, sorted; keys of one holder are one."""
        return tuple(sorted({key.identity for key in self.signers}))


class Content(Value):
    """What a bypass would let land, for the eyes of those who sign it."""

    commits: tuple[tuple[ObjectId, str], ...]
    """New commits with the first lines of their messages, newest first."""
    paths: tuple[str, ...]
    """Everything that changes from the old tip to the new one."""


def allowed_by(policy: Policy, ref: str) -> BreakGlass:
    """What the policy says of break-glass on a ref. Raises UsageError LFCI218 when it says nothing."""
    rule = rule_for(policy, ref)
    if rule is None:
        raise UsageError(
            "LFCI216", f"the policy has no rule for {ref}: nothing to break", hint="git push origin HEAD"
        )
    if rule.break_glass is None:
        raise UsageError(
            "LFCI218",
            f"the policy knows no break-glass for {ref}",
            hint="land the change by the rules; break-glass has to be in the policy before it is needed",
        )
    return rule.break_glass


def seconds(text: str) -> int:
    """A duration as policies write it. Raises UsageError LFCI514."""
    from lfci_gate.config.values import UNITS

    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) <= 9 and unit in UNITS):
        raise UsageError("LFCI514", f"not a duration: {text}", hint="a whole number and s, m, h or d: 2h")
    return int(number) * UNITS[unit]


def request(
    objects: BatchReader,
    target: Target,
    policy: Policy,
    commit: ObjectId,
    signer: Signer,
    *,
    reason: str,
    life_s: int,
    waives: Iterable[str],
    now: datetime,
) -> Offered:
    """A bypass for landing ``commit`` on the target as it is now, signed by the first of several people.

    Arguments: ``life_s`` in seconds. Raises UsageError LFCI216, LFCI218, LFCI514; Refusal LFCI218 when the
    key may not sign it.
    """
    allowed = allowed_by(policy, target.ref)
    too_much = sorted(set(waives) - set(allowed.waives))
    if too_much:
        raise UsageError(
            "LFCI218",
            f"the policy does not let a bypass waive {', '.join(too_much)}",
            facts=(f"it may waive: {', '.join(allowed.waives)}",),
            hint=f"lfci break-glass request --waive {allowed.waives[0]} ...",
        )
    if not 0 < life_s <= allowed.longest_s:
        raise UsageError(
            "LFCI218",
            "the policy does not let a bypass live that long",
            facts=(f"longest: {allowed.longest_s} s", f"asked for: {life_s} s"),
            hint=f"lfci break-glass request --expires {allowed.longest_s}s ...",
        )
    key = _signing_key(objects, policy, target.ref, target.tip, commit, signer, now)
    statement = Bypass(
        commit=commit,
        repository=policy.repository,
        ref=target.ref,
        old=target.tip,
        waives=tuple(sorted(set(waives))),
        reason=reason,
        requested_by=key.identity,
        nonce=secrets.token_urlsafe(16),
        not_after=now + timedelta(seconds=life_s),
        issued_at=now,
    )
    envelope = sign(format_statement(statement), signer)
    return Offered(Bundle(envelope, signer.public.fingerprint), statement, (key,))


def read_offered(line: bytes, policy: Policy) -> Offered:
    """What a file says, and whose signatures are on it. Raises Refusal LFCI110, UsageError LFCI514 for
    another kind of statement."""
    bundle = parse_bundle(line)
    keys = {key.public: key for key in policy.keys}
    signers = tuple(keys[public] for public in signed_by(bundle.envelope, keys))
    statement = parse_statement(bundle.envelope.payload)
    if not isinstance(statement, Bypass):
        raise UsageError("LFCI514", "the file holds an attestation, but no bypass")
    return Offered(bundle, statement, signers)


def refuse_dead(offered: Offered, target: Target, policy: Policy, now: datetime) -> BreakGlass:
    """What the policy says of it, unless it cannot count whoever signs it: Refusal LFCI218.

    Arguments: ``target`` as just fetched.
    """
    bypass = offered.bypass
    allowed = allowed_by(policy, bypass.ref)
    problem = ""
    if bypass.repository != policy.repository:
        problem = "it is for another repository"
    elif now >= bypass.not_after:
        problem = f"it has expired at {format_time(bypass.not_after)}"
    elif bypass.not_after - bypass.issued_at > timedelta(seconds=allowed.longest_s):
        problem = f"it lives longer than the policy lets it, {allowed.longest_s} s"
    elif not set(bypass.waives) <= set(allowed.waives):
        problem = "it waives more than the policy lets it"
    elif target.tip != bypass.old:
        problem = (
            f"{bypass.ref} is at {_short(target.tip)} by now, and it is for leaving {_short(bypass.old)}"
        )
    if problem:
        raise Refusal("LFCI218", "the bypass cannot count any more", facts=(problem,))
    return allowed


def cosign(objects: BatchReader, offered: Offered, policy: Policy, signer: Signer, now: datetime) -> Offered:
    """The same words in the same envelope, with one more signature. Raises Refusal LFCI218 when the key may
    not sign it or its holder has signed it already."""
    bypass = offered.bypass
    key = _signing_key(objects, policy, bypass.ref, bypass.old, bypass.commit, signer, now)
    if key.identity in offered.identities:
        raise Refusal(
            "LFCI218",
            f"{key.identity} has signed it already: it needs somebody else",
            facts=(f"signed by: {', '.join(offered.identities)}",),
            hint="give the file to another holder of one of the roles",
        )
    envelope = offered.bundle.envelope
    added = sign(envelope.payload, signer).signatures
    both = Envelope(envelope.payload, (*envelope.signatures, *added))
    return Offered(Bundle(both, offered.bundle.hint), offered.bypass, (*offered.signers, key))


def missing(offered: Offered, allowed: BreakGlass) -> int:
    """How many more people have to sign it, when all who have may."""
    return max(0, allowed.threshold - len(offered.identities))


def content_of(git: Git, objects: BatchReader, bypass: Bypass) -> Content:
    """What would land. Raises UsageError LFCI514 when the commit is not here, Refusal LFCI208 when
    it does not contain the tip that it replaces and no rule could take it."""
    if not objects.exists(bypass.commit):
        raise UsageError(
            "LFCI514",
            f"the commit {bypass.commit[:12]} is not in this clone, so nobody can look at it",
            hint="git fetch (whoever asks has to push it to a branch that no rule covers)",
        )
    old = None if bypass.old is None else read_commit(objects, bypass.old).tree
    new = read_commit(objects, bypass.commit).tree
    commits = new_commits(git, bypass.commit, bypass.old)
    subjects = tuple((oid, _subject(read_commit(objects, oid).message)) for oid in commits)
    return Content(subjects, tuple(shown(path) for path, _, _ in diff(objects, old, new)))


def refuse_backwards(git: Git, policy: Policy, bypass: Bypass) -> None:
    """Raises Refusal LFCI208 for a commit that no bypass could make a fast-forward."""
    rule = rule_for(policy, bypass.ref)
    if bypass.old is None or rule is None or rule.update != "fast-forward":
        return
    if not is_ancestor(git, bypass.old, bypass.commit):
        raise Refusal(
            "LFCI208",
            f"{bypass.ref} takes only fast-forward updates, and no bypass changes that",
            facts=(f"its tip: {bypass.old[:12]}", f"asked for: {bypass.commit[:12]}"),
            hint="git rebase, then ask again",
        )


def ref_of(line: bytes) -> str:
    """The ref that a file speaks of: where to look for the policy that says whether to believe it."""
    statement = parse_statement(parse_bundle(line).envelope.payload)
    if not isinstance(statement, Bypass):
        raise UsageError("LFCI514", "the file holds an attestation, but no bypass")
    return statement.ref


def _signing_key(
    objects: BatchReader,
    policy: Policy,
    ref: str,
    old: ObjectId | None,
    commit: ObjectId,
    signer: Signer,
    now: datetime,
) -> PolicyKey:
    """The signer's key. Raises Refusal LFCI103 or LFCI218 when its signature would not count."""
    key = next((each for each in policy.keys if each.public == signer.public), None)
    if key is None:
        raise Refusal(
            "LFCI103", "the policy does not know your key", facts=(f"key: {signer.public.fingerprint}",)
        )
    wanted = allowed_by(policy, ref).roles
    roles = roles_between(policy, ref, objects, old, read_commit(objects, commit).tree, now)
    problem = roles.lacks(key, wanted) or key_problem(key, now, now)
    if problem:
        raise Refusal(
            "LFCI218",
            f"the key {key.name} may not sign a bypass for {ref}",
            facts=(problem,),
            hint=f"ask a {wanted[0]}",
        )
    return key


def _subject(message: bytes) -> str:
    return message.decode("utf-8", "replace").partition("\n")[0]


def _short(oid: ObjectId | None) -> str:
    return "nothing" if oid is None else oid[:12]
