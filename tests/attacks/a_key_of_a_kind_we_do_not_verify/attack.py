"""A key of a kind that is weak, or verified otherwise elsewhere: RSA of 512 bits, DSA, sk- keys, a kind that
the blob denies, a certificate.

1. Each in an approved policy: LFCI202.
2. Ed25519 lands.
"""

from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.keys import format_public
from tests.attacks.a_small_order_key.attack import line, policy
from tests.attacks.kit import STRANGER, Attack, Scene, ecdsa_signer

ATTACK = Attack("A", "a key of a kind that is not accepted", expect=("LFCI202",))


def blob(*parts: bytes) -> str:
    return b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    raw, modulus = STRANGER.public.raw, b"\0" + b"\xc5" * 64
    ecdsa = format_public(ecdsa_signer("carol").public).split()[1]
    for public in scene.some(
        [
            f"ssh-rsa {blob(b'ssh-rsa', bytes([1, 0, 1]), modulus)}",
            f"ssh-ed25519 {ecdsa}",
            f"ssh-dss {blob(b'ssh-dss', modulus, b'q', b'g', b'y')}",
            f"sk-ssh-ed25519@openssh.com {blob(b'sk-ssh-ed25519@openssh.com', raw, b'ssh:')}",
            f"ssh-ed25519 {blob(b'ssh-ed25519', raw, b'more')}",
            f"ssh-ed25519-cert-v01@openssh.com {blob(b'ssh-ed25519-cert-v01@openssh.com', raw)}",
            f"cert-authority {line(raw)}",
        ]
    ):
        eve.start()
        eve.edit({".lfci/policy.toml": policy(public)})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start()
    eve.edit({".lfci/policy.toml": policy(line(raw))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
