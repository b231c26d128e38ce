"""A push that is larger than the operator allows, and one that fills its quarantine.

1. `receive.maxInputSize`: git refuses, before the gate is asked, and keeps nothing of it.
2. A small one lands.
"""

import os

from tests.attacks.kit import GIT, Attack, Scene

ATTACK = Attack("I", "a push larger than the operator allows", expect=(GIT,))


def mount(scene: Scene) -> None:
    eve = scene.eve
    scene.forge.repo.git("config", "receive.maxInputSize", "1m")
    base = eve.tip
    eve.edit({"src/large.bin": os.urandom(3 << 20)})
    scene.refused(eve, "main", eve.run())
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.run())
