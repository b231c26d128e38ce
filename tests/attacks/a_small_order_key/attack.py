"""A public key of small order is enrolled: under some verifiers anybody can sign for it.

1. Policies with each of the eight points of small order, approved by the maintainer: LFCI202.
2. A key of the prime order group lands.
"""

from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.keys import format_public
from tests.attacks.kit import STRANGER, Attack, Scene, policy_text
from tests.support.forge import AGENT, MAINTAINER

ATTACK = Attack("A", "an Ed25519 key of small order", expect=("LFCI202",), quick=True)

SMALL = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
)


def line(raw: bytes) -> str:
    """An OpenSSH line of any 32 bytes."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + len(raw).to_bytes(4, "big") + raw
    return f"ssh-ed25519 {b64encode(blob)}"


def policy(public: str) -> bytes:
    owners = {"maintainer": (format_public(MAINTAINER.public), "maintainer")}
    owners |= {"agent": (format_public(AGENT.public), "agent"), "new": (public, "agent")}
    keys = {name: {"public": text, "roles": [role]} for name, (text, role) in owners.items()}
    return policy_text(version=2, keys=keys)


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    for point in scene.some(SMALL):
        eve.start()
        eve.edit({".lfci/policy.toml": policy(line(bytes.fromhex(point)))})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start()
    eve.edit({".lfci/policy.toml": policy(line(STRANGER.public.raw))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
