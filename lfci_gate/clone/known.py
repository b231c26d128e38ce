"""Results that are known already: the hot path of `lfci check`. No Nix, no pygit2.

A result is known for a check key (inputs tree, definition digest, system) when a valid attestation
says PASSED, signed by a key of the policy in force or by the user's own, and the target's rule would
take it for what it is worth (engine, hermetic, report, age). Failures are run again: a flaky test
deserves a second look, and whoever wants the log needs it anyway.
"""

from __future__ import annotations

from datetime import datetime

from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError
from lfci_gate.gate.binding import roles_between
from lfci_gate.gate.evidence import Evidence, EvidenceBook, Found
from lfci_gate.gate.facts import Limits, View
from lfci_gate.gate.objects import file_sha256
from lfci_gate.gate.quarantine import failures_of, in_quarantine
from lfci_gate.gate.results import Results
from lfci_gate.gate.strength import Expected, Roles, count
from lfci_gate.git.commit import Commit
from lfci_gate.git.inputs import inputs_tree
from lfci_gate.model import (
    Assurance,
    CheckDefinition,
    CheckRun,
    Engine,
    ObjectId,
    ObjectSource,
    Outcome,
    Policy,
    PolicyKey,
    PublicKey,
    Requirement,
    Rule,
)
from lfci_gate.patterns import PatternSet
from lfci_gate.value import Value, replace

_OWN = "(own key)"
_BEYOND_A_RUN = ("LFCI111", "LFCI116", "LFCI117")
_NO_RULE = Rule(
    refs=(),
    scope="tip",
    max_age_s=None,
    bind=(),
    update="any",
    require=(),
    protect=(),
    tests_removed="allow",
    dependencies_unpinned="allow",
    nix_minimum=None,
    gitlinks=True,
)


class Known(Value):
    """A result that need not be found out again."""

    evidence: Evidence
    run: CheckRun
    key: str
    """Name of the signing key."""
    lacking: tuple[str, ...] = ()
    """What the target's rule wants beyond this and another run here would not bring, in words."""
    quarantined: tuple[str, ...] = ()
    """Ids of the tests that failed in it, when it counts because the base has them in quarantine."""


class Question(Value):
    """One check of one tree, on its way to one ref."""

    tree: ObjectId
    inputs: ObjectId
    definition: CheckDefinition
    ref: str
    base: ObjectId | None
    system: str


def ask(
    source: ObjectSource,
    tree: ObjectId,
    definition: CheckDefinition,
    ref: str,
    base: ObjectId | None,
    system: str,
) -> Question:
    """The question with its inputs tree computed."""
    subject = inputs_tree(source, tree, PatternSet(definition.inputs)).oid
    return Question(tree, subject, definition, ref, base, system)


def known_result(
    view: View,
    question: Question,
    policy: Policy,
    own: PublicKey | None,
    now: datetime,
    *,
    engine: Engine | None = None,
    commit: Commit | None = None,
) -> Known | None:
    """The newest attestation that answers the question; None when it has to be run.

    Arguments: ``own`` is the key that a run would be signed with; ``engine`` the only one that will do;
    ``commit`` what the tree is of, whose message may carry an attestation.
    """
    trusted = _with_own_key(policy, own)
    limits = Limits()
    rule = rule_for(policy, question.ref) or _NO_RULE
    asked = asked_of(rule, question.definition.name)
    expected = Expected(
        ref=question.ref,
        commit=question.tree,
        base=question.base,
        inputs_tree=question.inputs,
        definition=question.definition,
        sha256_of=lambda path: file_sha256(view.objects, question.tree, path),
        policy=trusted,
        rule=rule,
        now=now,
        limits=limits,
        roles=roles_between(trusted, question.ref, view.objects, question.base, question.tree, now),
        quarantine=quarantine_of(view.objects, question, asked, now),
        document=Results(view, {}, limits).read,
    )
    try:
        found = _same_system(
            EvidenceBook(view, trusted, limits, {}).about(question.inputs, commit), question.system
        )
    except LfciError:
        return None  # what cannot be told is run
    engines = tuple(Engine) if engine is None else (engine,)
    counted, lacking = _counted(found, expected, asked, trusted, own, engines)
    names = {key.public: key.name for key in trusted.keys}
    best: Known | None = None
    for public, evidence in counted.items():
        run = evidence.statement
        assert isinstance(run, CheckRun)
        if best is None or run.issued_at > best.run.issued_at:
            best = Known(evidence, run, names[public], lacking)
    if best is None or best.run.result is Outcome.PASSED:
        return best
    return replace(best, quarantined=failures_of(best.run, expected))


def quarantine_of(
    source: ObjectSource, question: Question, asked: Requirement | None, now: datetime
) -> frozenset[str]:
    """Ids of the tests whose failure the rule lets be known, as the gate will see it on today's base."""
    if asked is None:
        return frozenset()
    return in_quarantine(source, question.base, asked, question.definition, now)


def asked_of(rule: Rule | None, check: str) -> Requirement | None:
    """What a rule asks of a check; None when it does not ask for it."""
    return next((each for each in rule.require if each.check == check), None) if rule else None


def _counted(
    found: Found,
    expected: Expected,
    asked: Requirement | None,
    trusted: Policy,
    own: PublicKey | None,
    engines: tuple[Engine, ...],
) -> tuple[dict[PublicKey, Evidence], tuple[str, ...]]:
    """Evidence that makes a run superfluous, and what the rule wants beyond it: the rule is satisfied, or
    a run signed by ``own`` would not bring the rule nearer to it."""
    everybody = tuple({role for key in trusted.keys for role in key.roles})
    if asked is None:
        anything = Requirement(expected.definition.name, everybody, 1, engines, False, False)
        return count(found, expected, anything).keys, ()
    if len(engines) == 1:
        asked = replace(asked, engines=engines)  # one that was asked for by name
    enough = count(found, expected, asked)
    if not enough.reasons:
        return enough.keys, ()
    lacking = tuple(each.message for each in enough.reasons if each.code in _BEYOND_A_RUN)
    claimed = replace(asked, assurance=Assurance.CLAIMED)
    of_anybody = replace(claimed, roles=everybody, threshold=1)
    anybody = count(found, replace(expected, roles=Roles()), of_anybody).keys
    me = next((key for key in trusted.keys if key.public == own), None)
    if me is not None:
        of_me = {key.public for key in trusted.keys if key.identity == me.identity}
        mine = {public: evidence for public, evidence in anybody.items() if public in of_me}
        if mine:
            return mine, lacking
    if asked.assurance in (Assurance.DERIVED, Assurance.REBUILT):
        claims = count(found, expected, claimed)
        if not claims.reasons:
            return claims.keys, lacking  # it is a verifier's turn
    would_count = me is None or not expected.roles.lacks(me, asked.roles)
    return {} if would_count else anybody, lacking


def _same_system(found: Found, system: str) -> Found:
    """Without runs on other systems: they say nothing about this one."""
    kept = [each for each in found.evidence if getattr(each.statement, "system", system) == system]
    return Found(tuple(kept), found.rejected)


def _with_own_key(policy: Policy, own: PublicKey | None) -> Policy:
    if own is None or any(key.public == own for key in policy.keys):
        return policy
    key = PolicyKey(_OWN, own, (_OWN,), None, None, None, identity=_OWN)
    return replace(policy, keys=(*policy.keys, key))
