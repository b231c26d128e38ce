"""A commit is pushed with nothing that says it was checked.

1. Eve pushes main alone: LFCI101.
2. With evidence it lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("A", "no evidence at all", expect=("LFCI101",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.evidence("HEAD"))
