"""A protected branch that does not exist yet is begun with a history of its own, so that nothing is
compared.

1. Eve pushes an orphan with weaker tests to release/1: LFCI206, compared with main's tip.
2. An orphan with main's protected files lands there with evidence.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a release without a history", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    weaker = eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    orphan = eve.objects.commit(eve.tree(weaker))
    scene.refused(eve, f"{orphan}:refs/heads/release/1", eve.evidence(orphan))
    eve.start()
    eve.edit()
    orphan = eve.objects.commit(eve.tree("HEAD"))
    scene.lands(eve, f"{orphan}:refs/heads/release/1", eve.evidence(orphan))
