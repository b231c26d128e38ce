"""Where the rule lets a branch be rewound, main goes back to a commit with an older and weaker policy.

1. Policy 1 requires nothing of what policy 2 does; both allow any update.
2. Policy 2 lands with approval.
3. Eve forces main back to the first commit: LFCI204 and LFCI206, for that is a change of the policy.
4. Going on from there lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "main is rewound to an older policy", expect=("LFCI204", "LFCI206"))


def mount(scene: Scene) -> None:
    any_update = {**RULE, "update": "any"}
    scene.setup(policy_text(rules=({**any_update, "require": []},)))
    eve = scene.eve
    first = eve.tip
    eve.edit({".lfci/policy.toml": policy_text(version=2, rules=(any_update,))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", first))
    scene.refused(eve, f"+{first}:refs/heads/main", eve.evidence(first))
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
