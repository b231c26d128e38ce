"""The result must be rebuilt by a verifier. Whoever attested it says so itself; so do a stranger and an
agent.

1. No verification, one by the attester, by a key without the role, by a stranger: LFCI116.
2. The verifier's word lets it land.
"""

from tests.attacks.glass import asking, attested
from tests.attacks.kit import AGENT, SECOND_AGENT, STRANGER, Attack, Scene

ATTACK = Attack("A", "a verification by the wrong one", expect=("LFCI116",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=asking("rebuilt"))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    scene.refused(eve, "main", run)
    scene.refused(eve, "main", run, verified(AGENT))
    scene.refused(eve, "main", run, verified(SECOND_AGENT))
    scene.refused(eve, "main", run, verified(STRANGER))
    scene.lands(eve, "main", run, verified())
