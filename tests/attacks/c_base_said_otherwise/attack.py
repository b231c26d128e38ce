"""A second attestation of the base says that there were fewer tests, before the change that deletes them.

1. A second agent attests main's tip with one test less; that is folded.
2. Eve deletes the test: LFCI213, the base has all tests that any run of it had.
3. So is a run of the new tree by two agents of which only one executed the test.
"""

from tests.attacks.compared import document, rule
from tests.attacks.kit import SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("C", "a base that is said to have fewer tests", expect=("LFCI213",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(rule(),)))
    eve = scene.eve
    less = document("t::one")
    scene.lands(eve, eve.evidence("HEAD", SECOND_AGENT, document=less))
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD", document=less))
    scene.refused(eve, "main", eve.evidence("HEAD"), eve.evidence("HEAD", SECOND_AGENT, document=less))
    scene.lands(eve, "main", eve.evidence("HEAD"))
