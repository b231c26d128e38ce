"""Rules 7 to 13 from the facts: which evidence counts for a required check, and who approves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tests.properties.model import (
    EMPTY,
    FLAKE,
    SKEW,
    Approval,
    Check,
    Commit,
    Documents,
    Evidence,
    Finding,
    Forge,
    Key,
    Need,
    Policy,
    Push,
    Rule,
    Run,
    Tree,
)
from tests.properties.patterns import matches
from tests.properties.standing import is_revoked, is_valid, roles_for


def inputs_of(tree: Tree, patterns: Iterable[str]) -> Tree:
    """The tree left when only a check's inputs are kept."""
    chosen = tuple(patterns)
    return tree.kept(lambda path, _: path in FLAKE or matches(chosen, path.decode()))


@dataclass
class Judged:
    """What there is for one required check of one commit."""

    need: Need
    commit: Commit
    passes: list[tuple[Key, Run]] = field(default_factory=list)
    """Runs that count, with the key that signed."""
    says: set[str] = field(default_factory=set)
    """Codes of which one must be said when the requirement is not met."""
    may_say: set[str] = field(default_factory=set)
    either: str = ""

    def groups(self) -> list[frozenset[str]]:
        """Identities that attest it; where they must agree, each group that is enough, else the largest."""
        if self.need.assurance != "corroborated":
            return [frozenset(key.who for key, _ in self.passes)]
        found = [frozenset(key.who for key, _ in group) for group in self._agreeing()]
        enough = [each for each in found if len(each) >= self.need.threshold]
        return enough or sorted(found, key=len)[-1:]

    def _agreeing(self) -> list[list[tuple[Key, Run]]]:
        found: dict[object, list[tuple[Key, Run]]] = {}
        for key, run in self.passes:
            found.setdefault((run.drv, run.document), []).append((key, run))
        return list(found.values())

    @property
    def attesters(self) -> frozenset[str]:
        return frozenset(who for group in self.groups() for who in group)

    def met(self, without: Collection[str]) -> bool:
        """Whether enough identities attest it, these left out."""
        return any(len(group - set(without)) >= self.need.threshold for group in self.groups())

    def spared(self, without: Collection[str]) -> bool:
        """Whether it is attested no worse when these approve instead: who is short of attesters for other
        reasons need not find still more of them."""
        most = max((len(group) for group in self.groups()), default=0)
        enough = min(self.need.threshold, most)
        return enough == 0 or any(len(group - set(without)) >= enough for group in self.groups())

    def counted(self) -> list[Run]:
        """Of each key the newest run that counts; where results must agree, of those that do."""
        some = self.passes
        if self.need.assurance == "corroborated" and some:
            some = max(self._agreeing(), key=lambda group: len({key.who for key, _ in group}))
        newest: dict[str, Run] = {}
        for key, run in some:
            held = newest.get(key.holder)
            if held is None or held.issued < run.issued:
                newest[key.holder] = run
        return list(newest.values())

    @property
    def ambiguous(self) -> bool:
        """Whether it is left open which runs are counted."""
        ties = any(
            one.holder == other.holder and run.issued == late.issued and run.document != late.document
            for one, run in self.passes
            for other, late in self.passes
        )
        return ties or (self.need.assurance == "corroborated" and len(self._agreeing()) > 1)


@dataclass(frozen=True)
class Moment:
    """One change at one moment, and everything that was ever said about it."""

    forge: Forge
    push: Push
    policy: Policy
    rule: Rule
    ref: str
    base: Commit | None
    documents: Documents

    @property
    def now(self) -> int:
        return self.forge.clock

    def pool(self, commit: Commit | None = None) -> list[Evidence]:
        """All evidence, with that of the commit's own trailers."""
        found = [*self.forge.evidence(), *(each.evidence for each in self.push.deliveries)]
        if commit is not None and len(commit.trailers) == 1 and not commit.early_trailer:
            found += commit.trailers
        return list(dict.fromkeys(found))

    def keys(self, holders: Iterable[str]) -> list[Key]:
        return [key for key in self.policy.keys if key.holder in holders]

    def roles(self, key: Key, paths: Collection[bytes]) -> frozenset[str]:
        return roles_for(self.policy, key, self.ref, paths, self.now)

    def counts(self, key: Key, issued: int) -> bool:
        """The key is valid now and was then, and is not revoked."""
        return is_valid(key, self.now) and is_valid(key, issued) and not is_revoked(key, self.now)

    def paths(self, commit: Commit) -> frozenset[bytes]:
        """What changed between the base and a commit."""
        return (EMPTY if self.base is None else self.base.tree).differing(commit.tree)

    def time_codes(self, issued: int) -> set[str]:
        found = set()
        if self.rule.max_age is not None and issued < self.now - self.rule.max_age:
            found.add("LFCI107")
        if issued > self.now + SKEW:
            found.add("LFCI113")
        return found

    # -- checks ------------------------------------------------------------------------------------

    def judge(self, need: Need, commit: Commit, definition: Check, subject: Tree) -> Judged:
        judged = Judged(need, commit)
        paths = self.paths(commit)
        passes: list[tuple[Key, Run]] = []
        failures: list[tuple[str, Run]] = []
        for item in self.pool(commit):
            run = item.statement
            here = getattr(run, "subject", None) == subject
            brought = any(item == each.evidence for each in self.push.deliveries)
            if not isinstance(run, Run) or run.check != need.check:
                # Where too little is attested, all is told that is wrong with what the push brought.
                if (here or brought) and not self.keys(item.good):
                    judged.may_say |= {"LFCI102", "LFCI103"}
                if isinstance(run, Approval) and run.to == subject and not self.keys(item.good):
                    judged.may_say |= {"LFCI102", "LFCI103"}
                continue
            if not here:
                if brought:
                    judged.may_say |= {"LFCI102", "LFCI103", "LFCI104"}
                    judged.says |= {"LFCI101", "LFCI104"}
                continue
            known = self.keys(item.good)
            if not known:
                judged.says.add("LFCI102" if item.spoiled and self.keys(item.signers[:1]) else "LFCI103")
                if run in self.forge.inbox:  # what a fold found to be junk is passed over
                    judged.says.add("LFCI101")
                continue
            bound = self._binding(run, definition, commit)
            weak = self._weakness(run, need)
            for key in known:
                wrong = set(bound) | weak | self.time_codes(run.issued)
                if not set(need.roles) & self.roles(key, paths):
                    wrong.add("LFCI109")
                if not self.counts(key, run.issued):
                    wrong.add("LFCI103")
                if not run.passed:
                    judged.says |= wrong | {"LFCI108"}
                    if "LFCI103" not in wrong and not bound:
                        failures.append((key.who, run))
                    continue
                judged.says |= wrong
                if not wrong:
                    passes.append((key, run))
        self._count(judged, passes, failures)
        judged.may_say |= judged.says
        if not judged.says:
            judged.says.add("LFCI101")
        return judged

    def _count(self, judged: Judged, passes: list[tuple[Key, Run]], failures: list[tuple[str, Run]]) -> None:
        for key, run in passes:
            cut = [
                failed.issued
                for other, failed in failures
                if other == key.who and failed.system == run.system
            ]
            if cut and run.issued <= max(cut):
                judged.says.add("LFCI108")
                continue
            judged.passes.append((key, run))
        enough = len({key.who for key, _ in judged.passes}) >= judged.need.threshold
        if enough and judged.need.assurance in ("derived", "rebuilt"):
            self._verified(judged)  # where too few attest it, that is what is said
        if judged.passes and not judged.met(()):
            judged.says.add("LFCI111")
            attesting = {key.who for key, _ in judged.passes}
            if judged.need.assurance == "corroborated" and len(attesting) >= judged.need.threshold:
                judged.says.add("LFCI116")

    def _binding(self, run: Run, definition: Check, commit: Commit) -> set[str]:
        wrong = set()
        if run.repository != self.policy.repository:
            wrong.add("LFCI105")
        if run.definition != definition:
            wrong.add("LFCI106")
        for path in FLAKE:
            pushed = commit.tree.plain(path)
            if pushed is not None and path not in dict(run.flake):
                wrong.add("LFCI114")
        for path, data in (*run.flake, *((path, data) for path, data, _ in run.lockfiles)):
            if commit.tree.plain(path) != data:
                wrong.add("LFCI114")
        if "base" in self.rule.bind:
            said = run.base if run.session else None
            if said is not self.base:
                wrong.add("LFCI112")
        if "ref" in self.rule.bind and run.target != self.ref:
            wrong.add("LFCI112")
        return wrong

    def _weakness(self, run: Run, need: Need) -> set[str]:
        weak = run.engine not in need.engines
        weak |= need.hermetic and not run.hermetic
        weak |= need.report and not run.counted
        document = run.document
        executed = document.count("passed") + document.count("failed")
        weak |= run.counted and executed == 0
        weak |= run.started_after
        if run.passed:
            weak |= document.exit_code != 0 or document.count("failed") > 0
        if self.rule.nix is not None:
            weak |= _version(run.nix) < _version(self.rule.nix)
        return {"LFCI109"} if weak else set()

    # -- assurance ---------------------------------------------------------------------------------

    def _verified(self, judged: Judged) -> None:
        """Keeps the runs that a verifier stands for, and that none speaks against."""
        judged.passes = [(key, run) for key, run in judged.passes if self._stands(judged, key.who, run)]

    def _stands(self, judged: Judged, who: str, run: Run) -> bool:
        """Somebody else verified the run, and no verifier's last word is against it."""
        good = False
        for verifier, words in self._words(judged, run).items():
            for doubt, has_role in words:
                if (
                    has_role
                    and _is_against(doubt, run)
                    and not any(_clears(each, doubt, run) for each, _ in words)
                ):
                    judged.says.add("LFCI117")
                    return False
            said = [each for each, has_role in words if has_role and verifier != who]
            good = good or any(self._confirms(judged.need, each, run) for each in said)
        if not good:
            judged.says.add("LFCI116")
        return good

    def _words(self, judged: Judged, run: Run) -> dict[str, list[tuple[Finding, bool]]]:
        """What is said about runs of this derivation, by identity, and whether by a verifier's key."""
        found: dict[str, list[tuple[Finding, bool]]] = {}
        for item in self.pool(judged.commit):
            said = item.statement
            if not isinstance(said, Finding) or _subject_matter(said) != _subject_matter(run):
                continue
            for key in self.keys(item.good):
                if self.counts(key, said.issued):
                    roles = self.roles(key, self.paths(judged.commit))
                    has_role = bool(set(judged.need.verifiers) & roles)
                    found.setdefault(key.who, []).append((said, has_role))
        return found

    def _confirms(self, need: Need, said: Finding, run: Run) -> bool:
        if not said.reproduced or self.time_codes(said.issued):
            return False
        if said.method == "rebuilt":  # of a run with another result it says nothing good
            return said.result == run.document
        return need.assurance == "derived"

    # -- approvals ---------------------------------------------------------------------------------

    def approvers(
        self, roles: Iterable[str], paths: tuple[str, ...], origin: Tree, to: Tree, changed: Collection[bytes]
    ) -> tuple[frozenset[str], bool]:
        """Identities whose approval of exactly this step counts, and whether there is any that does not."""
        counted, wrong = set(), False
        for item in self.pool():
            said = item.statement
            if not isinstance(said, Approval) or said.to != to:
                if getattr(said, "subject", None) == to:
                    wrong = True
                continue
            right = (said.origin, said.ref, said.paths, said.repository) == (
                origin,
                self.ref,
                paths,
                self.policy.repository,
            ) and not self.time_codes(said.issued)
            keys = self.keys(item.good)
            for key in keys:
                role = set(roles) & self.roles(key, changed)
                if right and role and self.counts(key, said.issued):
                    counted.add(key.who)
                else:
                    wrong = True
            wrong = wrong or not keys
        return frozenset(counted), wrong


def _subject_matter(said: Finding | Run) -> object:
    return said.subject, said.repository, said.check, said.definition, said.drv, said.system


def _is_against(said: Finding, run: Run) -> bool:
    """A doubt about this run; one about another run of the derivation too, unless the rebuild gave just
    what this run claims."""
    return not said.reproduced and (
        said.about == run or said.method == "derived" or said.result != run.document
    )


def _clears(said: Finding, doubt: Finding, run: Run) -> bool:
    """A newer word of the same verifier, by as good a method, about this run's result."""
    as_good = said.method == "rebuilt" or doubt.method == "derived"
    right = said.method == "derived" or said.result == run.document
    return said.reproduced and as_good and right and said.issued > doubt.issued


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    while numbers[-1] == 0:  # 2.18.0 is 2.18
        numbers.pop()
    return tuple(numbers)
