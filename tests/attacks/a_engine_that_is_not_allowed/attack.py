"""Evidence of the fast local engine where the rule wants Nix's own build sandbox.

1. `engines = ["build"]`, a run of `develop`: LFCI109.
2. A run of `build` lands.
"""

from lfci_gate.model import Engine
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("A", "an engine that the rule does not list", expect=("LFCI109",))


def mount(scene: Scene) -> None:
    strict = {**RULE, "require": [{**RULE["require"][0], "engines": ["build"]}]}
    scene.setup(server_policy=policy_text(rules=(strict,)))
    eve = scene.eve
    eve.edit()
    scene.refused(eve, "main", eve.run(engine=Engine.DEVELOP))
    scene.lands(eve, "main", eve.run(engine=Engine.BUILD))
