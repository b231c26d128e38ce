"""An approved policy has rules for release branches only: main would then take anything.

1. Eve has a maintainer's approval of it: LFCI216.
2. So do patterns that look as if they named main: `refs/heads/Main`, `refs/heads/main/*`.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a policy without a rule for main", expect=("LFCI216",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    for pattern in ("refs/heads/release/*", "refs/heads/Main", "refs/heads/main/*", "refs/tags/main"):
        eve.start(base)
        eve.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "refs": [pattern]},))})
        scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "refs": ["refs/heads/*"]},))})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
