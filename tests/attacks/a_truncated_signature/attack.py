"""A signature is cut, or grows.

1. 63, 32 and 1 bytes of a good signature, and 65 bytes that begin with it: LFCI102 each.
2. No byte of it: LFCI110, an empty signature is no signature.
3. All 64 bytes land.
"""

from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "signature cut short, or longer", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    good = sign_raw(AGENT, payload)
    for bad in (good[:63], good[:32], good[:1], good + b"\0"):
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    empty = eve.deliver(bundle_text(payload, [b""], hint), result)
    scene.refused(eve, "main", empty, code=MALFORMED)
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good], hint), result))
