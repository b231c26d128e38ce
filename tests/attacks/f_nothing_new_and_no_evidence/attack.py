"""A protected ref is moved to a commit that the forge has already, so that no commit is new.

1. Every new commit needs evidence by two; main's tip has that of one, which was enough when it landed.
2. Eve makes a release branch there: LFCI111. She moves one that may go anywhere back to there: LFCI111.
3. With the second agent's evidence of that commit both land.
"""

from tests.attacks.kit import RULE, SECOND_AGENT, Attack, Scene, policy_text

ATTACK = Attack("F", "no commit is new, so none is checked", expect=("LFCI111",))


def mount(scene: Scene) -> None:
    required = {**RULE["require"][0], "threshold": 2}
    scene.setup(
        server_policy=policy_text(rules=({**RULE, "require": [required], "scope": "each", "update": "any"},))
    )
    eve = scene.eve
    old = eve.tip
    scene.refused(eve, f"{old}:refs/heads/release/1")
    new = eve.edit()
    scene.lands(eve, f"{new}:refs/heads/release/2", eve.run(new), eve.run(new, SECOND_AGENT))
    scene.refused(eve, f"+{old}:refs/heads/release/2")
    scene.lands(eve, f"{old}:refs/heads/release/1", eve.run(old, SECOND_AGENT))
    scene.lands(eve, f"+{old}:refs/heads/release/2")
