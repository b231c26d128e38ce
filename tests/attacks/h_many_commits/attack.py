"""More new commits than are read: 10,001 in one push, on main's line and beside it.

1. Eve pushes a line of 10,001 commits: LFCI411; a merge of as many without an order: LFCI411.
2. 200 of them land.
"""

from tests.attacks.git_objects import name_of, raw_commit, stored
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "10,001 new commits", expect=("LFCI411",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    tree, tip = eve.tree("HEAD"), eve.tip
    line, made = [tip], []
    for number in range(10_001):
        made.append(("commit", raw_commit(tree, line[-1], seconds=number)))
        line.append(name_of(*made[-1]))
    stored(eve, made)
    scene.refused(eve, f"{line[-1]}:{MAIN}")
    merge = eve.objects.commit(tree, tip, line[-2])
    scene.refused(eve, f"{merge}:{MAIN}")
    scene.lands(eve, f"{line[200]}:{MAIN}")
