"""A commit in the middle of a landing becomes a protected branch of its own.

Of a push of two commits only the second is compared with what was there before. The first one may weaken
protected tests, when the second one restores them; then it is in the history of main, and what is new on
another protected branch is compared with where it left main.

1. Eve lands two such commits with evidence of the second.
2. She pushes the first one to release/1, with evidence: LFCI206, for nobody has approved it.
3. So is a commit on top of it. The tip becomes a release.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a commit from the middle becomes a release", expect=("LFCI206",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    before = (eve.path / TEST_FILE).read_bytes()
    middle = eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    tip = eve.edit({TEST_FILE: before})
    scene.lands(eve, "main", eve.evidence(tip))
    scene.refused(eve, f"{middle}:refs/heads/release/1", eve.evidence(middle))
    eve.repo.git("checkout", "-q", "--detach", middle)
    further = eve.edit()
    scene.refused(eve, f"{further}:refs/heads/release/1", eve.evidence(further))
    scene.lands(eve, f"{tip}:refs/heads/release/1")
