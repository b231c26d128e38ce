"""Keys that our format does not have, and a gate that guesses might understand.

1. In statement, subject, predicate, envelope and bundle: LFCI110 each.
2. Without them it lands.
"""

import json

from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, compact, payload_of, signed_bundle

ATTACK = Attack("A", "unknown keys", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    for path in ((), ("subject", 0), ("predicate",), ("predicate", "execution"), ("predicate", "tests")):
        changed = json.loads(compact(document))
        place = changed
        for step in path:
            place = place[step]
        place["override"] = "accepted"
        scene.refused(eve, "main", eve.forged(changed, result))
    run, result = eve.run_of("HEAD")
    line = signed_bundle(payload_of(run), AGENT)
    for path in ((), ("verificationMaterial",), ("dsseEnvelope",)):
        bundle = json.loads(line)
        place = bundle
        for step in path:
            place = place[step]
        place["policy"] = "none"
        scene.refused(eve, "main", eve.deliver(compact(bundle), result))
    scene.lands(eve, "main", eve.deliver(line, result))
