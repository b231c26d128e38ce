"""Good evidence, signed well, by a key that the policy does not know.

1. A stranger signs a passing run of exactly the pushed tree: LFCI103.
2. The same run signed by the agent lands.
"""

from tests.attacks.kit import STRANGER, Attack, Scene

ATTACK = Attack("A", "signed by an unknown key", expect=("LFCI103",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(signer=STRANGER))
    scene.lands(eve, "main", eve.run())
