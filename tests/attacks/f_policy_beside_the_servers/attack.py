"""The operator's own policy is in force; a policy that lands in the tree shall take its place.

1. The operator's policy requires the check.
2. Eve lands, with approval, a policy of the tree that requires nothing: it judges nothing.
3. Her next push without evidence is LFCI101.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a policy in the tree against the operator's", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text())
    eve = scene.eve
    base = eve.tip
    eve.edit({".lfci/policy.toml": policy_text(version=50, rules=({**RULE, "require": []},))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.edit()
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.evidence("HEAD"))
