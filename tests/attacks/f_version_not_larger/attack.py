"""An approved policy has the version of the one in force, or a lower one: two policies under one version.

1. Eve has a maintainer's approval of a policy with version 3, 2 and 1 after version 3.
2. LFCI204 for each.
3. Version 4 lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "the version of the policy does not grow", expect=("LFCI204",))


def mount(scene: Scene) -> None:
    scene.setup(policy_text(version=3))
    eve = scene.eve
    base = eve.tip
    for version in (3, 2, 1, 4):
        eve.start(base)
        eve.edit({".lfci/policy.toml": policy_text(version=version, rules=({**RULE, "max-age": "30d"},))})
        everything = ("main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
        if version == 4:
            scene.lands(eve, *everything)
        else:
            scene.refused(eve, *everything)
