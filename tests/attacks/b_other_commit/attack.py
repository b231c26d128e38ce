"""Evidence of one commit is delivered with another one.

1. Eve has evidence of her first commit.
2. She pushes her second commit with it: LFCI104, the inputs tree differs.
3. The second commit with evidence of its own lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "evidence of another commit", expect=("LFCI104",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    old = eve.evidence("HEAD")
    eve.edit()
    scene.refused(eve, "main", old)
    scene.lands(eve, "main", eve.evidence("HEAD"))
