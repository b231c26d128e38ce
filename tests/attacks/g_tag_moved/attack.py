"""A protected tag is moved to an older commit, or deleted to be made again.

1. The policy protects `refs/tags/v*`; v1 is on a landed commit.
2. Eve moves it back, to an unattested commit, deletes it: LFCI208, LFCI101, LFCI207.
3. A new tag on the older commit lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("G", "a protected tag is moved", expect=("LFCI208",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "refs": [*RULE["refs"], "refs/tags/v*"]},)))
    eve = scene.eve
    first = eve.tip
    second = eve.edit()
    scene.lands(eve, "main", f"{second}:refs/tags/v1", eve.evidence(second))
    scene.refused(eve, f"+{first}:refs/tags/v1")
    scene.refused(eve, f"+{eve.objects.tag(first)}:refs/tags/v1")
    third = eve.edit()
    scene.refused(eve, f"+{third}:refs/tags/v1", code="LFCI101")
    scene.refused(eve, ":refs/tags/v1", code="LFCI207")
    scene.lands(eve, f"{first}:refs/tags/v0")
