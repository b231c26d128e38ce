"""An approval by a key of the policy that may not approve, by a stranger, and by a key that is revoked.

1. The second agent approves: LFCI215. A stranger does: LFCI206, for that is no evidence at all.
2. The maintainer's key is revoked in the policy in force: LFCI215.
3. A maintainer's approval lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import AGENT, MAINTAINER, SECOND_AGENT, STRANGER, Attack, Scene, now, policy_text

ATTACK = Attack("F", "approvals by keys that may not", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    run = eve.evidence("HEAD")
    scene.refused(eve, "main", run, *eve.approvals("HEAD", base, SECOND_AGENT))
    scene.refused(eve, "main", run, *eve.approvals("HEAD", base, STRANGER), code="LFCI206")
    revoked = {"public": format_public(MAINTAINER.public), "roles": ["maintainer"], "revoked": now()}
    agent = {"public": format_public(AGENT.public), "roles": ["agent"]}
    scene.forge.set_policy(policy_text(keys={"gone": revoked, "agent": agent}))
    approvals = eve.approvals("HEAD", base)
    scene.refused(eve, "main", run, *approvals)
    scene.forge.set_policy(policy_text())
    scene.lands(eve, "main", run, *approvals)
