"""`lfci verify`: the gate's rules over what has landed, on any clone.

A landed commit is judged as its push was: from the tip before it, by the policy in force there, at the
time of its landing record, where a key that the verifier trusts signed that record (the forge's key
in git config `lfci.forgeKey`, or a key of the policy with the role `forge`). Without such a record it
is judged against its first parent, at the present time.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import signed_by
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.shallow import reaches_the_end
from lfci_gate.clone.target import Target
from lfci_gate.clone.view import ForgeView
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.authority import policy_file
from lfci_gate.gate.evidence import EvidenceBook
from lfci_gate.gate.facts import CONFIG_PATH, LANDED_REF, Limits, Push
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.records import landings_of, record_lines, trusted_keys
from lfci_gate.gate.rules import evaluate
from lfci_gate.git.commit import Commit
from lfci_gate.git.history import first_parent_commits
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.git.tree import read_file
from lfci_gate.model import (
    CheckDefinition,
    CheckRun,
    Landing,
    ObjectId,
    Outcome,
    Policy,
    RefUpdate,
    RefVerdict,
    VerdictKind,
)
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value


class Record(Value):
    """A landing record found on a commit."""

    landing: Landing | None
    """None when no trusted key signed it: then nothing in it was read."""
    signer: str
    """Name of the trusted key, else the key that the record itself names."""


class Claim(Value):
    """One attested run of a check that the commit declares."""

    id: str
    keys: tuple[str, ...]
    """Names of the keys of the policy that signed it."""
    run: CheckRun
    definition: CheckDefinition


class Verified(Value):
    """What became of one commit: the verdict of the rules, which may rest on a bypass."""

    commit: ObjectId
    base: ObjectId | None
    """The tip that the commit was judged from."""
    verdict: RefVerdict
    at: datetime
    """The time that the rules were given."""
    record: Record | None
    remarks: tuple[str, ...]
    claims: tuple[Claim, ...]
    """The check runs that counted; where the verdict rests on none, all that say PASSED of this tree's
    checks, so that a verifier can look into them before anything lands."""

    @property
    def bypass(self) -> str | None:
        """Id of the bypass that let it land, as the rules find or a trusted record says. Then it did not
        pass, whatever evidence there is by now."""
        landing = None if self.record is None else self.record.landing
        return self.verdict.bypass or (landing.bypass if landing is not None else None)


class Question(Value):
    """What a verifier asks, of whichever commit."""

    target: Target
    now: datetime
    ref: str
    """The ref that commits are judged as landings on."""
    policy: bytes | None
    """A file the caller trusts, in the place of the policy in force."""


def verify_range(
    git: Git, objects: BatchReader, question: Question, newer: ObjectId, older: ObjectId | None
) -> tuple[Verified, ...]:
    """The landings on the first-parent line of a range, oldest first; one commit without ``older``.

    Commits that landed together with one above them, as a trusted record says, are judged with it.
    Raises as :func:`verify`, Refusal LFCI411 for too many commits.
    """
    if older is None:
        return (verify(git, objects, question, newer),)
    line = first_parent_commits(git, newer, older)
    places = {oid: index for index, oid in enumerate(line)}
    found = []
    index = 0
    while index < len(line):
        verified = verify(git, objects, question, line[index])
        found.append(verified)
        # A base that is not on the line lies before it: the range began in the middle of a landing.
        below = places.get(verified.base, len(line)) if verified.base is not None else len(line)
        index = max(below, index + 1)
    return tuple(reversed(found))


def verify(git: Git, objects: BatchReader, question: Question, commit: ObjectId) -> Verified:
    """The verdict about one commit as a landing.

    Raises Refusal LFCI402, LFCI403; Undecided LFCI408 where a shallow clone ends, LFCI501.
    """
    parsed = read_commit(objects, commit)
    if reaches_the_end(git, (commit,)):
        raise Undecided("LFCI408", f"this clone is shallow: what was before {commit[:12]} is not in it")
    parent = parsed.parents[0] if parsed.parents else None
    held = evidence_refs(git)
    landed = {key: oid for key, oid in held.items() if key != LANDED_REF}
    name = question.ref

    def view_from(base: ObjectId | None) -> ForgeView:
        # The policy is that of the base, whichever branch the forge's HEAD names.
        head = name if base is None else question.target.head
        refs = landed if base is None else {**landed, head: base, name: base}
        view = ForgeView(git=git, objects=objects, refs=refs, head=head, server_policy=question.policy)
        if base is None:
            view.bootstrap_policy = policy_file(view, parsed.tree, Limits())
        return view

    view = view_from(parent)
    in_force = _in_force(view, parent)
    record = _record(git, objects, held.get(LANDED_REF), commit, name, in_force)
    landing = None if record is None else record.landing
    base = parent
    # A new ref other than the first has no old tip; where it left HEAD's branch is not recorded.
    if (
        landing is not None
        and landing.old != parent
        and (landing.old is not None or name == question.target.head)
    ):
        base = landing.old
        view = view_from(base)
        in_force = _in_force(view, base)
    at = question.now if landing is None else landing.verified_at
    verdict = evaluate(Push((RefUpdate(name, base, commit),), at), view).refs[0]
    remarks = _remarks(record, base, parent, question, in_force)
    return Verified(commit, base, verdict, at, record, remarks, _claims(view, verdict, parsed, in_force))


def _claims(view: ForgeView, verdict: RefVerdict, commit: Commit, policy: Policy | None) -> tuple[Claim, ...]:
    """The statements behind the verdict, each verified again on the way."""
    if policy is None:
        return ()
    accepted = verdict.kind is VerdictKind.ACCEPTED and bool(verdict.evidence)
    try:
        config = parse_project(
            read_file(view.objects, commit.tree, CONFIG_PATH, Limits().config_bytes) or b""
        )
        book = EvidenceBook(view, policy, Limits(), {})
        found: dict[str, Claim] = {}
        for check in config.checks:
            subject = inputs_tree(view.objects, commit.tree, PatternSet(check.inputs)).oid
            for evidence in book.about(subject, commit).evidence:
                run = evidence.statement
                if not isinstance(run, CheckRun) or run.check != check.name:
                    continue
                of_this = (run.repository, run.definition) == (policy.repository, check.digest)
                passed = of_this and run.result is Outcome.PASSED
                if evidence.id in verdict.evidence if accepted else passed:
                    keys = tuple(key.name for key in evidence.keys)
                    found[evidence.id] = Claim(evidence.id, keys, run, check)
    except LfciError:
        if accepted:
            raise
        return ()  # the verdict says what is wrong
    return tuple(found.values())


def _in_force(view: ForgeView, base: ObjectId | None) -> Policy | None:
    data = view.server_policy
    if data is None:
        data = view.bootstrap_policy
    if data is None and base is not None:
        data = policy_file(view, read_commit(view.objects, base).tree, Limits())
    try:
        return None if data is None else parse_policy(data)
    except LfciError:
        return None  # the rules say what is wrong with it


def _record(
    git: Git,
    objects: BatchReader,
    tip: ObjectId | None,
    commit: ObjectId,
    ref: str,
    policy: Policy | None,
) -> Record | None:
    """The landing record of this commit for this ref, if the mirrored notes have one.

    Arguments: ``tip`` of these notes.
    """
    lines = record_lines(objects, tip, commit)
    trusted = trusted_keys(git, policy)
    found = landings_of(lines, trusted, commit, ref)
    if found:
        # Of several landings one by break-glass is what nobody may overlook.
        broken = (each for each in found if each.landing.bypass is not None)
        first = next(broken, found[0])
        return Record(first.landing, trusted[first.key])
    for line in lines:
        with suppress(LfciError):  # a line that is no record says nothing
            bundle = parse_bundle(line)
            if not signed_by(bundle.envelope, trusted):
                return Record(None, ascii(bundle.hint)[1:-1])
    return None


def _remarks(
    record: Record | None,
    base: ObjectId | None,
    parent: ObjectId | None,
    question: Question,
    policy: Policy | None,
) -> tuple[str, ...]:
    remarks = []
    landing = None if record is None else record.landing
    if record is None:
        remarks.append(
            "no landing record here: judged alone and at the present time (git fetch brings records)"
        )
    elif landing is None:
        remarks.append(
            f"the landing record names key {record.signer}, which is not trusted here: judged alone and at "
            "the present time (to trust it: git config --add lfci.forgeKey '<public key line>')"
        )
    else:
        remarks.append(f"judged at the time of the landing record, signed by {record.signer}")
        if landing.bypass is not None:
            remarks.append(
                f"BREAK-GLASS: the record says FAILED, landed by bypass {landing.bypass}, "
                f"waived {', '.join(landing.waived)}"
            )
        if base != parent:
            remarks.append(f"judged from {base[:12] if base else 'nothing'}, the tip before this landing")
        if policy is not None and policy.digest != landing.policy_sha256:
            remarks.append(
                f"the forge judged by another policy, version {landing.policy_version} "
                "(to judge by it: lfci verify --policy FILE)"
            )
    if base is None and question.policy is None:
        remarks.append("a first commit: judged by the policy that it brings itself")
    return tuple(remarks)
