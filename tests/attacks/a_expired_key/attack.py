"""A key past its end signs with a date inside its life; a key before its start signs at all.

1. `issuedAt` inside the key's life, delivered after its end: LFCI103. Now: LFCI103.
2. A key whose life begins in an hour: LFCI103. A key whose life began after the statement was issued:
   LFCI103.
3. A key in its life lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, Attack, Scene, hours_ago, policy_text

ATTACK = Attack("A", "a key outside its life", expect=("LFCI103",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()

    def life(version: int, **times: object) -> None:
        keys = {"agent": {"public": format_public(AGENT.public), "roles": ["agent"], **times}}
        scene.forge.set_policy(policy_text(version=version, keys=keys))

    old = hours_ago(24)
    life(2, **{"valid-from": hours_ago(48), "valid-until": hours_ago(1)})
    scene.refused(eve, "main", eve.run(started_at=old, issued_at=old))
    scene.refused(eve, "main", eve.run())
    life(3, **{"valid-from": hours_ago(-1)})
    scene.refused(eve, "main", eve.run())
    life(4, **{"valid-from": hours_ago(12)})
    scene.refused(eve, "main", eve.run(started_at=old, issued_at=old))
    life(5, **{"valid-from": hours_ago(12), "valid-until": hours_ago(-12)})
    scene.lands(eve, "main", eve.run())
