"""Evidence names a lockfile with other contents than the pushed one, or one that is not there.

1. LFCI114.
2. With the pushed one's digest it lands.
"""

import hashlib

from lfci_gate.model import LockfileFact, Sha256
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "evidence of another lockfile", expect=("LFCI114",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    lock = b"# locked\n"
    eve.edit({"mix.lock": lock})

    def naming(path: str, data: bytes) -> str:
        fact = LockfileFact(path, Sha256(hashlib.sha256(data).hexdigest()), None, None)
        return eve.run(lockfiles=(fact,))

    scene.refused(eve, "main", naming("mix.lock", b"# older\n"))
    scene.refused(eve, "main", naming("Cargo.lock", lock))
    scene.refused(eve, "main", naming("src", lock))
    scene.lands(eve, "main", naming("mix.lock", lock))
