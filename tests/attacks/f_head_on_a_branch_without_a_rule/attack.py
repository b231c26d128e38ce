"""HEAD of the forge names a branch that no rule covers, or none at all: its tip says what the policy is.

1. The operator's policy covers main. HEAD has been moved to trunk, which no rule covers.
2. Eve pushes trunk, with a policy of her own in it: LFCI216. Another branch passes, as it did.
3. HEAD is detached: LFCI516 for every branch. The operator's policy cannot be read: LFCI202.
4. With HEAD at main again main's pushes land.
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
    forge.git("update-ref", "--no-deref", "HEAD", eve.tip)
    for branch in ("trunk", "another", "main"):
        scene.refused(eve, f"HEAD:refs/heads/{branch}", code="LFCI516")
    forge.git("symbolic-ref", "HEAD", "refs/heads/main")
    scene.forge.set_policy(b"version = 0\n")
    scene.refused(eve, "HEAD:refs/heads/other", code="LFCI202")
    scene.forge.set_policy(policy_text())
    eve.start()
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
