"""The policy in force is older than one seen before: a restored backup, or somebody on the server went
back.

1. Version 2 was in force for a landing.
2. The operator's file is version 1 again: every push to a protected branch is LFCI203, with evidence too.
3. A file with version 3 ends it; one of another repository is LFCI205.
"""

from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "an older policy is in force again", expect=("LFCI203",), gateless=False)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(version=2))
    eve = scene.eve
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
    eve.edit()
    scene.forge.set_policy(policy_text(version=1))
    scene.refused(eve, "main", eve.evidence("HEAD"))
    other = policy_text(version=3, repository="00000000-0000-4000-8000-000000000001")
    scene.forge.set_policy(other)
    scene.refused(eve, "main", eve.evidence("HEAD"), code="LFCI205")
    scene.forge.set_policy(policy_text(version=3))
    scene.lands(eve, "main", eve.evidence("HEAD"))
