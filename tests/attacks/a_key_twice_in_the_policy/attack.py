"""One key under two names, so that one person is two.

1. The maintainer approves a policy that has the agent's key twice: as the same line, with another
   comment, and as a PEM block. Refused although approved: LFCI202.
2. The same policy with the key once lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, MAINTAINER, Attack, Scene, policy_text
from tests.support.forge import SECOND_AGENT

ATTACK = Attack("A", "one key under two names in a policy", expect=("LFCI202",), quick=True)


def pem() -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = AGENT.key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def keys(**more: str) -> dict[str, dict[str, object]]:
    found = {"maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]}}
    found["agent"] = {"public": format_public(AGENT.public), "roles": ["agent"]}
    return found | {name: {"public": public, "roles": ["agent"]} for name, public in more.items()}


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    again = (format_public(AGENT.public, "somebody else"), pem(), format_public(AGENT.public))
    for public in scene.some(again):
        eve.start()
        eve.edit({".lfci/policy.toml": policy_text(version=2, keys=keys(another=public))})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start()
    other = format_public(SECOND_AGENT.public)
    eve.edit({".lfci/policy.toml": policy_text(version=2, keys=keys(another=other))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
