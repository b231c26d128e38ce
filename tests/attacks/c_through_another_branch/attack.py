"""The test is deleted where that is allowed, and the commit then comes to main as something that has
landed.

1. On dev branches tests may vanish. Eve lands the deletion there, and another change on top.
2. She pushes them to main, together, and as a merge: LFCI213, compared with main's own tip.
"""

from tests.attacks.compared import document, rule
from tests.attacks.kit import MAIN, Attack, Scene, policy_text

ATTACK = Attack("C", "a test deleted on another branch", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    dev = {"refs": ["refs/heads/dev/*"], "require": [{"check": "test", "roles": ["agent"]}]}
    scene.setup(server_policy=policy_text(rules=(rule(), dev)))
    eve = scene.eve
    base = eve.tip
    less = document("t::one")
    for _ in range(2):
        commit = eve.edit()
        scene.lands(eve, f"{commit}:refs/heads/dev/1", eve.evidence(commit, document=less))
    scene.refused(eve, f"{commit}:{MAIN}")
    merge = eve.objects.commit(eve.tree(commit), base, commit)
    scene.refused(eve, f"{merge}:{MAIN}")
    scene.lands(eve, f"{merge}:{MAIN}", eve.evidence(merge, document=document("t::one", "t::two")))
