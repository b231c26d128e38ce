"""Two attested changes are pushed at the same moment, both on the same base.

1. In each round exactly one lands; the other is refused, by the gate (LFCI507) or by git's
   compare-and-swap.
2. The record has the winners, each once, and no loser. The loser lands after a rebase, with new evidence.
"""

from tests.attacks.kit import Attack, Person, Scene
from tests.attacks.landings import recorded, two_hours_later

ATTACK = Attack("I", "two landings on one base at once", quick=True, gateless=False)


def mount(scene: Scene) -> None:
    people = (scene.eve, scene.ada, scene.person("bob"))
    winners: list[str] = []
    losers: list[str] = []
    for _ in scene.some(range(4), 1):
        specs = []
        for who in people:
            who.start()
            specs.append((who, who.edit(), who.run(attester=who.path.name)))

        def push(who: Person, spec: str) -> int:
            return who.push("-q", "origin", "main", spec).status

        statuses = scene.together(*(lambda w=who, s=spec: push(w, s) for who, _, spec in specs))
        scene.holds(statuses.count(0) == 1, f"{statuses.count(0)} pushes landed on one base")
        winner = specs[statuses.index(0)][1]
        scene.holds(scene.forge.refs()["refs/heads/main"] == winner, "main is at the winner")
        winners.append(winner)
        losers += [commit for _, commit, _ in specs if commit != winner]
    scene.target.settle(scene.forge.path)
    record = recorded(scene.forge)
    scene.holds(all(record.get(winner) == 1 for winner in winners), "every winner is recorded once")
    scene.holds(not set(losers) & set(record), "no loser is recorded")
    two_hours_later(scene.forge)
    scene.holds(not scene.target.waiting(scene.forge.path), "nothing waits")
    scene.eve.start()
    scene.eve.edit()
    scene.lands(scene.eve, "main", scene.eve.run())
