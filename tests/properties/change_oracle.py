"""Rules 4 to 16 from the facts, for one change of one protected ref."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.properties.base_oracle import is_pinned, test_codes
from tests.properties.evidence_oracle import Judged, Moment, inputs_of
from tests.properties.expected import APPROVALS, BASE, CHECKS, Expected
from tests.properties.glass_oracle import apply_bypasses
from tests.properties.model import CONFIG, EMPTY, PLAIN, Commit, Guard
from tests.properties.parts import Part, changed_parts, guards_of
from tests.properties.tree_oracle import first_parents, new_commits, unsafe_codes


@dataclass
class Change:
    """One protected ref goes to a commit."""

    moment: Moment
    name: str
    """The ref as the push names it."""
    new: Commit
    answer: Expected = field(default_factory=Expected)
    judged: list[Judged] = field(default_factory=list)
    approved: list[tuple[Part, frozenset[str]]] = field(default_factory=list)
    """Parts, and the identities whose approval of them is right in itself."""

    @property
    def tip(self) -> list[Judged]:
        return [item for item in self.judged if item.commit is self.new]

    def judge(self, policy_file: Expected) -> Expected:
        """All rules; ``policy_file`` is what is wrong with a changed policy."""
        moment, answer = self.moment, self.answer
        old = EMPTY if moment.base is None else moment.base.tree
        stopped = self._stopped()
        for commit in first_parents(self.new, moment.base) if moment.rule.each else [self.new]:
            self._checks(commit)
        answer.adds(policy_file)
        if moment.base is not None or moment.policy.bootstrap == "approval":
            for part in changed_parts(moment.rule, old, self.new.tree):
                if not self._approves(part):
                    self._blame_approvals(part)
        self._pusher()
        self._dependencies()
        self._tests()
        if stopped:  # what else is wrong may be said, or not be looked at
            answer.allowed |= answer.codes | {"LFCI218", "LFCI219"}
            answer.blames.clear()
            answer.blame(self.name, *stopped)
        else:
            apply_bypasses(answer, moment, self.name, moment.ref, self.new)
        if answer.accepted:
            answer.landing[moment.ref] = self.new
        return answer

    # -- rules 3 to 5: nothing else has to be looked at when they refuse ----------------------------------

    def _stopped(self) -> set[str]:
        moment = self.moment
        old = EMPTY if moment.base is None else moment.base.tree
        found = {
            code
            for commit in new_commits(self.new, moment.base)
            for code in unsafe_codes(commit.tree, old, moment.rule)
        }
        exists = moment.ref in moment.forge.refs
        if exists and not moment.rule.any_update and moment.base not in self.new.history():
            found.add("LFCI208")
        return found

    # -- rules 6 to 12 ----------------------------------------------------------------------------------

    def _checks(self, commit: Commit) -> None:
        moment, answer = self.moment, self.answer
        if not moment.rule.needs:
            return
        data = commit.tree.get(CONFIG)
        if data is None:
            answer.blame(self.name, "LFCI404", stage=CHECKS)
            return
        config = moment.documents.configs.get(data[1]) if data[0] == PLAIN else None
        if config is None:
            answer.blame(self.name, "LFCI405", *(["LFCI401"] if data[0] != PLAIN else []), stage=CHECKS)
            return
        malformed = len(commit.trailers) > 1 or (commit.trailers and commit.early_trailer)
        for need in moment.rule.needs:
            definition = config.check(need.check)
            if definition is None:
                answer.blame(self.name, "LFCI406", stage=CHECKS)
                return  # what is required after it is not looked at
            subject = inputs_of(commit.tree, definition.inputs)
            if subject == EMPTY:
                answer.blame(self.name, "LFCI414", stage=CHECKS)
                return
            if malformed:
                answer.blame(self.name, "LFCI409", stage=CHECKS)
                return
            judged = moment.judge(need, commit, definition, subject)
            answer.allowed |= judged.may_say
            answer.either = answer.either or judged.either
            if not judged.met(frozenset()):
                answer.blame(self.name, *judged.says, stage=CHECKS)
            self.judged.append(judged)

    def _pusher(self) -> None:
        """The pusher is a holder whose evidence counts for the new tip."""
        moment = self.moment
        if moment.rule.pusher != "attester":
            return
        name = moment.push.pusher if moment.forge.names_pushers else None
        holders = {key.who for key in moment.policy.keys if name == key.who or name in key.pushers}
        if any(holders & item.attesters for item in self.tip):
            if not all(item.met(frozenset()) for item in self.tip):
                self.answer.allowed.add("LFCI217")
        else:
            self.answer.blame(self.name, "LFCI217")

    # -- rule 13 ------------------------------------------------------------------------------------------

    def _approves(self, part: Part) -> bool:
        """Whether enough identities approve this part and all before it, none of whom the checks need."""
        moment = self.moment
        guard = part.guard
        approvers, _ = moment.approvers(guard.roles, guard.paths, part.origin, part.to, part.paths)
        parts = [*self.approved, (part, approvers)]
        everybody = {who for _, some in parts for who in some}
        torn = sorted(who for who in everybody if any(who in item.attesters for item in self.judged))
        for number in range(1 << len(torn)):
            chosen = everybody - {who for bit, who in enumerate(torn) if not number >> bit & 1}
            if all(len(some & chosen) >= each.guard.threshold for each, some in parts) and all(
                item.spared(chosen) for item in self.judged
            ):
                self.approved.append((part, approvers))
                return True
        return False

    def _blame_approvals(self, part: Part) -> None:
        guard = part.guard
        approvers, wrong = self.moment.approvers(guard.roles, guard.paths, part.origin, part.to, part.paths)
        codes = ("LFCI206", "LFCI215") if approvers or wrong else ("LFCI206",)
        self.answer.blame(self.name, *codes, stage=APPROVALS)

    # -- rule 14 ------------------------------------------------------------------------------------------

    def _dependencies(self) -> None:
        if self.moment.rule.unpinned != "refuse":
            return
        runs = [run for item in self.tip for run in item.counted()]
        if not is_pinned(self.new.tree, runs):
            self.answer.blame(self.name, "LFCI214", stage=BASE)

    def _tests(self) -> None:
        moment = self.moment
        if moment.rule.removed == "allow" or moment.base is None:
            return
        codes: set[str] = set()
        for item in self.tip:
            found = test_codes(moment, item, item.counted())
            if item.ambiguous and found:
                self.answer.either = "which of several groups of attesters counts"
            codes |= found
        if not codes:
            return
        if moment.rule.removed == "approval":
            roles = sorted({role for guard in guards_of(moment.rule) for role in guard.roles})
            whole = Part(Guard(("**",), tuple(roles)), moment.base.tree, self.new.tree)
            if self._approves(whole):
                return
        for code in codes:
            self.answer.blame(self.name, code, stage=BASE)
