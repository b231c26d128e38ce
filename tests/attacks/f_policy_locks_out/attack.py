"""An approved policy that nobody can ever meet: every later push would be refused, for good.

1. Eve talks a maintainer into policies without keys of a required role, with a threshold above the number
   of keys, and with the only maintainer revoked.
2. LFCI202 for each.
3. A policy that can be met lands.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, MAINTAINER, RULE, Attack, Scene, now, policy_text

ATTACK = Attack("F", "a policy that nobody can meet", expect=("LFCI202",))


def key(signer: object, *roles: str, **more: object) -> dict[str, object]:
    return {"public": format_public(signer.public), "roles": list(roles), **more}  # type: ignore[attr-defined]


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    no_agent = {"maintainer": key(MAINTAINER, "maintainer")}
    revoked = {"agent": key(AGENT, "agent"), "maintainer": key(MAINTAINER, "maintainer", revoked=now())}
    many = {**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 64}]}
    for lockout in (
        policy_text(version=2, keys=no_agent),
        policy_text(version=2, keys={}),
        policy_text(version=2, keys=revoked),
        policy_text(version=2, rules=(many,)),
    ):
        eve.start(base)
        eve.edit({".lfci/policy.toml": lockout})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit({".lfci/policy.toml": policy_text(version=2)})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
