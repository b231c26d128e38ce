"""The operator's `git gc`, `git repack` and `git pack-refs` run while pushes land.

1. Every push with evidence lands, none without; fsck finds nothing; all evidence is there.
"""

from tests.attacks.kit import Attack, Pushed, Scene
from tests.attacks.landings import named, noted, recorded

ATTACK = Attack("I", "gc, repack and pack-refs while pushes land", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    specs: list[str] = []
    commits: list[str] = []
    done: list[int] = []

    def landings() -> list[Pushed]:
        found = []
        for _ in scene.some(range(6), 2):
            eve.start()
            commits.append(eve.edit())
            specs.append(eve.run())
            found.append(eve.push("-q", "origin", "main", specs[-1]))
        done.append(1)
        return found

    def operator() -> list[Pushed]:
        while not done:
            for command in (("gc", "-q"), ("repack", "-a", "-d", "-q"), ("pack-refs", "--all")):
                forge.repo.git(*command)
        return []

    pushed, _ = scene.together(landings, operator)
    scene.holds(all(one.status == 0 for one in pushed), [one.output for one in pushed if one.status])
    scene.target.settle(forge.path)
    scene.holds({named(spec) for spec in specs} <= noted(forge), "evidence is lost")
    scene.holds(all(recorded(forge).get(commit) == 1 for commit in commits), "a landing is not recorded")
    forge.fsck()
