"""A commit with thousands of parents, and one that is nearly as large as a commit may be.

1. Eve pushes a merge of 3,000 commits without evidence: LFCI101. A commit of more than a megabyte: LFCI412.
2. A merge of 100 lands.
"""

from tests.attacks.git_objects import name_of, raw_commit, stored
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "thousands of parents, a commit of a megabyte", expect=("LFCI412",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    tip = eve.tip
    landed = eve.tree("HEAD")
    eve.edit()
    tree = eve.tree("HEAD")
    roots = [("commit", raw_commit(landed, seconds=number)) for number in range(3000)]
    names = [name_of(*each) for each in roots]
    stored(eve, roots)
    scene.refused(eve, f"{eve.objects.commit(tree, tip, *names)}:{MAIN}", code="LFCI101")
    large = eve.objects.commit(landed, tip, message=b"x" * (1 << 20))
    scene.refused(eve, f"{large}:{MAIN}")
    scene.lands(eve, f"{eve.objects.commit(landed, tip, *names[:100])}:{MAIN}")
