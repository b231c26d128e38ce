"""An ECDSA key that is no point of P-256: of another curve, the point at infinity, compressed, hybrid.

1. Each in an approved policy: LFCI202. (A verifier that does not look can be made to accept forgeries.)
2. A point of the curve lands.
"""

from lfci_gate.attest.encoding import b64encode
from tests.attacks.a_small_order_key.attack import policy
from tests.attacks.kit import Attack, Scene, ecdsa_signer
from tests.support.curve import B, P

ATTACK = Attack("A", "an ECDSA key that is not on the curve", expect=("LFCI202",))
CAROL = ecdsa_signer("carol")


def line(raw: bytes) -> str:
    """An OpenSSH line of any bytes as a P-256 point."""
    parts = (b"ecdsa-sha2-nistp256", b"nistp256", raw)
    blob = b"".join(len(each).to_bytes(4, "big") + each for each in parts)
    return f"ecdsa-sha2-nistp256 {b64encode(blob)}"


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    good = CAROL.public.raw
    x, y = good[1:33], good[33:]
    # the curve y^2 = x^3 - 3x + b' with another b': the same formulas, weak groups
    other = pow(int.from_bytes(x, "big") ** 3 - 3 * int.from_bytes(x, "big") + B + 1, (P + 1) // 4, P)
    for raw in scene.some(
        [
            b"\4" + x + other.to_bytes(32, "big"),
            b"\0",
            b"\4" + bytes(64),
            bytes([2 + (y[-1] & 1)]) + x,
            bytes([6 + (y[-1] & 1)]) + x + y,
            b"\4" + (P + 5).to_bytes(33, "big")[-32:] + y,
            good + b"\0",
        ]
    ):
        eve.start()
        eve.edit({".lfci/policy.toml": policy(line(raw))})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start()
    eve.edit({".lfci/policy.toml": policy(line(good))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
