"""The ECDSA signature (0, 0), which verified under every key in some Java versions (CVE-2022-21449).

1. The policy knows an ECDSA key. r = s = 0, r = 0, s = 0, r = s = the order: LFCI102 each.
2. A real signature by that key lands.
"""

from lfci_gate.attest.keys import encode_ecdsa_signature, format_public
from tests.attacks.kit import Attack, Scene, bundle_text, ecdsa_signer, payload_of, policy_text, sign_raw
from tests.support.evidence import P256_ORDER

ATTACK = Attack("A", "ECDSA signature of zeros", expect=("LFCI102",))
CAROL = ecdsa_signer("carol")


def mount(scene: Scene) -> None:
    keys = {"carol": {"public": format_public(CAROL.public), "roles": ["agent"]}}
    scene.setup(server_policy=policy_text(keys=keys))
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), CAROL.public.fingerprint
    for r, s in ((0, 0), (0, 1), (1, 0), (P256_ORDER, P256_ORDER), (1, 1)):
        bad = encode_ecdsa_signature(r, s)
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    good = sign_raw(CAROL, payload)
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good], hint), result))
