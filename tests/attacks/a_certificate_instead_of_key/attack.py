"""A Sigstore bundle that brings its own trust: a certificate, a transparency log entry, a time stamp.

1. `x509CertificateChain`, `certificate`, `tlogEntries` in the verification material, with or without the
   hint, and another media type: LFCI110. What a bundle says about trust is never read.
2. A bundle with a hint alone lands.
"""

import json

from tests.attacks.kit import (
    MALFORMED,
    STRANGER,
    Attack,
    Scene,
    compact,
    payload_of,
    signed_bundle,
)

ATTACK = Attack("A", "a bundle with its own certificate", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    line = signed_bundle(payload_of(run), STRANGER)
    chain = {"certificates": [{"rawBytes": "MIIB"}]}
    for material in scene.some(
        [
            {"x509CertificateChain": chain},
            {"certificate": {"rawBytes": "MIIB"}},
            {"publicKey": {"hint": "x"}, "tlogEntries": []},
            {"publicKey": {"hint": "x", "rawBytes": "MIIB"}},
            {},
        ]
    ):
        bundle = json.loads(line) | {"verificationMaterial": material}
        scene.refused(eve, "main", eve.deliver(compact(bundle), result))
    bundle = json.loads(line) | {"mediaType": "application/vnd.dev.sigstore.bundle.v0.1+json"}
    scene.refused(eve, "main", eve.deliver(compact(bundle), result))
    scene.lands(eve, "main", eve.run())
