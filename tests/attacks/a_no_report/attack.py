"""The run has no test report at all where the rule wants one.

1. `tests` is null and the result document lists none: LFCI109.
2. With a report it lands.
"""

from lfci_gate.model import ResultDocument
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("A", "no report where one is required", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(tests=None, document=ResultDocument("test", 0, (), ())))
    scene.lands(eve, "main", eve.run())
