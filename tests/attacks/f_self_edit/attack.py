"""A push brings a policy that asks for nothing, and uses it at once.

1. Eve removes the required check from `.lfci/policy.toml`, with a larger version, and changes the code.
2. With evidence and without: LFCI206, the policy in force protects its own file; without, also LFCI101.
3. The same policy with a maintainer's approval lands, and holds from the next push on.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a policy of its own in the push", expect=("LFCI206",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    lax = policy_text(version=2, rules=({**RULE, "require": []},))
    eve.edit({".lfci/policy.toml": lax})
    scene.refused(eve, "main", code=("LFCI101", "LFCI206"))
    scene.refused(eve, "main", eve.evidence("HEAD"))
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", eve.tip))
    eve.edit()
    scene.lands(eve, "main")
