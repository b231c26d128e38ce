"""An approved policy lets a key bear the name of another key as its identity: whose evidence is whose?

1. Eve has a maintainer's approval of a policy where key `two` has the identity `one`, and key `one` has
   another.
2. So with an identity that differs only by case: LFCI202 for the first; the second is another person.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, MAINTAINER, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("F", "an identity that is the name of another key", expect=("LFCI202",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip

    def policy(one: str, two: str) -> bytes:
        keys = {
            "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
            "one": {"public": format_public(AGENT.public), "roles": ["agent"], "identity": one},
            "two": {"public": format_public(SECOND_AGENT.public), "roles": ["agent"], "identity": two},
        }
        return policy_text(version=2, keys=keys)

    for one, two in (("alice", "one"), ("two", "one")):
        eve.start(base)
        eve.edit({".lfci/policy.toml": policy(one, two)})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit({".lfci/policy.toml": policy("one", "one")})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
