"""An envelope whose list of signatures is empty, missing, or no list.

1. Each: LFCI110. "All signatures verify" is true of none.
2. With one it lands.
"""

import json

from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, payload_of, signed_bundle

ATTACK = Attack("A", "empty list of signatures", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    line = signed_bundle(payload_of(run), AGENT)
    values = ([], None, {}, "", {"sig": "AA=="}, [None], [{}], [{"sig": None}], ...)
    for value in scene.some(values):
        bundle = json.loads(line)
        if value is ...:
            del bundle["dsseEnvelope"]["signatures"]
        else:
            bundle["dsseEnvelope"]["signatures"] = value
        scene.refused(eve, "main", eve.deliver(json.dumps(bundle).encode(), result))
    scene.lands(eve, "main", eve.deliver(line, result))
