"""A second public key is computed under which somebody's ECDSA signature verifies as well.

For an ECDSA signature of one message there are several public keys that it fits. Who may propose keys has
one of them enrolled, and delivers the one signature as the word of two people.

1. Threshold two, both keys in the policy, one signature, once and twice in one envelope: LFCI111, a
   signature counts for one key.
2. In two envelopes, one folded before, that name one key each in the hint: LFCI111.
3. With a signature by a real second key it lands; also where the statement was folded with the first
   signature alone, and comes again with both.
"""

from lfci_gate.attest.dsse import pae
from lfci_gate.attest.keys import ECDSA_P256, format_public, from_raw, verify
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
from tests.support.curve import fitting_keys

ATTACK = Attack("A", "a second key made to fit one signature", expect=("LFCI111",), quick=True)
CAROL = ecdsa_signer("carol")


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    message = pae("application/vnd.in-toto+json", payload)
    signature = sign_raw(CAROL, payload)
    [made] = [each for each in fitting_keys(signature, message) if each != CAROL.public.raw]
    twin = from_raw(ECDSA_P256, made)
    assert verify(twin, signature, message)
    owners = {"carol": CAROL.public, "twin": twin, "agent": AGENT.public}
    keys = {name: {"public": format_public(key), "roles": ["agent"]} for name, key in owners.items()}
    rule = {**RULE, "require": [{**RULE["require"][0], "threshold": 2}], "protect": []}
    scene.forge.set_policy(policy_text(version=2, keys=keys, rules=(rule,)))
    for hint in (CAROL.public.fingerprint, twin.fingerprint, "nobody"):
        one = eve.deliver(bundle_text(payload, [signature], hint), result)
        scene.refused(eve, "main", one)
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [signature] * 2, hint), result))
    scene.passes(eve, eve.deliver(bundle_text(payload, [signature], twin.fingerprint), result))
    scene.refused(
        eve, "main", eve.deliver(bundle_text(payload, [signature], CAROL.public.fingerprint), result)
    )
    both = bundle_text(payload, [signature, sign_raw(AGENT, payload)], "nobody")
    scene.lands(eve, "main", eve.deliver(both, result))
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    by_both = [sign_raw(CAROL, payload), sign_raw(AGENT, payload)]
    alone = bundle_text(payload, by_both[:1], CAROL.public.fingerprint)
    scene.passes(eve, eve.deliver(alone, result))
    both = bundle_text(payload, by_both, CAROL.public.fingerprint)
    scene.lands(eve, "main", eve.deliver(both, result))
