"""A branch that was judged is pushed again with other contents under the same name, while its evidence
waits.

1. Evidence first, as a push of its own. Then another commit under the branch name: LFCI101, the evidence
   is about a tree. Then the right one with the evidence and the wrong one on a release branch, in one
   push: LFCI104 or LFCI101, nothing lands.
2. The right one lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "evidence first, then another commit", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    good = eve.edit()
    scene.lands(eve, eve.run())
    eve.start(base)
    bad = eve.edit()
    scene.refused(eve, f"{bad}:refs/heads/main")
    scene.refused(eve, f"{good}:refs/heads/main", f"{bad}:refs/heads/release/1")
    scene.lands(eve, f"{good}:refs/heads/main")
