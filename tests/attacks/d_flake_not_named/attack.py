"""Evidence that is silent about the files of the environment, or names them with other contents.

1. The agent's statement names no flake.lock, no flake.nix, neither, and each with another digest: LFCI114.
2. With both as they are it lands.
"""

from lfci_gate.model import FileDigest
from tests.attacks.kit import Attack, Scene
from tests.support.evidence import sha

ATTACK = Attack("D", "evidence that does not name the flake", expect=("LFCI114",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, _ = eve.run_of("HEAD")
    lock, nix = run.flake
    other = sha("other")
    for flake in (
        (),
        (lock,),
        (nix,),
        (FileDigest(lock.path, other), nix),
        (lock, FileDigest(nix.path, other)),
        (FileDigest(lock.path, nix.sha256), FileDigest(nix.path, lock.sha256)),
    ):
        scene.refused(eve, "main", eve.run(flake=flake))
    scene.lands(eve, "main", eve.evidence("HEAD"))
