"""Signatures that some verifiers take for anything: zeros, and the neutral element with S = 0.

1. 64 zero bytes; R the neutral element of the curve and S zero; R any point of small order and S zero; R
   the public key itself: LFCI102 each.
2. A real signature lands.
"""

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "vacuous Ed25519 signatures", expect=("LFCI102",), quick=True)

NEUTRAL = b"\1" + bytes(31)
ORDER_TWO = bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
ORDER_EIGHT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    tricks = [
        bytes(64),
        *(point + bytes(32) for point in (NEUTRAL, ORDER_TWO, ORDER_EIGHT, AGENT.public.raw)),
    ]
    for bad in scene.some(tricks):
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    good = sign_raw(AGENT, payload)
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good], hint), result))
