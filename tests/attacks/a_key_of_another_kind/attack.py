"""A signature of one algorithm is offered for a key of the other.

The policy has an ECDSA key. Eve has an Ed25519 key and names the ECDSA key in the hint; and she offers an
ECDSA signature under the hint of the agent's Ed25519 key.

1. LFCI102 each: the algorithm is the key's, never the message's.
2. Each key's own signature counts; it lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import (
    AGENT,
    STRANGER,
    Attack,
    Scene,
    bundle_text,
    ecdsa_signer,
    payload_of,
    policy_text,
    sign_raw,
)

ATTACK = Attack("A", "a signature of the other algorithm", expect=("LFCI102",))
CAROL, MALLORY = ecdsa_signer("carol"), ecdsa_signer("mallory")


def mount(scene: Scene) -> None:
    people = {"carol": CAROL, "agent": AGENT}
    keys = {name: {"public": format_public(who.public), "roles": ["agent"]} for name, who in people.items()}
    scene.setup(server_policy=policy_text(keys=keys, rules=({"refs": ["refs/heads/main"],
        "require": [{"check": "test", "roles": ["agent"]}]},)))  # fmt: skip
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    for named, signer in ((CAROL, STRANGER), (AGENT, MALLORY)):
        line = bundle_text(payload, [sign_raw(signer, payload)], named.public.fingerprint)
        scene.refused(eve, "main", eve.deliver(line, result))
    line = bundle_text(payload, [sign_raw(CAROL, payload)], CAROL.public.fingerprint)
    scene.lands(eve, "main", eve.deliver(line, result))
