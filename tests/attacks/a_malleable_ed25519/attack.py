"""S is replaced by S plus the group order: the same equation, other bytes.

1. The malleated signature: LFCI102 (RFC 8032, 5.1.7: S must be below the order).
2. A threshold of two with a signature and its malleated twin: LFCI111, one key.
3. The signature itself lands.
"""

from tests.attacks.kit import AGENT, RULE, Attack, Scene, bundle_text, payload_of, policy_text, sign_raw
from tests.support.evidence import ED25519_ORDER

ATTACK = Attack("A", "Ed25519 signature with S + L", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    good = sign_raw(AGENT, payload)
    bigger = int.from_bytes(good[32:], "little") + ED25519_ORDER
    twin = good[:32] + bigger.to_bytes(32, "little")
    scene.refused(eve, "main", eve.deliver(bundle_text(payload, [twin], hint), result))
    two = policy_text(version=2, rules=({**RULE, "require": [{**RULE["require"][0], "threshold": 2}]},))
    scene.forge.set_policy(two)
    both = eve.deliver(bundle_text(payload, [good, twin], hint), result)
    scene.refused(eve, "main", both, code="LFCI111")
    scene.forge.set_policy(policy_text(version=3))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good, twin], hint), result))
