"""One point of the curve under two encodings: with y plus the field prime, or the wrong sign of x = 0.

Two texts for one key would be two keys to whoever counts raw bytes.

1. Non-canonical encodings, and 32 bytes that are no point, in an approved policy: LFCI202.
2. A canonical key lands.
"""

from tests.attacks.a_small_order_key.attack import line, policy
from tests.attacks.kit import STRANGER, Attack, Scene

ATTACK = Attack("A", "a non-canonical Ed25519 key", expect=("LFCI202",))

FIELD = 2**255 - 19


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    # y between p and 2^255: the encodings of y - p, of which 3 to 18 hold points beyond the small ones
    beyond = [(FIELD + y).to_bytes(32, "little") for y in (3, 4, 5, 9, 16, 18)]
    signed = [bytes([*raw[:31], raw[31] | 0x80]) for raw in beyond[:1]]
    no_point = [(2).to_bytes(32, "little"), bytes([255] * 32)]
    for raw in scene.some([*beyond, *signed, *no_point]):
        eve.start()
        eve.edit({".lfci/policy.toml": policy(line(raw))})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start()
    eve.edit({".lfci/policy.toml": policy(line(STRANGER.public.raw))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
