"""A weak policy is planted on an unprotected branch, and a push to main is based on that branch.

1. Eve pushes a branch with a policy that asks for nothing: it has no rule, so it passes.
2. She pushes that branch's commit to main, alone and together with the branch: LFCI101 and LFCI206.
3. She pushes a merge of it that has main's policy again: LFCI101.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "a policy planted on an unprotected branch", expect=("LFCI101", "LFCI206"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    planted = eve.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "require": []},))})
    scene.passes(eve, f"{planted}:refs/heads/topic")
    scene.refused(eve, f"{planted}:refs/heads/main")
    further = eve.edit()
    scene.refused(eve, f"{further}:refs/heads/topic", f"{further}:refs/heads/main")
    merge = eve.objects.commit(eve.tree(base), base, planted)
    eve.repo.git("checkout", "-q", "--detach", merge)
    code = eve.edit()
    scene.refused(eve, f"{code}:refs/heads/main", code="LFCI101")
    scene.lands(eve, f"{code}:refs/heads/main", eve.evidence(code))
