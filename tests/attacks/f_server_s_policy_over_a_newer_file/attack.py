"""With the operator's policy in force, the file of the tree goes back, or changes under one version.

1. The operator's policy has version 2. The file of the tree, which judges nothing now, has landed version 3.
2. Eve brings the operator's own bytes, version 2, and another version 3, each approved: LFCI204.
3. Version 4 lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "an older file of the tree, like the operator's", expect=("LFCI204",))


def mount(scene: Scene) -> None:
    given = policy_text(version=2)
    scene.setup(server_policy=given)
    eve = scene.eve
    stricter = ({**RULE, "max-age": "30d"},)
    base = eve.tip
    eve.edit({".lfci/policy.toml": policy_text(version=3)})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, policy=given))
    base = eve.tip
    for proposed in (given, policy_text(version=3, rules=stricter)):
        eve.start(base)
        eve.edit({".lfci/policy.toml": proposed})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, policy=given))
    eve.start(base)
    eve.edit({".lfci/policy.toml": policy_text(version=4, rules=stricter)})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base, policy=given))
