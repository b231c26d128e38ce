"""A commit lands where a rule asks for little, and is then pushed to main: has it not landed?

1. The policy asks for nothing on dev branches.
2. Eve lands her commit on dev/1, then pushes it to main, alone and together with dev/2: LFCI101.
3. Her protected change is LFCI206 on main, wherever else it has landed.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "through a branch with a weaker rule", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=(RULE, {"refs": ["refs/heads/dev/*"]})))
    eve = scene.eve
    commit = eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    scene.lands(eve, f"{commit}:refs/heads/dev/1")
    for pushed in (
        (f"{commit}:refs/heads/main",),
        (f"{commit}:refs/heads/dev/2", f"{commit}:refs/heads/main"),
    ):
        scene.refused(eve, *pushed, code=("LFCI101", "LFCI206"))
    scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit), code="LFCI206")
    scene.refused(eve, f"{commit}:refs/heads/release/1", eve.evidence(commit), code="LFCI206")
