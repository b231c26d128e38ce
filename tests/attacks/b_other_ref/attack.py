"""Evidence that was made for one branch is used for another, where the policy binds it.

1. `bind = ["ref"]`: a run for release/1 is pushed with main, one without a target, one for a look-alike:
   LFCI112.
2. A run for main lands; release/1 takes one of its own, and not main's.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("B", "evidence bound to another ref", expect=("LFCI112",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "bind": ["ref"]},)))
    eve = scene.eve
    eve.edit()
    for ref in scene.some(("refs/heads/release/1", None, "refs/heads/Main", "refs/tags/main")):
        scene.refused(eve, "main", eve.run(target_ref=ref))
    mine = eve.run(target_ref="refs/heads/main")
    scene.refused(eve, "HEAD:refs/heads/release/1", mine)
    scene.lands(eve, "main", mine)
    scene.refused(eve, "HEAD:refs/heads/release/1")
    scene.lands(eve, "HEAD:refs/heads/release/1", eve.run(target_ref="refs/heads/release/1"))
