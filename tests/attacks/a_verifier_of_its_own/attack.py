"""The result must be rebuilt by a verifier. Whoever attested it says so itself; so do a stranger and an
agent.

1. No verification, one by the attester, by a key without the role, by a stranger: LFCI116.
2. The verifier's word lets it land.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.glass import KEYS, attested
from tests.attacks.kit import (
    AGENT,
    RULE,
    SECOND_AGENT,
    STRANGER,
    Attack,
    Scene,
    ed25519_signer,
    policy_text,
)

ATTACK = Attack("A", "a verification by the wrong one", expect=("LFCI116",))
BOTH_ROLES = ed25519_signer("an agent who verifies")


def mount(scene: Scene) -> None:
    required = {**RULE["require"][0], "assurance": "rebuilt"}
    both = {"public": format_public(BOTH_ROLES.public), "roles": ["agent", "verifier"]}
    rule = {**RULE, "require": [required]}
    scene.setup(server_policy=policy_text(rules=(rule,), keys={**KEYS, "both": both}))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    scene.refused(eve, "main", run)
    scene.refused(eve, "main", run, verified(AGENT))
    scene.refused(eve, "main", run, verified(SECOND_AGENT))
    scene.refused(eve, "main", run, verified(STRANGER))
    scene.lands(eve, "main", run, verified())
    eve.edit()
    run, verified = attested(eve, BOTH_ROLES)
    scene.refused(eve, "main", run, verified(BOTH_ROLES))
    scene.lands(eve, "main", run, verified())
