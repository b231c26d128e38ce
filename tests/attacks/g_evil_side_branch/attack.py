"""The tree of the tip is clean; a commit that a merge brings has `.git` in its tree, or no tree at all.

1. Eve merges a history of three commits, of which the second has an unsafe tree, and the third removes it.
2. LFCI401; so an octopus with 30 parents, one of which is such a commit.
3. The merge of a clean history lands.
"""

from tests.attacks.git_objects import git_looks_away, items
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "an unsafe tree in a merged history", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    tip, tree = eve.tip, eve.tree("HEAD")
    hooks = objects.tree([("100755", b"post-checkout", objects.blob(b"#!/bin/sh\n"))])
    unsafe = objects.tree([*items(eve), ("40000", b"zz", objects.tree([("40000", b".GIT", hooks)]))])
    git_looks_away(scene)
    one = objects.commit(tree, message=b"one\n")
    two = objects.commit(unsafe, one)
    three = objects.commit(tree, two)
    scene.refused(eve, f"{objects.commit(tree, tip, three)}:{MAIN}")
    many = [objects.commit(tree, message=b"%d\n" % number) for number in range(29)]
    scene.refused(eve, f"{objects.commit(tree, tip, *many, two)}:{MAIN}")
    scene.lands(eve, f"{objects.commit(tree, tip, *many, one)}:{MAIN}")
