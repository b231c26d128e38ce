"""Evidence that waits in the inbox is replaced or deleted by somebody else.

1. A stranger's evidence waits (no key signed it, so it is not folded). It is overwritten, rewound,
   deleted: LFCI210.
2. A new inbox ref beside it lands.
"""

from tests.attacks.kit import STRANGER, Attack, Scene

ATTACK = Attack("B", "evidence in the inbox replaced or deleted", expect=("LFCI210",), gateless=False)


def mount(scene: Scene) -> None:
    eve, ada = scene.eve, scene.ada
    ada.edit()
    waits = ada.run(signer=STRANGER)
    scene.passes(ada, waits)
    ref = waits.partition(":")[2]
    scene.holds(ref in scene.forge.refs(), "the evidence waits")
    eve.edit()
    other = eve.run().partition(":")[0]
    scene.refused(eve, f"+{other}:{ref}")
    scene.refused(eve, f":{ref}")
    scene.refused(ada, f":{ref}", "main", code=("LFCI101", "LFCI210"))
    scene.passes(eve, "main", eve.run())
    scene.holds(scene.forge.waiting() == [ref], "the stranger's evidence waits still")
