"""The forge's own key, which lies on the server, signs a run; so does a key with the role `forge`.

1. By the forge's key, which no policy names: LFCI103.
2. By a key with the role `forge` in the policy: LFCI109, it records and does not attest.
3. The agent's run lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, STRANGER, Attack, Scene, ed25519_signer, policy_text

ATTACK = Attack("A", "the forge's key as an attester", expect=("LFCI103",))
FORGE = ed25519_signer("a forge")


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(signer=FORGE))
    keys = {
        "forge": {"public": format_public(FORGE.public), "roles": ["forge"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    }
    scene.forge.set_policy(policy_text(version=2, keys=keys))
    scene.refused(eve, "main", eve.run(signer=FORGE), code="LFCI109")
    scene.refused(eve, "main", eve.run(signer=STRANGER))
    scene.lands(eve, "main", eve.run())
