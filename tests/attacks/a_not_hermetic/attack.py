"""A run with the network open, or outside the sandbox's guarantees.

1. `hermetic` false: LFCI109.
2. A hermetic run lands; so does the other where the rule says `hermetic = false`.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("A", "a run that was not hermetic", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(hermetic=False))
    scene.lands(eve, "main", eve.run())
    loose = {**RULE, "require": [{**RULE["require"][0], "hermetic": False}]}
    scene.forge.set_policy(policy_text(version=2, rules=(loose,)))
    eve.edit()
    scene.lands(eve, "main", eve.run(hermetic=False))
