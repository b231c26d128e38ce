"""A verification of another run is offered: other derivation, result, system, definition, tree, repository.

1. LFCI116 each (one about another tree has no place here: it is not even looked at).
2. The one about this run lands it.
"""

from lfci_gate.model import ObjectId
from tests.attacks.glass import asking, attested
from tests.attacks.kit import Attack, Scene
from tests.support.evidence import sha

ATTACK = Attack("B", "a verification of another run", expect=("LFCI116",))
DRV = "/nix/store/1c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-lfci-check-test.drv"


def mount(scene: Scene) -> None:
    scene.setup(server_policy=asking("rebuilt"))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    for changes in scene.some(
        [
            {"drv_path": DRV},
            {"result_sha256": sha("another result")},
            {"system": "aarch64-linux"},
            {"definition": sha("another definition")},
            {"check": "lint"},
            {"repository": "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12"},
            {"inputs_tree": ObjectId("1" * 40)},
            {"method": "derived", "result_sha256": None},
            {"reproduced": False, "attestation": sha("another attestation")},
        ]
    ):
        scene.refused(eve, "main", run, verified(**changes))
    scene.lands(eve, "main", run, verified())
