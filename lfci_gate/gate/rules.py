"""The rules of the gate: push + landed side + now -> verdict. Pure.

No subprocess, no clock, no environment: objects, refs, keys and the time arrive as arguments, so
`pre-push`, `land`, `verify` and `pre-receive` get the same verdict in the same words.

 1. Ref: well-formed name in a known namespace; symbolic refs are followed before anything is
    judged; look-alikes of protected names are refused; unprotected refs pass.
 2. Policy: from the landed side only, strict, never older than one seen before.
 3. Update kind: no deletion of protected refs, fast-forward unless the rule says any; evidence refs
    are the forge's; inbox refs are create-only and their name equals their content.
 4. New commits: raw headers parsed once, duplicates refused; no shallow boundary; scope tip or each.
 5. Tree: every new tree is walked by our own reader.
 6. Checks: the pushed configuration declares each required check; its definition and inputs tree.
 7. Candidates: inbox refs of this push, inbox and notes already there, trailers; bounded.
 8. Signature: by keys of this policy, over the exact bytes, before anything is parsed.
 9. Binding: predicate, inputs tree, repository, definition, flake and lockfile digests, bind extras.
10. Strength: role, engine, hermetic, report, Nix floor, consistency, at least one executed test.
11. Time: max-age, clock skew; the key valid now and not revoked.
12. Threshold: distinct public keys; a newer FAILED by the same key vetoes.
13. Protected paths: approvals by role and threshold of exactly this change.
14. Tests and dependencies against the base: tests that vanished, dependencies that are not pinned, as
    the policy says. Without a result of the base the verdict says that nothing was compared.
15. Verdict: all reasons, not only the first.
16. Break-glass: two or more people whom the policy names let one exact update land without some of what
    rules 6 to 14 ask for. It did not pass, and everything says so.

The contract is docs/formats.md and docs/rules.md; an exception other than the package's own is the
caller's to turn into a refusal with a 5xx code.
"""

from __future__ import annotations

from collections.abc import Iterator

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.gate.authority import Authority, rule_02_policy
from lfci_gate.gate.bases import base_of_new_ref
from lfci_gate.gate.cover import covering_rule
from lfci_gate.gate.evidence import Candidate, EvidenceBook, reason_of
from lfci_gate.gate.facts import Push, View
from lfci_gate.gate.findings import Findings
from lfci_gate.gate.inbox import rule_03_inbox
from lfci_gate.gate.judge import Judge, Target
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.gate.refnames import Namespace, classify
from lfci_gate.gate.results import Results
from lfci_gate.model import ObjectId, Policy, RefUpdate, RefVerdict, Rule, Verdict, VerdictKind


def evaluate(push: Push, view: View) -> Verdict:
    """The verdict about every ref update of a push; one refused ref refuses the push.

    Raises nothing of this package for what was pushed: what is wrong with a ref is in its verdict.
    """
    if not push.updates:
        return Verdict(VerdictKind.UNDECIDED, ())  # nothing was asked, so nothing is allowed
    if len(push.updates) > push.limits.updates:
        reason = reason_of(
            "LFCI411",
            f"{len(push.updates)} ref updates in one push",
            facts=(f"allowed: {push.limits.updates}",),
        )
        refused = (RefVerdict(push.updates[0], VerdictKind.REFUSED, (reason,), ()),)
        return Verdict(VerdictKind.REFUSED, refused)
    evaluation = _Evaluation(push, view)
    verdicts = tuple(evaluation.verdicts())
    kinds = {verdict.kind for verdict in verdicts}
    for kind in (VerdictKind.REFUSED, VerdictKind.UNDECIDED):
        if kind in kinds:
            return Verdict(kind, verdicts)
    return Verdict(VerdictKind.ACCEPTED, verdicts)


class _Evaluation:
    def __init__(self, push: Push, view: View) -> None:
        self._push = push
        self._view = view
        self._objects = view.objects
        self._pushed: dict[ObjectId, list[Candidate]] = {}
        self._pushed_trees: dict[ObjectId, list[ObjectId]] = {}
        self._bundle_bytes = 0
        self._authority_known: Authority | LfciError | None = None
        self._judge_known: Judge | None = None

    def verdicts(self) -> Iterator[RefVerdict]:
        """Inbox refs are taken first, wherever in the push they are, since the others need them."""
        inbox: dict[int, RefVerdict] = {}
        for index, update in enumerate(self._push.updates):
            if update.ref.startswith(Namespace.INBOX.value):
                inbox[index] = self._inbox(update)
        targets: set[str] = set()
        for index, update in enumerate(self._push.updates):
            yield inbox.get(index) or self._branch(update, targets)

    # -- inbox ------------------------------------------------------------------------------

    def _inbox(self, update: RefUpdate) -> RefVerdict:
        findings = Findings()
        try:
            classify(update.ref)
            subject, line = rule_03_inbox(update, self._view, self._push.limits)
            self._bundle_bytes += len(line)
            if self._bundle_bytes > self._push.limits.pushed_bundle_bytes:
                raise Refusal("LFCI411", "more bytes of attestations than are read in one push")
            self._pushed.setdefault(subject, []).append(Candidate("inbox", line))
            assert update.new is not None  # rule 3
            self._pushed_trees.setdefault(subject, []).append(update.new)
        except LfciError as error:
            findings.catch(error)
        return findings.verdict(update)

    # -- branches and tags -------------------------------------------------------------------

    def _branch(self, update: RefUpdate, targets: set[str]) -> RefVerdict:
        findings = Findings()
        try:
            ref = self._rule_01_ref(update, targets)
            authority = self._authority()
            rule = self._rule_of(authority.policy, ref)
            if rule is not None:
                findings.protected = True
                target = self._rule_03_update(update, ref, rule, authority)
                self._judge(authority).judge(target, findings)
        except LfciError as error:
            findings.catch(error, update.new)
        return findings.verdict(update)

    def _rule_01_ref(self, update: RefUpdate, targets: set[str]) -> str:
        """The ref that the push really moves."""
        ref = update.ref
        classify(ref)
        for _ in range(5):  # git's own bound for chains of symbolic refs
            pointed = self._view.symref(ref)
            if pointed is None:
                break
            ref = pointed
            classify(ref)
        else:
            raise Refusal("LFCI212", f"{update.ref} is a symbolic ref that leads nowhere")
        if ref.startswith(Namespace.INBOX.value):
            raise Refusal("LFCI212", f"{update.ref} is a symbolic ref into the inbox")
        if ref in targets:
            raise Refusal("LFCI212", f"{update.ref} moves {ref}, which this push moves already")
        targets.add(ref)
        return ref

    def _authority(self) -> Authority:
        if self._authority_known is None:
            try:
                self._authority_known = rule_02_policy(self._view, self._push.limits)
            except LfciError as error:
                self._authority_known = error
        if isinstance(self._authority_known, LfciError):
            raise self._authority_known
        return self._authority_known

    def _rule_of(self, policy: Policy, ref: str) -> Rule | None:
        view = self._view
        return covering_rule(policy, ref, head=view.head, exists=lambda name: view.ref(name) is not None)

    def _rule_03_update(self, update: RefUpdate, ref: str, rule: Rule, authority: Authority) -> Target:
        if update.new is None:
            raise Refusal("LFCI207", f"{ref} is protected and cannot be deleted")
        if self._view.shallow:
            raise Refusal("LFCI408", "the repository is shallow, so history cannot be judged")
        landed = self._view.ref(ref)
        if landed != update.old:
            raise Undecided("LFCI507", f"{ref} has moved meanwhile", hint="git fetch && lfci land")
        new = peel(self._objects, update.new)
        if ref.startswith(Namespace.BRANCH.value) and new != update.new:
            raise Refusal("LFCI403", f"{ref} must point to a commit, not to a tag")
        read_commit(self._objects, new)  # before git is asked about its history
        old = peel(self._objects, landed) if landed is not None else None
        base = old if old is not None else self._merge_base_with_head(ref, new)
        if old is not None and rule.update == "fast-forward":
            history = self._view.history(old, new, self._push.limits.new_commits)
            if not history.fast_forward:
                raise Refusal(
                    "LFCI208",
                    f"{ref} takes only fast-forward updates",
                    facts=(f"old tip: {old}", f"pushed: {new}"),
                )
        return Target(update, ref, new, base, rule)

    def _merge_base_with_head(self, ref: str, new: ObjectId) -> ObjectId | None:
        """The base of a ref that does not exist yet; None on the first landing of an empty forge.

        Only the branch that HEAD names can have such a first landing: any other ref without a base
        would have no protected parts to approve.
        """
        head = self._view.head
        if head is None or head == ref:
            return None
        tip = self._view.ref(head)
        if tip is None:
            raise Refusal(
                "LFCI206",
                f"nothing has landed on {head} yet, so {ref} has no base to be compared with",
                hint=f"push {head} first",
            )
        return base_of_new_ref(self._view, tip, new)

    def _judge(self, authority: Authority) -> Judge:
        if self._judge_known is None:
            pushed = {subject: tuple(lines) for subject, lines in self._pushed.items()}
            book = EvidenceBook(self._view, authority.policy, self._push.limits, pushed)
            results = Results(self._view, self._pushed_trees, self._push.limits)
            self._judge_known = Judge(self._push, self._view, authority, book, results)
        return self._judge_known
