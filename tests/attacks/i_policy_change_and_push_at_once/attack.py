"""While a policy lands that revokes a key, a change with that key's evidence is pushed to a release branch.

1. Whichever comes first: the release branch lands only under the policy that was in force, as its record
   says.
2. Once the pusher of the policy has its answer, the key counts for nothing: LFCI103.
"""

import json

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import (
    AGENT,
    MAINTAINER,
    SECOND_AGENT,
    Attack,
    Scene,
    policy_text,
)

ATTACK = Attack("I", "a policy change and a push at once", expect=("LFCI103",))


def mount(scene: Scene) -> None:
    eve, ada = scene.eve, scene.ada
    base = eve.tip
    keys = {
        "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
        "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
    }
    ada.edit({".lfci/policy.toml": policy_text(version=2, keys=keys)})
    change = [ada.run(), *ada.approvals("HEAD", base)]
    commit = eve.edit()
    spec = eve.run(signer=SECOND_AGENT)
    policy, release = scene.together(
        lambda: ada.push("-q", "origin", "main", *change),
        lambda: eve.push("-q", "origin", f"{commit}:refs/heads/release/1", spec),
    )
    scene.holds(policy.status == 0, f"the policy landed\n{policy.output}")
    if scene.target.judges:
        scene.target.settle(scene.forge.path)
        if release.status == 0:
            note = scene.forge.note("lfci-landed", commit).decode()
            payload = json.loads(next(line for line in note.splitlines() if line.startswith("{")))
            scene.holds(payload["dsseEnvelope"]["payload"], "the landing is recorded")
        else:
            scene.holds(scene.target.codes(release.output) == {"LFCI103"}, release.output)
    eve.edit()
    scene.refused(eve, "HEAD:refs/heads/release/2", eve.run(signer=SECOND_AGENT))
    scene.lands(eve, "HEAD:refs/heads/release/2", eve.run())
