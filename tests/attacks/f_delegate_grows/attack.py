"""A delegate approves a policy that gives it more: for longer, for all paths, for good.

1. The maintainer's role is delegated to leads for `.lfci/` and `tests/`.
2. A lead approves a policy in which leads are maintainers, with and without other changes beside it:
   LFCI215, a change of the policy counts by no delegated role.
3. A lead's approval of the other file of `.lfci/` counts; the maintainer's of the policy does.
"""

from datetime import timedelta

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import AGENT, CONFIG, MAINTAINER, RULE, Attack, Scene, ed25519_signer, now, policy_text

ATTACK = Attack("F", "a delegate approves its own growth", expect=("LFCI215",))
LEAD = ed25519_signer("lead")


def mount(scene: Scene) -> None:
    holders = {"agent": AGENT, "lead": LEAD, "maintainer": MAINTAINER}
    keys = {name: {"public": format_public(each.public), "roles": [name]} for name, each in holders.items()}
    until = now() + timedelta(days=300)
    links = [{"from": "maintainer", "to": "lead", "paths": [".lfci/", "tests/"], "until": until}]
    protect = [{"paths": [".lfci/", "tests/"], "roles": ["maintainer"]}]
    rule = {**RULE, "protect": protect}
    scene.setup(policy_text(keys=keys, delegations=links, rules=(rule,)))
    eve = scene.eve
    base = eve.tip
    grown = {**keys, "lead": {"public": format_public(LEAD.public), "roles": ["lead", "maintainer"]}}
    proposal = policy_text(version=2, keys=grown, delegations=links, rules=(rule,))
    for more in ({}, {"tests/test_more.py": b"def test_more():\n    pass\n"}):
        eve.start(base)
        eve.repo.write(".lfci/policy.toml", proposal)
        for path, data in more.items():
            eve.repo.write(path, data)
        eve.repo.commit()
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, LEAD))
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, MAINTAINER))
    base = eve.tip
    eve.repo.write(".lfci/config.toml", CONFIG + b'timeout = "5m"\n')
    eve.repo.commit()
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, LEAD))
