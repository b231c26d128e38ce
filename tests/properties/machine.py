"""The machine that pushes: rules of hypothesis that change the world and push to it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.properties import oracle, scenery
from tests.properties.model import (
    CONFIG,
    DAY,
    ELSEWHERE,
    MAIN,
    PLAIN,
    POLICY,
    Commit,
    Config,
    Delivery,
    Documents,
    Forge,
    Key,
    Odd,
    Policy,
    Push,
    Tag,
    Target,
    Tree,
)
from tests.properties.player import Player
from tests.properties.scenery import HOUR, Chance
from tests.properties.world import World

START = 1_795_412_400  # 2026-11-23T05:40:00Z
EVIDENCE_REFS = ("refs/lfci/", "refs/notes/lfci")
DRAWS = st.randoms(use_true_random=False)


class Pushes(Player):
    """All that can happen."""

    # -- the beginning ----------------------------------------------------------------------------

    @initialize(random=DRAWS)
    def begin(self, random: Random) -> None:
        chance = Chance(random)
        self.real = self.stage.url is not None and chance.one_in(10)
        base = Path(tempfile.mkdtemp(dir=self.stage.base))
        url = f"{self.stage.url}/{base.name}" if self.real else None
        self.world = World(base, self.stage.template, url=url)
        self.docs = Documents()
        now = int(time.time()) if self.real else START
        policy = scenery.policy(chance, now)
        names_pushers = not self.real and chance.one_in(2)
        if not names_pushers:  # else nothing would ever land
            policy = replace(policy, rules=tuple(replace(each, pusher="any") for each in policy.rules))
        self.forge = Forge(self.written(policy), now, names_pushers=names_pushers)
        self.world.set_bootstrap(self.forge.bootstrap)
        if names_pushers:
            self.world.name_pushers()
        if chance.one_in(5):
            self._serve(chance, policy)
        if chance.one_in(4):
            self.forge.aliases["refs/heads/alias"] = MAIN
            self.world.set_alias("refs/heads/alias", MAIN)
        files = {
            **scenery.FILES,
            CONFIG: (PLAIN, self.declared(scenery.config(chance))),
            POLICY: (PLAIN, self.forge.bootstrap),
        }
        if chance.one_in(12):
            del files[POLICY]
        first = self.commit(Tree.of(files))
        if chance.one_in(8):
            self.push(chance, "too early", [("refs/heads/release/1", first)], spoil=False)
        self.push(chance, "first landing", [(MAIN, first)])
        if MAIN not in self.forge.refs:
            self.push(chance, "first landing", [(MAIN, first)], spoil=False)

    # -- the rules of the game -------------------------------------------------------------------------

    def started(self) -> bool:
        return MAIN in self.forge.refs

    @precondition(lambda self: MAIN not in self.forge.refs)
    @rule(random=DRAWS)
    def land_first(self, random: Random) -> None:
        """The first landing was refused: again, also with other files."""
        chance = Chance(random)
        first = self.commits[0]
        if chance.one_in(2):
            first = self.commit(scenery.edited(chance, first.tree, self.number()))
        self.push(chance, "first landing", [(MAIN, first)], spoil=chance.one_in(4))

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def change(self, random: Random) -> None:
        """One to three commits on a branch."""
        chance = Chance(random)
        ref = chance.pick([MAIN, MAIN, *self.branches()])
        at = self.tip(ref)
        for _ in range(chance.weighted({1: 4, 2: 1, 3: 1})):
            at = self.commit(scenery.edited(chance, at.tree, self.number()), at)
        self.push(chance, "change", [(ref, at)])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def change_with_a_trailer(self, random: Random) -> None:
        """The evidence is in the commit's message."""
        chance = Chance(random)
        ref = chance.pick([MAIN, *self.branches()])
        at = self.tip(ref)
        tip = self.commit(scenery.edited(chance, at.tree, self.number()), at)
        client = self.client(chance)
        made = client.supply(ref, tip)
        if chance.one_in(4):
            made = client.spoiled(made)
        inline = made[: chance.weighted({1: 5, 2: 1})]
        tip = replace(tip, trailers=tuple(each.evidence for each in inline), early_trailer=chance.one_in(8))
        self.commits[-1] = tip
        self.push(chance, "trailer", [(ref, tip)], made=made[len(inline) :])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def configure(self, random: Random) -> None:
        """Another .lfci/config.toml: different checks, nonsense, none."""
        chance = Chance(random)
        ref = chance.pick([MAIN, *self.branches()])
        at = self.tip(ref)
        before = self.docs.configs.get(at.tree.plain(CONFIG) or b"", scenery.config(chance))
        text = chance.weighted(
            {self.declared(scenery.other_config(chance, before)): 4, b"version = 2\n": 1, b"": 1}
        )
        tree = at.tree.edited({CONFIG: (PLAIN, text) if text else None})
        if chance.one_in(8):
            nothing = replace(before.checks[0], inputs=("nothing/here",))
            text = self.declared(Config((nothing,)))
            tree = tree.edited({CONFIG: (PLAIN, text), b"flake.nix": None, b"flake.lock": None})
        self.push(chance, "configure", [(ref, self.commit(tree, at))])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def govern(self, random: Random) -> None:
        """Another .lfci/policy.toml."""
        chance = Chance(random)
        ref = chance.pick([MAIN, MAIN, MAIN, *self.branches("refs/heads/release/")])
        at = self.tip(ref)
        tree = at.tree.edited({POLICY: self._proposal(chance)})
        if chance.one_in(4):
            tree = scenery.edited(chance, tree, self.number())
        self.push(chance, "govern", [(ref, self.commit(tree, at))], spoil=chance.one_in(3))

    def _proposal(self, chance: Chance) -> tuple[int, bytes] | None:
        held = oracle.policy_in_force(self.forge)
        landed = self.docs.policies.get(oracle.landed_policy(self.forge) or held)
        now = self.forge.clock
        if landed is None or chance.one_in(12):
            return None if chance.one_in(2) else (PLAIN, b"version = 0\n")
        fresh = scenery.policy(chance, now, landed.version + chance.pick((1, 1, 1, 1, 5, 0, -1)))
        if fresh.version < 1:
            fresh = replace(fresh, version=1)
        how = chance.weighted(
            {"fresh": 5, "same, newer": 2, "repository": 1, "no main": 1, "nobody": 1, "rotate": 3}
        )
        if how == "same, newer":
            fresh = replace(landed, version=fresh.version)
        elif how == "repository":
            fresh = replace(fresh, repository=ELSEWHERE)
        elif how == "no main":
            rules = tuple(replace(each, refs=scenery.RELEASE) for each in fresh.rules)
            fresh = replace(fresh, rules=rules)
        elif how == "nobody":
            keys = tuple(key for key in fresh.keys if "maintainer" not in key.roles)
            fresh = replace(fresh, keys=keys)
        elif how == "rotate":
            fresh = replace(landed, version=fresh.version, keys=self._rotated(chance, landed))
        return (PLAIN, self.written(fresh))

    def _rotated(self, chance: Chance, landed: Policy) -> tuple[Key, ...]:
        """With one key revoked, or gone, or for some time only."""
        chosen = chance.pick(landed.keys)
        now = self.forge.clock
        other = chance.pick(
            (
                replace(chosen, revoked=now + chance.pick((0, HOUR))),
                replace(chosen, valid_from=None, valid_until=now + HOUR),
                None,
            )
        )
        kept = [other if each is chosen else each for each in landed.keys]
        return tuple(each for each in kept if each is not None)

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def promote(self, random: Random) -> None:
        """A new branch or tag, at what has landed, or at something new, or at nothing related."""
        chance = Chance(random)
        ref = chance.pick(
            (
                "refs/heads/release/1",
                "refs/heads/release/2",
                "refs/heads/contrib/x",
                "refs/tags/v1",
                "refs/tags/v2",
            )
        )
        landed = self.tip().history()
        where = chance.weighted({"tip": 4, "landed": 2, "new": 3, "any": 1, "orphan": 1, "odd": 1})
        new: Target
        if where == "tip":
            new = landed[0]
        elif where == "landed":
            new = chance.pick(landed)
        elif where == "new":
            at = chance.pick(landed[:3])
            new = self.commit(scenery.edited(chance, at.tree, self.number()), at)
        elif where == "any":
            new = chance.pick(self.commits)
        elif where == "orphan":
            new = self.commit(scenery.edited(chance, self.tip().tree, self.number()))
        else:
            new = Odd(chance.pick(("blob", "tree")))
        if ref.startswith("refs/tags/"):
            for _ in range(chance.weighted({0: 2, 1: 3, 2: 1})):
                new = Tag(self.number(), new)
        elif isinstance(new, Odd):
            new = landed[0]
        self.push(chance, "promote", [(ref, new)])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def move_anywhere(self, random: Random) -> None:
        """A ref goes to some commit that is there: forward, back, or aside."""
        chance = Chance(random)
        ref = chance.pick([*self.forge.refs])
        near = [*self.tip().history()[:4], *self.commits[-4:]]
        self.push(chance, "move", [(ref, chance.pick(near))], spoil=chance.one_in(4))

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def delete(self, random: Random) -> None:
        chance = Chance(random)
        ref = chance.pick([*self.forge.refs])
        self.push(chance, "delete", [(ref, None)])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def topic(self, random: Random) -> None:
        """Refs that no rule covers: whatever they hold."""
        chance = Chance(random)
        ref = chance.pick(("refs/heads/topic/a", "refs/heads/topic/b", "refs/tags/any", "refs/notes/mine"))
        at = chance.pick(self.commits[-5:])
        tree = scenery.edited(chance, at.tree, self.number())
        if chance.one_in(6):
            tree = tree.edited({POLICY: (PLAIN, b"nonsense\n")})
        self.push(chance, "topic", [(ref, self.commit(tree, at))], made=[])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def merge(self, random: Random) -> None:
        """A merge of a branch, or of commits that nobody attested, either side first; then criss-cross."""
        chance = Chance(random)
        ref = chance.pick([MAIN, MAIN, *self.branches()])
        one = self.tip(ref)
        other = chance.pick([*(self.tip(each) for each in self.branches()), *self.commits[-4:]])
        if other is one or chance.one_in(2):
            root = chance.pick(one.history()[:3])
            other = self.commit(scenery.edited(chance, root.tree, self.number()), root)
            other = self.commit(scenery.edited(chance, other.tree, self.number()), other)
        made = self.commit(merged(one, other), one, other)
        if chance.one_in(4):
            made = self.commit(merged(other, one), other, one)
        if chance.one_in(4):  # two merges of the same two, merged again
            cross = self.commit(merged(other, one), other, one)
            made = self.commit(merged(made, cross), made, cross)
        self.push(chance, "merge", [(ref, made)])

    @precondition(lambda self: self.started() and bool(self.left))
    @rule(random=DRAWS)
    def try_again(self, random: Random) -> None:
        """What was refused: as it is with what is missing, or rebased."""
        chance = Chance(random)
        ref, commit = chance.pick(self.left[-4:])
        if ref in self.forge.refs and chance.one_in(2):
            onto = self.tip(ref)
            commit = self.commit(replayed(commit, onto), onto)
        self.push(chance, "again", [(ref, commit)], spoil=False)

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def approve_then_rebase(self, random: Random) -> None:
        """Approvals and runs arrive first, then others land, then the change, rebased."""
        chance = Chance(random)
        base = self.tip()
        kind = chance.pick(("tests", "flake", "docs", "generated", "rename protected folder"))
        mine = self.commit(scenery.by(kind, base.tree, self.number()), base)
        client = self.client(chance)
        self.send("deliver", Push(deliveries=tuple(self.fresh(client.supply(MAIN, mine)))))
        if not self.started():
            return
        kind = chance.pick(("source", "docs", "generated", "tests"))
        other = self.commit(scenery.by(kind, base.tree, self.number()), base)
        self.push(chance, "change", [(MAIN, other)], spoil=False)
        onto = self.tip()
        if chance.one_in(3) and not self.real:
            self.forge.clock += chance.pick((HOUR, DAY, 8 * DAY))
        rebased = self.commit(replayed(mine, onto), onto)
        made = self.client(chance).supply(MAIN, rebased)
        if chance.one_in(3):
            made = made[:1]
        self.push(chance, "rebase", [(MAIN, rebased)], made=made)

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def break_glass(self, random: Random) -> None:
        """A change that lacks something, with a bypass; perhaps once more after the ref went back."""
        chance = Chance(random)
        ref = chance.pick([MAIN, MAIN, *self.branches()])
        at = self.tip(ref)
        new = self.commit(scenery.edited(chance, at.tree, self.number()), at)
        client = self.client(chance)
        made = client.supply(ref, new)
        made = chance.some(made, 0, len(made))
        made += client.bypass(ref, new)
        if chance.one_in(3):
            made = client.spoiled(made)
        self.push(chance, "break glass", [(ref, new)], made=made)
        if self.forge.refs.get(ref) is new and not self.real and chance.one_in(2):
            self.forge.refs[ref] = at  # an operator who takes it back; the bypass stays used
            self.world.move(ref, at)
            self.push(chance, "break glass", [(ref, new)], made=[])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def deliver(self, random: Random) -> None:
        """Evidence alone, some of it again."""
        if oracle.authority(self.forge, self.docs)[1]:
            return  # it would be taken, and wait for a fold that finds a policy
        chance = Chance(random)
        ref = chance.pick([MAIN, *self.branches()])
        client = self.client(chance)
        made = client.supply(ref, chance.pick(self.commits[-4:]))
        if chance.one_in(3):
            made = client.spoiled(made)
        known = [*self.forge.evidence()]
        if known and chance.one_in(4):
            again = chance.pick(known)
            made.append(Delivery(again))
        self.send("deliver", Push(deliveries=tuple(self.fresh(made))))

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def several(self, random: Random) -> None:
        """Two refs in one push."""
        chance = Chance(random)
        at = self.tip()
        new = self.commit(scenery.edited(chance, at.tree, self.number()), at)
        others = ("refs/heads/release/3", "refs/heads/topic/c", "refs/tags/v3", *self.forge.aliases)
        self.push(chance, "several", [(MAIN, new), (chance.pick(others), chance.pick((new, at)))])

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def odd_names(self, random: Random) -> None:
        chance = Chance(random)
        ref = chance.pick(
            (
                "refs/heads/Main",
                "refs/heads/MAIN",
                "refs/heads/refs/heads/main",
                "refs/heads/main/x",
                "refs/tags/main",
                "refs/replace/" + "1" * 40,
                "refs/odd/x",
                "refs/heads/release",
                "refs/heads/Release/1",
                "refs/notes/lfci",
                "refs/notes/lfci-landed",
                "refs/lfci/results",
                "refs/heads/alias",
            )
        )
        if ref == "refs/heads/alias" and ref not in self.forge.aliases:
            ref = "refs/heads/Main"
        at = self.tip()
        new = self.commit(scenery.by("source", at.tree, self.number()), at)
        made = self.client(chance).supply(MAIN, new) if chance.one_in(2) else []
        self.push(chance, "odd name", [(ref, new)], made=made)

    @precondition(lambda self: self.started() and not self.real)
    @rule(random=DRAWS)
    def time_passes(self, random: Random) -> None:
        """To a border that the policy knows, or by some hours or days."""
        chance = Chance(random)
        policy = self.policy
        borders = [
            at
            for key in (() if policy is None else policy.keys)
            for at in (key.valid_from, key.valid_until, key.revoked)
            if at is not None and at > self.forge.clock
        ]
        if borders and chance.one_in(2):
            self.forge.clock = max(self.forge.clock, chance.pick(borders) - chance.pick((0, 1)))
        else:
            self.forge.clock += chance.pick((60, HOUR - 60, HOUR, DAY, 7 * DAY))

    @precondition(lambda self: self.started())
    @rule(random=DRAWS)
    def operate(self, random: Random) -> None:
        """An operator names a policy of the server's, or an old backup comes back."""
        chance = Chance(random)
        what = chance.weighted({"serve": 2, "do not serve": 2, "restore": 1})
        policy = self.policy
        if what == "serve" and policy is not None:
            version = policy.version + chance.pick((0, 1, 1, -1))
            self._serve(chance, replace(scenery.policy(chance, self.forge.clock), version=max(version, 1)))
        elif what == "do not serve" and self.forge.server_policy is not None:
            self.forge.server_policy = None
            self.world.set_server_policy(None)
        elif what == "restore":
            back = chance.pick(self.tip().history()[:3])
            self.world.objects.commit(back)
            self.forge.refs[MAIN] = back
            self.world.move(MAIN, back)

    def _serve(self, chance: Chance, policy: Policy) -> None:
        self.forge.server_policy = self.written(policy)
        self.world.set_server_policy(self.forge.server_policy)

    @precondition(lambda self: self.started() and self.world.pushes % 7 == 0)
    @rule()
    def check_objects(self) -> None:
        self.world.fsck()


def merged(one: Commit, other: Commit) -> Tree:
    """The first one's files with what the other one changed since they parted."""
    bases = oracle.merge_bases(one, other)
    if not bases:
        return other.tree
    changes = {path: other.tree.get(path) for path in bases[0].tree.differing(other.tree)}
    return one.tree.edited(changes)


def replayed(commit: Commit, onto: Commit) -> Tree:
    """What a commit changed, on another base."""
    if not commit.parents:
        return commit.tree
    changes = {path: commit.tree.get(path) for path in commit.parents[0].tree.differing(commit.tree)}
    return onto.tree.edited(changes)
