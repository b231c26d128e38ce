"""Six pushers deliver the same attestation at the same moment; two of them with the branch.

1. It is in the notes once, whoever was first; main is at the commit; the landing is recorded once.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import named, noted, recorded

ATTACK = Attack("I", "one attestation delivered six times at once", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    before = noted(forge)
    commit = eve.edit()
    spec = eve.run()
    alone = [lambda: eve.push("-q", "origin", spec)] * 4
    both = [lambda: eve.push("-q", "origin", "main", spec)] * 2
    pushed = scene.together(*alone, *both)
    scene.holds(any(one.status == 0 for one in pushed), "somebody delivered it")
    scene.target.settle(forge.path)
    scene.holds(noted(forge) - before == {named(spec)}, "the attestation is there, once")
    if forge.refs()["refs/heads/main"] != commit:
        scene.passes(eve, "main")
        scene.target.settle(forge.path)
    scene.holds(recorded(forge).get(commit) == 1, "the landing is recorded once")
    scene.holds(not scene.target.waiting(forge.path), "nothing waits")
