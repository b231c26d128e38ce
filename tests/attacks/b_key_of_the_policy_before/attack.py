"""Evidence by a key that the policy had, and that a newer policy has left out; it was folded while it
counted.

1. The second agent's evidence of Eve's commit is in the notes. A policy without that key lands. Her
   commit on top of it, and the same commit where the inputs are the same: LFCI103.
2. The remaining agent's evidence lands it.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import (
    AGENT,
    MAINTAINER,
    SECOND_AGENT,
    Attack,
    Scene,
    policy_text,
)

ATTACK = Attack("B", "folded evidence by a key that left", expect=("LFCI103",), quick=True)
CONFIG = b'version = 1\n\n[checks.test]\nrun = "pytest"\ninputs = ["src/**"]\n'
CONFIG += b'report = { format = "junit", path = "junit.xml" }\n'


def mount(scene: Scene) -> None:
    scene.setup(config=CONFIG)
    eve, ada = scene.eve, scene.ada
    base = eve.tip
    change = eve.edit()
    source = eve.repo.git("show", f"{change}:src/lib.py")
    spec = eve.run(signer=SECOND_AGENT)
    scene.lands(eve, spec)
    keys = {
        "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    }
    ada.edit({".lfci/policy.toml": policy_text(version=2, keys=keys)})
    scene.lands(ada, "main", ada.run(), *ada.approvals("HEAD", base))
    eve.start()
    eve.repo.write("src/lib.py", source)
    eve.repo.commit()
    assert eve.run().split("/")[-2] == spec.split("/")[-2], "the inputs tree is the same"
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.run())
