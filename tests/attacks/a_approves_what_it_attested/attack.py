"""One key with both roles runs the check and approves the change: four eyes that are two.

1. The same key attests and approves: LFCI215.
2. With the run attested by somebody else it lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, MAINTAINER, Attack, Scene, policy_text

ATTACK = Attack("A", "the attester approves the change", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    keys = {
        "both": {"public": format_public(MAINTAINER.public), "roles": ["maintainer", "agent"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    }
    scene.setup(server_policy=policy_text(keys=keys))
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    approvals = eve.approvals("HEAD", base)
    scene.refused(eve, "main", eve.run(signer=MAINTAINER), *approvals)
    scene.lands(eve, "main", eve.run(signer=AGENT), *approvals)
