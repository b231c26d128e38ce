"""Whoever ran the check approves the change too: nobody else has seen it.

1. The policy gives one key the roles agent and maintainer.
2. That key attests a change of a protected test and approves it: LFCI215.
3. With a run by somebody else the same approval counts.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import AGENT, MAINTAINER, Attack, Scene, policy_text

ATTACK = Attack("F", "the attester approves its own change", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    keys = {
        "both": {"public": format_public(MAINTAINER.public), "roles": ["agent", "maintainer"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    }
    scene.setup(server_policy=policy_text(keys=keys))
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    approvals = eve.approvals("HEAD", base)
    scene.refused(eve, "main", eve.evidence("HEAD", MAINTAINER), *approvals)
    scene.lands(eve, "main", eve.evidence("HEAD", AGENT), *approvals)
