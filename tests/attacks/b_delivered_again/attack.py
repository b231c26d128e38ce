"""Evidence that was folded is delivered again, a hundred times the same: the notes must not grow, nor count
it twice.

1. The same bundle again, alone and with a branch: taken, and there once.
2. Threshold two: it counts for one, LFCI111.
"""

from tests.attacks.kit import RULE, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("B", "folded evidence delivered again", expect=("LFCI111",))


def mount(scene: Scene) -> None:
    two = {**RULE, "require": [{**RULE["require"][0], "threshold": 2}]}
    scene.setup(server_policy=policy_text(rules=(two,)))
    eve = scene.eve
    eve.edit()
    spec = eve.run()
    for _ in range(3):
        scene.lands(eve, spec)
        scene.refused(eve, "main", spec)
    subject = spec.split("/")[-2]
    if scene.target.judges:
        scene.holds(len(scene.forge.note("lfci", subject).splitlines()) == 1, "the bundle is there once")
    scene.lands(eve, "main", eve.run(signer=SECOND_AGENT))
