"""Evidence of a fork: the same tree, the same definition, the same key, another repository id.

1. LFCI105.
2. With this repository's id it lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "evidence of another repository", expect=("LFCI105",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    for other in scene.some(("0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12", "00000000-0000-0000-0000-000000000000")):
        scene.refused(eve, "main", eve.run(repository=other))
    scene.lands(eve, "main", eve.run())
