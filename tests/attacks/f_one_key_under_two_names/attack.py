"""An approved policy lists one key under two names, so that one person is a threshold of two.

1. Eve has a maintainer's approval of it: LFCI202.
2. Also when the second name has other white space or another comment in the key's line.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, MAINTAINER, Attack, Scene, policy_text

ATTACK = Attack("F", "one key under two names", expect=("LFCI202",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    line = format_public(AGENT.public)
    maintainer = {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]}
    for again in (line, line + " another comment"):
        keys = {
            "maintainer": maintainer,
            "one": {"public": line, "roles": ["agent"]},
            "two": {"public": again, "roles": ["agent"]},
        }
        eve.start(base)
        eve.edit({".lfci/policy.toml": policy_text(version=2, keys=keys)})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
