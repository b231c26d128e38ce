"""A stranger signs and names the agent's key in the hint and as `keyid` of the signature.

1. The hint says the agent: LFCI102, not by the key it names.
2. The hint says the maintainer: the same.
3. The hint says nobody, the keyid says the agent: LFCI103, keyids are never believed.
4. An agent's evidence with a lying hint is still an agent's evidence, and lands: the hint decides
   nothing.
"""

import json

from tests.attacks.kit import (
    AGENT,
    MAINTAINER,
    STRANGER,
    Attack,
    Scene,
    payload_of,
    signed_bundle,
)

ATTACK = Attack("A", "hint and keyid name somebody else", expect=("LFCI102",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    for named in (AGENT, MAINTAINER):
        line = signed_bundle(payload, STRANGER, hint=named.public.fingerprint)
        scene.refused(eve, "main", eve.deliver(line, result))
    bundle = json.loads(signed_bundle(payload, STRANGER, hint="nobody"))
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = AGENT.public.fingerprint
    scene.refused(eve, "main", eve.deliver(json.dumps(bundle).encode(), result), code="LFCI103")
    line = signed_bundle(payload, AGENT, hint=STRANGER.public.fingerprint)
    scene.lands(eve, "main", eve.deliver(line, result))
