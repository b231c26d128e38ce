"""An approved policy names another repository, whose evidence would then count here.

1. Eve has a maintainer's approval of a policy with another repository id.
2. LFCI205: the id never changes.
3. The same policy with the right id lands.
"""

from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "the policy names another repository", expect=("LFCI205",))
OTHER = "00000000-0000-4000-8000-000000000001"


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({".lfci/policy.toml": policy_text(version=2, repository=OTHER)})
    scene.refused(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
    eve.start(base)
    eve.edit({".lfci/policy.toml": policy_text(version=2, bootstrap="report")})
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
