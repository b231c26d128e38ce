"""A chain of five hundred tags of tags on a protected tag, and one that would be a circle.

1. Eve pushes the chain: LFCI403 after the first eight.
2. A tag of a tag lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("H", "five hundred tags of tags", expect=("LFCI403",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "refs": [*RULE["refs"], "refs/tags/v*"]},)))
    eve = scene.eve
    chain = [eve.objects.tag(eve.tip)]
    for _ in range(500):
        chain.append(eve.objects.tag(chain[-1], "tag"))
    scene.refused(eve, f"{chain[-1]}:refs/tags/v1")
    scene.lands(eve, f"{chain[1]}:refs/tags/v1")
