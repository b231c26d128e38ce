"""What the gate must say, worked out from the facts of the model alone.

Written from docs/rules.md and the documents that it names, as plainly as possible: neither this module
nor those that it needs import anything of the package. Where the rules leave open *which* of
several codes names a fault, any of them will do, but one must be there, and no other may be.
"""

from __future__ import annotations

from dataclasses import replace

from tests.properties.change_oracle import Change
from tests.properties.evidence_oracle import Moment
from tests.properties.expected import Expected
from tests.properties.model import (
    MAIN,
    POLICY,
    Commit,
    Delivery,
    Documents,
    Forge,
    Policy,
    Push,
    Rule,
    Run,
    Update,
    peeled,
)
from tests.properties.patterns import matches
from tests.properties.possible import can_be_met
from tests.properties.tree_oracle import merge_bases

__all__ = [
    "Expected",
    "authority",
    "bases",
    "judge",
    "landed_policy",
    "merge_bases",
    "policy_in_force",
    "rule_for",
]


def judge(forge: Forge, documents: Documents, push: Push) -> Expected:
    """The verdict on a push, at the forge's clock."""
    expected = Expected()
    for delivery in push.deliveries:
        codes = delivery_codes(forge, delivery)
        if codes:
            expected.blame("inbox", *codes)
    if expected.accepted:
        _judge_updates(expected, forge, documents, push)
        return expected
    # Refused; whether the evidence in a refused inbox ref is looked at for the others is all the same.
    good = tuple(each for each in push.deliveries if not delivery_codes(forge, each))
    for deliveries in (push.deliveries, good):
        other = Expected()
        _judge_updates(other, forge, documents, replace(push, deliveries=deliveries))
        expected.allowed |= other.allowed | other.codes
    return expected


def _judge_updates(expected: Expected, forge: Forge, documents: Documents, push: Push) -> None:
    moved = [forge.aliases.get(update.ref, update.ref) for update in push.updates]
    for update, ref in zip(push.updates, moved, strict=True):
        if moved.count(ref) > 1:
            expected.blame(update.ref, "LFCI212")
        expected.adds(_judge_update(forge, documents, push, update, ref))


# -- rule 2: the policy in force -------------------------------------------------------------------


def authority(forge: Forge, documents: Documents) -> tuple[Policy | None, str]:
    """The policy that judges every push, or the code that refuses every push."""
    data = policy_in_force(forge)
    policy = documents.policies.get(data)
    if policy is None:
        return None, "LFCI202"
    if forge.floor is not None:
        repository, version = forge.floor
        if policy.repository != repository:
            return None, "LFCI205"
        if policy.version < version:
            return None, "LFCI203"
    return policy, ""


def policy_in_force(forge: Forge) -> bytes:
    if forge.server_policy is not None:
        return forge.server_policy
    landed = landed_policy(forge)
    return forge.bootstrap if landed is None else landed


def landed_policy(forge: Forge) -> bytes | None:
    """The file at the tip of the branch that HEAD names."""
    tip = peeled(forge.refs[MAIN]) if MAIN in forge.refs else None
    found = None if tip is None else tip.tree.get(POLICY)
    return None if found is None else found[1]


def rule_for(policy: Policy, ref: str) -> Rule | None:
    return next((rule for rule in policy.rules if matches(rule.refs, ref)), None)


# -- one ref ---------------------------------------------------------------------------------------


def _judge_update(forge: Forge, documents: Documents, push: Push, update: Update, ref: str) -> Expected:
    """``ref`` is what moves, where the update names an alias of it."""
    answer = Expected()
    policy, wrong = authority(forge, documents)
    if ref.startswith(("refs/notes/lfci", "refs/lfci/")):
        answer.blame(update.ref, "LFCI209", *([wrong] if wrong else []))
        return answer
    if not ref.startswith(("refs/heads/", "refs/tags/", "refs/notes/")) or ref.startswith("refs/heads/refs/"):
        answer.blame(update.ref, "LFCI211", *([wrong] if wrong else []))
        return answer
    if policy is None:
        answer.blame(update.ref, wrong)
        return answer
    rule = rule_for(policy, ref)
    if rule is None:
        if ref == MAIN:
            answer.blame(update.ref, "LFCI216")
        elif _confusable(forge, policy, ref):
            answer.blame(update.ref, "LFCI211")
        return answer
    if update.new is None:
        answer.blame(update.ref, "LFCI207")
        return answer
    new = peeled(update.new)
    if new is None or (ref.startswith("refs/heads/") and not isinstance(update.new, Commit)):
        answer.blame(update.ref, "LFCI403")
        return answer
    found = bases(forge, ref, new)
    if not found:
        answer.blame(update.ref, "LFCI206")
        return answer
    answers = []
    for base in found:
        moment = Moment(forge, push, policy, rule, ref, base, documents)
        answers.append(Change(moment, update.ref, new).judge(_policy_file(moment, update.ref, new)))
    return answers[0] if len(answers) == 1 else _any_of(update.ref, answers)


def _any_of(name: str, answers: list[Expected]) -> Expected:
    """With several best common ancestors it is left open which one is the base."""
    answer = Expected(either=next((each.either for each in answers if each.either), ""))
    if any(each.accepted != answers[0].accepted for each in answers):
        answer.either = "several best common ancestors give different answers"
    for each in answers:
        answer.allowed |= each.allowed
        answer.landing |= each.landing
        answer.spent |= each.spent
    if not answers[0].accepted:
        answer.blame(name, *{code for each in answers for code in each.codes})
    return answer


def _confusable(forge: Forge, policy: Policy, ref: str) -> bool:
    """It looks like a protected ref, stands in its way, or is a tag with a protected branch's short name."""
    if rule_for(policy, ref.lower()) is not None:
        return True
    if ref.startswith("refs/tags/"):
        branch = "refs/heads/" + ref.removeprefix("refs/tags/")
        if branch in forge.refs and rule_for(policy, branch) is not None:
            return True
        if branch == MAIN:
            return True
    for rule in policy.rules:
        for pattern in rule.refs:
            place = pattern.split("*")[0].removesuffix("/")
            if (place + "/").startswith(ref + "/") and place + "/" != "refs/heads/":
                return True
            if "*" not in pattern and ref.startswith(pattern + "/"):
                return True
    return False


def bases(forge: Forge, ref: str, new: Commit) -> list[Commit | None]:
    """What the change is compared with: one base, [None] for the first landing, several when there are
    several best common ancestors, none when nothing has landed yet where it must."""
    old = forge.refs.get(ref)
    if old is not None:
        landed = peeled(old)
        return [landed] if landed is not None else []
    head = peeled(forge.refs[MAIN]) if MAIN in forge.refs else None
    if head is None:
        return [None] if ref == MAIN else []
    left = merge_bases(head, new) or [head]
    return list(dict.fromkeys(each if each is head or each in forge.tips else head for each in left))


# -- the policy's own file -----------------------------------------------------------------------------


def _policy_file(moment: Moment, name: str, new: Commit) -> Expected:
    """What a changed policy must be."""
    answer = Expected()
    forge, documents = moment.forge, moment.documents
    now = new.tree.get(POLICY)
    before = None if moment.base is None else moment.base.tree.get(POLICY)
    if moment.base is None and forge.server_policy is None:  # the operator's, or none
        if now is not None and now[1] != forge.bootstrap:
            answer.blame(name, "LFCI206")
        return answer
    in_force = policy_in_force(forge)
    if before == now or (now is not None and forge.server_policy is None and now[1] == in_force):
        return answer  # untouched, or taken over as it landed
    proposed = None if now is None else documents.policies.get(now[1])
    if proposed is None:
        answer.blame(name, "LFCI201" if now is None else "LFCI202")
        return answer
    wrong = set()
    named = forge.names_pushers and moment.push.pusher is not None
    possible = can_be_met(proposed, moment.now, names_pusher=named)
    if possible is False:
        wrong.add("LFCI202")
    if moment.ref == MAIN and rule_for(proposed, MAIN) is None:
        wrong.add("LFCI216")
    if proposed.repository != moment.policy.repository:
        wrong.add("LFCI205")
    reference: Policy | None = moment.policy
    if (
        forge.server_policy is not None
    ):  # the file in the tree judges nothing: it has its own line of versions
        reference = None if before is None else documents.policies.get(before[1])
    if reference is not None and proposed.version <= reference.version:
        wrong.add("LFCI204")
    if wrong:
        answer.blame(name, *wrong)
    elif possible is None:
        answer.either = "whether anybody can meet the proposed policy is not this oracle's to say"
    return answer


# -- rule 3: the inbox ----------------------------------------------------------------------------------


def delivery_codes(forge: Forge, delivery: Delivery) -> set[str]:
    """What is wrong with an inbox ref; the policy is not asked about it."""
    statement = delivery.evidence.statement
    codes = {
        "no bundle": "LFCI110",
        "no document": "LFCI210",
        "other document": "LFCI115",
        "other subject": "LFCI210",
        "": "",
    }
    found = {codes[delivery.fault]} - {""}
    if statement in forge.inbox:
        found = {"LFCI210"}
    if not found and isinstance(statement, Run) and not statement.counted and statement.document.tests:
        found = {"LFCI115"}
    return found
