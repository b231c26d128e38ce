"""HEAD of the forge names a branch that no rule covers: its tip would say what the policy is.

1. The operator's policy covers main. HEAD has been moved to trunk, which no rule covers.
2. Eve pushes trunk, with a policy of her own in it: LFCI216. Another branch passes, as it did.
3. With HEAD at main again main's pushes land.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "HEAD on a branch without a rule", expect=("LFCI216",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text())
    forge = scene.forge.repo
    forge.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    eve = scene.eve
    eve.edit({".lfci/policy.toml": policy_text(version=9, rules=({**RULE, "require": []},))})
    scene.refused(eve, "HEAD:refs/heads/trunk")
    scene.passes(eve, "HEAD:refs/heads/topic")
    forge.git("symbolic-ref", "HEAD", "refs/heads/main")
    eve.start()
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
