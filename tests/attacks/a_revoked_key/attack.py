"""A stolen key that was revoked signs a statement dated before its revocation.

1. `issuedAt` a day before the key was revoked: LFCI103, a revoked key counts for nothing new, whatever
   its date.
2. A key that will be revoked in an hour lands the same commit.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, SECOND_AGENT, Attack, Scene, hours_ago, policy_text

ATTACK = Attack("A", "a revoked key with an old date", expect=("LFCI103",), quick=True)


def mount(scene: Scene) -> None:
    keys = {
        "stolen": {
            "public": format_public(AGENT.public),
            "roles": ["agent"],
            "revoked": hours_ago(1),
        },
        "agent": {
            "public": format_public(SECOND_AGENT.public),
            "roles": ["agent"],
            "revoked": hours_ago(-1),
        },
    }
    scene.setup(server_policy=policy_text(keys=keys))
    eve = scene.eve
    eve.edit()
    old = hours_ago(24)
    scene.refused(eve, "main", eve.run(signer=AGENT, started_at=old, issued_at=old))
    scene.refused(eve, "main", eve.run(signer=AGENT))
    scene.lands(eve, "main", eve.run(signer=SECOND_AGENT))
