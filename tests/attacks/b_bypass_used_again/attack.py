"""A bypass lands its change once; where the rule lets the branch be rewound, the same step is done again
with it.

1. Used: main goes back with checked evidence (the rule allows any update), and the same commit comes
   again with the same bypass: LFCI219 with LFCI101. Also from the notes, where it lies folded: the same.
2. A new bypass for the same step lands.
"""

from tests.attacks.glass import bypass, with_glass
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("B", "a bypass used twice", expect=("LFCI101", "LFCI219"), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=with_glass(update="any"))
    scene.forge.repo.git("config", "receive.denyNonFastForwards", "false")
    eve = scene.eve
    base = eve.tip
    commit = eve.edit()
    spec = bypass(eve)
    scene.lands(eve, "main", spec)
    scene.lands(eve, f"+{base}:{MAIN}", eve.run(base))
    scene.refused(eve, "main", spec)
    scene.refused(eve, "main")
    scene.lands(eve, f"{commit}:{MAIN}", bypass(eve, nonce="BAECAwQFBgcICQoLDA0ODw"))
