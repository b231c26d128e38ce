"""The agent's signature over something near the envelope: the payload without PAE, its base64 text, the
JSON of the envelope, the sha256 of the PAE.

1. Each: LFCI102.
2. The signature over the PAE lands.
"""

import hashlib

from lfci_gate.attest.dsse import pae
from lfci_gate.attest.encoding import b64encode
from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "signature over text that is not the PAE", expect=("LFCI102",))
KIND = "application/vnd.in-toto+json"


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    text = b64encode(payload).encode()
    near = (
        payload,
        text,
        pae(KIND, text),
        b'{"payload":"%b","payloadType":"%b"}' % (text, KIND.encode()),
        hashlib.sha256(pae(KIND, payload)).digest(),
        KIND.encode() + payload,
    )
    for message in near:
        line = bundle_text(payload, [AGENT.sign(message)], hint)
        scene.refused(eve, "main", eve.deliver(line, result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [sign_raw(AGENT, payload)], hint), result))
