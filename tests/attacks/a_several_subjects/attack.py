"""One statement about two trees, or about one tree under two digests: who takes any of them is fooled.

1. Two subjects, the right one first or last; two digests in one subject; no subject; no digest; another
   algorithm's name: LFCI110.
2. One subject lands.
"""

import json

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "several subjects in one statement", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    [mine] = document["subject"]
    other = {"name": "inputs", "digest": {"gitTree": "1" * 40}}
    tree = mine["digest"]["gitTree"]
    for subjects in (
        [mine, other],
        [other, mine],
        [mine, mine],
        [],
        mine,
        [{"name": "inputs", "digest": {"gitTree": tree, "sha256": "1" * 64}}],
        [{"name": "inputs", "digest": {}}],
        [{"name": "inputs", "digest": {"gitCommit": tree}}],
        [{"name": "protected", "digest": {"gitTree": tree}}],
    ):
        changed = json.loads(compact(document)) | {"subject": subjects}
        scene.refused(eve, "main", eve.forged(changed, result))
    scene.lands(eve, "main", eve.forged(document, result))
