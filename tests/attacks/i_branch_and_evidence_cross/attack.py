"""Branch and evidence come in two pushes at the same moment.

1. The branch lands when its evidence was there, or is refused with LFCI101; never with half of it.
2. Pushed again it lands, and its evidence is there once.
"""

from functools import partial

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import named, noted, recorded

ATTACK = Attack("I", "branch and evidence in two pushes at once", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    for _ in scene.some(range(4), 1):
        eve.start()
        commit = eve.edit()
        spec = eve.run()
        branch, evidence = scene.together(
            *(partial(eve.push, "-q", "origin", what) for what in ("main", spec))
        )
        scene.holds(evidence.status == 0, evidence.output)
        if branch.status != 0:
            scene.holds(scene.target.codes(branch.output) == {"LFCI101"}, branch.output)
            scene.lands(eve, "main")
        scene.target.settle(forge.path)
        scene.holds(named(spec) in noted(forge), "the evidence is there")
        scene.holds(recorded(forge).get(commit) == 1, "the landing is recorded once")
