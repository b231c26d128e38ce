"""A merge changes protected files that neither of its parents changes: reviews of both branches miss it.

1. Eve merges a harmless branch, and weakens a protected test in the merge commit itself.
2. LFCI206: main's old tip is compared with the new one, whatever is between.
3. The merge without that lands.
"""

from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "a merge that changes protected files itself", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    side = eve.edit()
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    merge = eve.objects.commit(eve.tree("HEAD"), base, side)
    scene.refused(eve, f"{merge}:refs/heads/main", eve.evidence(merge))
    merge = eve.objects.commit(eve.tree(side), base, side)
    scene.lands(eve, f"{merge}:refs/heads/main", eve.evidence(merge))
