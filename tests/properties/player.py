"""Who pushes: makes commits and evidence, pushes them, and checks what must hold after each push."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.properties import oracle
from tests.properties.documents import config_text, policy_text
from tests.properties.model import (
    DAY,
    MAIN,
    POLICY,
    Bypass,
    Commit,
    Config,
    Delivery,
    Documents,
    Evidence,
    Forge,
    Policy,
    Push,
    Run,
    Statement,
    Target,
    Tree,
    Update,
    peeled,
)
from tests.properties.scenery import Chance
from tests.properties.spoil import Careless
from tests.properties.world import Answer, World

START = 1_795_412_400  # 2026-11-23T05:40:00Z
EVIDENCE_REFS = ("refs/lfci/", "refs/notes/lfci")
DRAWS = st.randoms(use_true_random=False)


@dataclass
class Statistics:
    """What was pushed, and what became of it."""

    pushes: int = 0
    accepted: int = 0
    either: int = 0
    moves: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    over_the_wire: int = 0

    def lines(self) -> Iterable[str]:
        yield (
            f"{self.pushes} pushes, {self.accepted} accepted, {self.pushes - self.accepted} refused;"
            f" {self.over_the_wire} over git daemon to the installed hook; {self.either} not foretold"
        )
        yield "codes: " + ", ".join(f"{code} {count}" for code, count in sorted(self.codes.items()))
        yield "moves: " + ", ".join(f"{name} {count}" for name, count in sorted(self.moves.items()))


@dataclass
class Stage:
    """Where worlds are made: a fresh forge to copy, and the git daemon, if one runs."""

    template: Path
    base: Path
    url: str | None = None
    statistics: Statistics = field(default_factory=Statistics)
    enough: int = 1 << 62
    """So many pushes, and the machine does nothing any more."""
    until: float = float("inf")
    """Of time.monotonic: from then on it does nothing any more."""
    found: str = ""
    """The first wrong answer: hypothesis plays it again, and that must not end before."""

    def over(self) -> bool:
        if self.found:
            return False
        return self.statistics.pushes >= self.enough or time.monotonic() >= self.until

    def begin(self) -> None:
        """Forgets what was."""
        self.statistics, self.found = Statistics(), ""

    def wrong(self, what: str) -> AssertionError:
        """Remembers it."""
        self.found = self.found or what
        return AssertionError(what)


class Player(RuleBasedStateMachine):
    """One world and its pushes."""

    stage: Stage
    forge: Forge
    """What is so, by the model."""
    docs: Documents
    world: World
    """The same, real."""
    real: bool
    """Pushes go over git daemon to the installed hook, at the real clock."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.commits: list[Commit] = []
        self.left: list[tuple[str, Commit]] = []
        """Refused, perhaps to be tried again."""
        self.junk: dict[Statement, int] = {}
        """When a fold first saw what no key of the policy signed."""
        self.noted: dict[tuple[str, str], set[bytes]] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    # -- making -------------------------------------------------------------------------------------

    def number(self) -> int:
        return next(self.numbers)

    def client(self, chance: Chance) -> Careless:
        return Careless(self.forge, self.docs, chance, self.number, 120 if self.real else 0)

    def written(self, policy: Policy) -> bytes:
        data = policy_text(policy)
        self.docs.policies[data] = policy
        return data

    def declared(self, config: Config) -> bytes:
        data = config_text(config)
        self.docs.configs[data] = config
        return data

    def commit(self, tree: Tree, *parents: Commit) -> Commit:
        made = Commit(self.number(), tree, parents)
        self.commits.append(made)
        return made

    def tip(self, ref: str = MAIN) -> Commit:
        found = peeled(self.forge.refs[ref])
        assert found is not None
        return found

    def branches(self, *patterns: str) -> list[str]:
        prefixes = patterns or ("refs/heads/",)
        return [ref for ref in self.forge.refs if ref.startswith(prefixes)]

    @property
    def policy(self) -> Policy | None:
        return oracle.authority(self.forge, self.docs)[0]

    # -- pushing -----------------------------------------------------------------------------------

    def push(
        self,
        chance: Chance,
        move: str,
        refs: list[tuple[str, Target | None]],
        *,
        made: list[Delivery] | None = None,
        spoil: bool = True,
    ) -> None:
        """Pushes these refs with all that they need, or (now and then) not quite."""
        if any(new is not None and self._is_in_the_way(name) for name, new in refs):
            return  # git has no branch beside a folder of its name, whatever the gate thinks of it
        updates = []
        for name, new in refs:
            old = self.forge.refs.get(self.forge.aliases.get(name, name))
            if new is not old:
                updates.append(Update(name, old, new))
        client = self.client(chance)
        deliveries = made
        if deliveries is None:
            deliveries = []
            for update in updates:
                commit = None if update.new is None else peeled(update.new)
                if commit is not None:
                    ref = self.forge.aliases.get(update.ref, update.ref)
                    deliveries += client.supply(ref, commit, Push(deliveries=tuple(deliveries)))
                    if chance.one_in(3):
                        deliveries += client.whole(ref, commit, Push(deliveries=tuple(deliveries)))
            if spoil and chance.one_in(2):
                deliveries = client.spoiled(deliveries)
        deliveries = self.fresh(deliveries)
        if deliveries and chance.one_in(6):
            early = Push(deliveries=tuple(deliveries))
            self.send("deliver", early)
            deliveries = []
        if updates:
            self.send(move, Push(tuple(updates), tuple(deliveries), self._pusher(chance, deliveries)))

    def _is_in_the_way(self, name: str) -> bool:
        """Whether a ref is there that git cannot have together with this one. Names below main are refused by
        the gate before."""
        there = self.forge.refs.keys() - {MAIN}
        return any(each.startswith(f"{name}/") or name.startswith(f"{each}/") for each in there)

    def _pusher(self, chance: Chance, deliveries: Iterable[Delivery]) -> str | None:
        """One of those who sign, mostly, by one of the names that the forge may know."""
        policy = self.policy
        if not self.forge.names_pushers or policy is None or chance.one_in(8):
            return None
        signed = [*(each.evidence for each in deliveries), *self.forge.notes[-4:]]
        signers = {each for item in signed if isinstance(item.statement, Run) for each in item.signers}
        keys = [key for key in policy.keys if key.holder in signers] or list(policy.keys)
        if chance.one_in(5):
            keys = list(policy.keys)
        key = chance.pick(keys)
        return chance.pick((key.who, key.who, key.name, *key.pushers, "somebody@example.com"))

    def fresh(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Each statement once; and not what git would call up to date."""
        found: dict[Statement, Delivery] = {}
        for each in deliveries:
            held = self.forge.inbox.get(each.evidence.statement)
            if held != each:
                found.setdefault(each.evidence.statement, each)
        return list(found.values())

    def send(self, move: str, push: Push) -> None:
        """One push, and all that must hold after it."""
        if not (push.updates or push.deliveries):
            return
        if self.real:
            self.forge.clock = int(time.time())
        expected = oracle.judge(self.forge, self.docs, push)
        before, state = self.world.refs(), self.world.state()
        try:
            answer = self.world.push(push, self.forge.clock)
        except Exception as error:
            what = f"{type(error).__name__} {error}\n{self._story(move, push)}"
            raise self.stage.wrong(what) from error
        self._count(move, answer.accepted, answer.codes, expected)
        wrong = expected.disagreement(answer.accepted, set(answer.codes), complete=answer.complete)
        if wrong is not None:
            raise self.stage.wrong(f"{wrong}\n{self._story(move, push)}\n{answer.text}")
        try:
            if answer.accepted:
                self._landed(push, expected, answer)
            else:
                assert self.world.refs() == before, "a refused push moved something"
                assert self.world.state() == state, "a refused push left something in the forge's memory"
        except AssertionError as error:
            raise self.stage.wrong(f"{error}\n{self._story(move, push)}") from error
        if not answer.accepted:
            commits = [(update.ref, peeled(update.new)) for update in push.updates if update.new is not None]
            self.left += [(ref, commit) for ref, commit in commits if commit is not None]

    def _count(self, move: str, accepted: bool, codes: frozenset[str], expected: oracle.Expected) -> None:
        statistics = self.stage.statistics
        if self.stage.found:  # it is played again
            return
        statistics.pushes += 1
        statistics.accepted += accepted
        statistics.either += bool(expected.either)
        statistics.over_the_wire += self.real
        statistics.moves[move] += 1
        statistics.codes.update(codes)

    def _story(self, move: str, push: Push) -> str:
        lines = [f"{move}, at {self.forge.clock}, pusher {push.pusher}, policy {self.policy}"]
        lines += [f"  {each.ref}: {each.old} -> {each.new}" for each in push.updates]
        lines += [f"  with {each}" for each in push.deliveries]
        for update in push.updates:
            commit = None if update.new is None else peeled(update.new)
            text = None if commit is None else commit.tree.plain(POLICY)
            if text is not None and text != oracle.policy_in_force(self.forge):
                lines.append(f"  {update.ref} brings {self.docs.policies.get(text)}")
        return "\n".join(lines)

    def _landed(self, push: Push, expected: oracle.Expected, answer: Answer) -> None:
        for update in push.updates:
            ref = self.forge.aliases.get(update.ref, update.ref)
            if update.new is None:
                del self.forge.refs[ref]
            else:
                self.forge.refs[ref] = update.new
                if ref == MAIN:
                    self.forge.tips.add(self.tip())
        for delivery in push.deliveries:
            self.forge.inbox[delivery.evidence.statement] = delivery
        self.forge.spent |= expected.spent
        self._folded(answer.counted)
        self._same_refs()
        self._same_notes()
        for ref, commit in expected.landing.items():
            broken = any(isinstance(said, Bypass) and said.ref == ref for said in expected.spent)
            how = "Landed by BREAK-GLASS, NOT PASSED," if broken else "Landed"
            assert f"{how} on {ref} at " in self.world.landed(commit), "a landing has no record"
        waiting = [name for name in self.world.state() if name.startswith("accepted/")]
        assert not waiting, f"the journal was not folded: {waiting}"

    def _folded(self, counted: frozenset[str] | None) -> None:
        """What the fold does: evidence that a key of the policy signed, or that a landing counted on, into
        the notes; what is a day old and neither, away."""
        policy = self.docs.policies.get(oracle.policy_in_force(self.forge))
        _, wrong = oracle.authority(self.forge, self.docs)
        if policy is None or wrong:
            return
        holders = {key.holder for key in policy.keys}
        for statement, delivery in list(self.forge.inbox.items()):
            if holders & set(delivery.evidence.good) or self._counts(delivery, counted):
                del self.forge.inbox[statement]
                self.junk.pop(statement, None)
                if delivery.evidence not in self.forge.notes:
                    self.forge.notes.append(delivery.evidence)
                self._note(delivery.evidence)
                if isinstance(statement, Run):
                    self.forge.documents.add(statement.document)
            elif self.forge.clock - self.junk.setdefault(statement, self.forge.clock) >= DAY:
                del self.forge.inbox[statement]
                del self.junk[statement]
        _, version = self.forge.floor or (policy.repository, 0)
        self.forge.floor = (policy.repository, max(version, policy.version))

    def _counts(self, delivery: Delivery, counted: frozenset[str] | None) -> bool:
        texts = self.world.objects.texts
        identifier = str(texts.identifier(delivery.evidence.statement))
        if counted is None:  # nobody told: what was folded tells
            return any(identifier == found for _, found, _ in self.world.noted())
        return identifier in counted

    def _note(self, evidence: Evidence) -> None:
        objects = self.world.objects
        key = (str(objects.subject(evidence.statement)), str(objects.texts.identifier(evidence.statement)))
        self.noted.setdefault(key, set()).update(objects.texts.signatures(evidence))

    def _same_refs(self) -> None:
        objects = self.world.objects
        expected = {ref: str(objects.target(target)) for ref, target in self.forge.refs.items()}
        expected |= {alias: expected[to] for alias, to in self.forge.aliases.items() if to in expected}
        found = self.world.refs()
        inbox = {ref for ref in found if ref.startswith("refs/lfci/inbox/")}
        moved = {ref: oid for ref, oid in found.items() if not ref.startswith(EVIDENCE_REFS)}
        assert moved == expected, "the refs are not where the push put them"
        assert inbox == {objects.inbox_name(each) for each in self.forge.inbox}, "the inbox"

    def _same_notes(self) -> None:
        expected = {(*key, frozenset(signatures)) for key, signatures in self.noted.items()}
        found = self.world.noted()
        assert not expected - found, f"LOST ATTESTATIONS: {expected - found}"
        assert found == expected, "notes that nobody delivered"
