"""A bypass that two people gave for one change is used for another one.

1. For another commit (it is not found under this one: LFCI101), another ref, another old tip, another
   repository: LFCI101 and LFCI218.
2. For this one it lands.
"""

from lfci_gate.model import ObjectId
from tests.attacks.glass import bypass, with_glass
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "a bypass of another change", expect=("LFCI101", "LFCI218"))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=with_glass())
    eve = scene.eve
    base = eve.tip
    eve.edit()
    other = bypass(eve)
    eve.start(base)
    eve.edit()
    scene.refused(eve, "main", other, code="LFCI101")
    for changes in scene.some(
        [
            {"ref": "refs/heads/release/1"},
            {"old": ObjectId(eve.rev("HEAD"))},
            {"old": None},
            {"repository": "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12"},
        ]
    ):
        scene.refused(eve, "main", bypass(eve, **changes))
    scene.lands(eve, "main", bypass(eve))
