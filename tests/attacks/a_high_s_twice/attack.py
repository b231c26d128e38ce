"""An ECDSA signature (r, s) and its twin (r, n - s) are taken for two signers.

1. Threshold two; one key of the policy, both forms in one envelope: LFCI111.
2. The same as two envelopes of one statement (one inbox ref each push): LFCI111.
3. A second key's signature beside them lands.
"""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from lfci_gate.attest.keys import encode_ecdsa_signature, format_public
from tests.attacks.kit import (
    AGENT,
    RULE,
    Attack,
    Scene,
    bundle_text,
    ecdsa_signer,
    payload_of,
    policy_text,
    sign_raw,
)
from tests.support.evidence import P256_ORDER

ATTACK = Attack("A", "ECDSA twin signatures as two signers", expect=("LFCI111",))
CAROL = ecdsa_signer("carol")


def mount(scene: Scene) -> None:
    people = {"carol": CAROL, "agent": AGENT}
    keys = {name: {"public": format_public(who.public), "roles": ["agent"]} for name, who in people.items()}
    rule = {**RULE, "require": [{**RULE["require"][0], "threshold": 2}]}
    scene.setup(server_policy=policy_text(keys=keys, rules=({**rule, "protect": []},)))
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), CAROL.public.fingerprint
    low = sign_raw(CAROL, payload)
    r, s = decode_dss_signature(low)
    high = encode_ecdsa_signature(r, P256_ORDER - s)
    scene.refused(eve, "main", eve.deliver(bundle_text(payload, [low, high], hint), result))
    scene.passes(eve, eve.deliver(bundle_text(payload, [high], hint), result))
    scene.refused(eve, "main", eve.deliver(bundle_text(payload, [low], hint), result))
    other = sign_raw(AGENT, payload)
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [low, high, other], hint), result))
