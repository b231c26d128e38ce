"""What an honest client sends along, and how one of those things goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.properties import oracle
from tests.properties.evidence_oracle import Judged, Moment, inputs_of
from tests.properties.model import (
    CONFIG,
    EMPTY,
    EXECUTABLE,
    FLAKE,
    PLAIN,
    Approval,
    BreakGlass,
    Bypass,
    Check,
    Commit,
    Delivery,
    Document,
    Documents,
    Evidence,
    Finding,
    Forge,
    Key,
    Need,
    Push,
    Run,
    Tree,
)
from tests.properties.parts import changed_parts, guards_of
from tests.properties.scenery import HOUR, Chance
from tests.properties.tree_oracle import first_parents

Tests = tuple[tuple[str, str], ...]
WEAKER: dict[str, Callable[[Tests], Tests]] = {
    "as they are": lambda tests: tests,
    "more": lambda tests: (*tests, ("t::new", "passed")),
    "twice": lambda tests: (*tests, *tests[:1]),
    "fewer": lambda tests: tests[1:],
    "skipped": lambda tests: tuple(
        (name, "skipped") if name == "t::two" else (name, how) for name, how in tests
    ),
    "renamed": lambda tests: tuple((name.replace("one", "uno"), how) for name, how in tests),
}


@dataclass
class Client:
    """Makes evidence; knows what the forge knows."""

    forge: Forge
    documents: Documents
    chance: Chance
    number: Callable[[], int]
    edge: int
    """Seconds that times stay away from every border; 0 where the clock stands still."""

    @property
    def now(self) -> int:
        return self.forge.clock

    # -- what is needed -------------------------------------------------------------------------

    def supply(self, ref: str, new: Commit, push: Push | None = None) -> list[Delivery]:
        """All that is missing for ``new`` to land on ``ref``, as far as somebody can make it."""
        moment = self.moment(ref, new, push or Push())
        if moment is None:
            return []
        made: list[Evidence] = []
        line = first_parents(new, moment.base) if moment.rule.each else [new]
        attesting: set[str] = set()
        for commit in line:
            for need, definition, subject in self._needs(moment, commit):
                judged = moment.judge(need, commit, definition, subject)
                if judged.met(()) and not self.chance.one_in(6):
                    attesting |= judged.attesters
                    continue
                runs = self._runs(moment, judged, definition, subject)
                attesting |= {key.who for key, _ in runs}
                made += [Evidence(run, (key.holder,)) for key, run in runs]
                made += self._findings(moment, need, commit, runs)
        made += self._approvals(moment, new, attesting)
        return [Delivery(each) for each in made]

    def moment(self, ref: str, new: Commit, push: Push) -> Moment | None:
        """The change as the rules see it; None where no rule does."""
        policy, _ = oracle.authority(self.forge, self.documents)
        rule = None if policy is None else oracle.rule_for(policy, ref)
        if policy is None or rule is None:
            return None
        bases = oracle.bases(self.forge, ref, new)
        if not bases:
            return None
        return Moment(self.forge, push, policy, rule, ref, bases[0], self.documents)

    def _needs(self, moment: Moment, commit: Commit) -> Iterator[tuple[Need, Check, Tree]]:
        text = commit.tree.plain(CONFIG)
        config = None if text is None else self.documents.configs.get(text)
        for need in moment.rule.needs if config is not None else ():
            definition = config.check(need.check) if config is not None else None
            if definition is not None:
                yield need, definition, inputs_of(commit.tree, definition.inputs)

    def _runs(
        self, moment: Moment, judged: Judged, definition: Check, subject: Tree
    ) -> list[tuple[Key, Run]]:
        need = judged.need
        able: dict[str, Key] = {}
        for key in moment.policy.keys:
            roles = moment.roles(key, moment.paths(judged.commit))
            if set(need.roles) & roles and moment.counts(key, self.now - HOUR // 2):
                able.setdefault(key.who, key)
        chosen = self.chance.some(sorted(able), need.threshold, need.threshold)
        run = self.run(moment, need, judged.commit, definition, subject)
        return [(able[who], replace(run, serial=self.number())) for who in chosen]

    def run(self, moment: Moment, need: Need, commit: Commit, definition: Check, subject: Tree) -> Run:
        """A passing run as this rule wants it."""
        tests = self.tests(commit.tree) if definition.report else ()
        return Run(
            subject,
            need.check,
            definition,
            Document(need.check, 0, tests),
            tuple(
                (path, commit.tree.plain(path) or b"")
                for path in FLAKE
                if commit.tree.plain(path) is not None
            ),
            self.now - 60,
            self.number(),
            counted=definition.report,
            session="base" in moment.rule.bind and moment.base is not None,
            base=moment.base if "base" in moment.rule.bind else None,
            target=moment.ref if "ref" in moment.rule.bind or self.chance.one_in(4) else None,
            engine=self.chance.pick(need.engines),
            hermetic=need.hermetic or not self.chance.one_in(4),
            repository=moment.policy.repository,
            lockfiles=tuple(
                (path, data, 0)
                for path, (mode, data) in subject.items
                if mode == PLAIN and path.endswith((b"flake.lock", b"uv.lock"))
            ),
        )

    def tests(self, tree: Tree) -> Tests:
        """What the suite of a tree reports: two tests of each file, and some that follow from no file."""
        found = [("t::one", "passed"), ("t::two", "passed"), ("t::idle", "skipped")]
        for path, (mode, _) in tree.items:
            if b"/test_" in path and mode in (PLAIN, EXECUTABLE):
                found += [(f"{path.decode()}::first", "passed"), (f"{path.decode()}::second", "passed")]
        how = self.chance.weighted({each: 12 if each == "as they are" else 1 for each in WEAKER})
        return WEAKER[how](tuple(found))

    def _findings(
        self, moment: Moment, need: Need, commit: Commit, runs: list[tuple[Key, Run]]
    ) -> list[Evidence]:
        if need.assurance not in ("derived", "rebuilt"):
            return []
        made = []
        for key, run in runs:
            verifiers = [
                other
                for other in moment.policy.keys
                if other.who != key.who
                and set(need.verifiers) & moment.roles(other, moment.paths(commit))
                and moment.counts(other, self.now - 60)
            ]
            if not verifiers:
                continue
            method = "rebuilt" if need.assurance == "rebuilt" else self.chance.pick(("derived", "rebuilt"))
            made.append(Evidence(self.finding(run, method), (self.chance.pick(verifiers).holder,)))
        return made

    def finding(self, run: Run, method: str) -> Finding:
        return Finding(
            run.subject,
            run.check,
            run.definition,
            run.drv,
            method,
            self.now - 30,
            self.number(),
            result=run.document if method == "rebuilt" else None,
            system=run.system,
            repository=run.repository,
            about=run,
        )

    def _approvals(self, moment: Moment, new: Commit, attesting: set[str]) -> list[Evidence]:
        if moment.base is None and moment.policy.bootstrap != "approval":
            return []
        old = EMPTY if moment.base is None else moment.base.tree
        made = []
        for part in changed_parts(moment.rule, old, new.tree):
            guard = part.guard
            there, _ = moment.approvers(guard.roles, guard.paths, part.origin, part.to, part.paths)
            able: dict[str, Key] = {}
            for key in moment.policy.keys:
                if set(guard.roles) & moment.roles(key, part.paths) and moment.counts(key, self.now - 60):
                    able.setdefault(key.who, key)
            missing = guard.threshold - len(there - attesting)
            who = [each for each in sorted(able) if each not in attesting | there]
            for each in self.chance.some(who, missing, missing) if missing > 0 else ():
                approval = Approval(
                    part.to,
                    part.origin,
                    moment.ref,
                    guard.paths,
                    self.now - 60,
                    self.number(),
                    moment.policy.repository,
                )
                made.append(Evidence(approval, (able[each].holder,)))
        return made

    def whole(self, ref: str, new: Commit, push: Push) -> list[Delivery]:
        """The approval of the whole change by somebody who did not attest it, if tests may vanish by it."""
        moment = self.moment(ref, new, push)
        if moment is None or moment.base is None or moment.rule.removed != "approval":
            return []
        attesting = {key.who for each in push.deliveries for key in moment.keys(each.evidence.signers)}
        roles = {role for guard in guards_of(moment.rule) for role in guard.roles}
        paths = moment.base.tree.differing(new.tree)
        able = [
            key
            for key in moment.policy.keys
            if roles & moment.roles(key, paths)
            and moment.counts(key, self.now - 60)
            and key.who not in attesting
        ]
        if not able:
            return []
        approval = Approval(
            new.tree, moment.base.tree, ref, ("**",), self.now - 60, self.number(), moment.policy.repository
        )
        return [Delivery(Evidence(approval, (self.chance.pick(able).holder,)))]

    def bypass(self, ref: str, new: Commit) -> list[Delivery]:
        """A bypass by enough people, for this update."""
        moment = self.moment(ref, new, Push())
        if moment is None:
            return []
        glass = moment.rule.glass or BreakGlass(("maintainer",), 2, HOUR, ("checks",))
        able: dict[str, Key] = {}
        for key in moment.policy.keys:
            if set(glass.roles) & moment.roles(key, moment.paths(new)) and moment.counts(key, self.now - 60):
                able.setdefault(key.who, key)
        chosen = self.chance.some(sorted(able), glass.threshold, glass.threshold)
        if not chosen:
            return []
        said = Bypass(
            new,
            ref,
            moment.base if ref in self.forge.refs else None,
            tuple(sorted(glass.waives))
            if self.chance.one_in(2)
            else tuple(self.chance.some(sorted(glass.waives), 1, 4)),
            self.now - 60 + glass.longest,
            self.now - 60,
            self.number(),
            moment.policy.repository,
        )
        return [Delivery(Evidence(said, tuple(able[who].holder for who in chosen)))]


def flake_of(tree: Tree) -> tuple[tuple[bytes, bytes], ...]:
    """Contents of the flake files of a tree."""
    found = ((path, tree.plain(path)) for path in FLAKE)
    return tuple((path, data) for path, data in found if data is not None)
