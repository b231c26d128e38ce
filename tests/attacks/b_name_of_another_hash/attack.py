"""Evidence about a sha1 tree in a sha256 repository: another repository's object of the "same" content.

1. The sha1 name of the pushed tree as subject: LFCI210, no such inbox ref in this repository. The sha256
   name cut to 40 digits: LFCI210.
2. The sha256 name lands.
"""

import hashlib

from lfci_gate.model import ObjectId
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "a subject of another hash function", expect=("LFCI101", "LFCI210"))


def mount(scene: Scene) -> None:
    scene.setup(object_format="sha256")
    eve = scene.eve
    eve.edit()
    data = eve.repo.git("cat-file", "tree", "HEAD^{tree}")
    sha1 = hashlib.sha1(b"tree %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    real = eve.run_of("HEAD")[0].inputs_tree
    for subject in (sha1, real[:40]):
        scene.refused(eve, "main", eve.run(inputs_tree=ObjectId(subject)))
    scene.lands(eve, "main", eve.run())
