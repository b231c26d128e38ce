"""A few small tree objects that unfold to 2^60 files, by referring to each other many times.

1. Eve pushes 60 trees of two entries each, and two trees of 1,500 entries each.
2. LFCI411, without the tree being walked.
3. A tree that refers to one directory 50 times lands.
"""

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "trees that unfold to 2^60 files", expect=("LFCI411",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"x")
    leaf = tree = objects.tree([("100644", b"x", blob)])
    for _ in range(60):
        tree = objects.tree([("40000", b"a", tree), ("40000", b"b", tree)])
    wide = objects.tree([("100644", b"%04d" % number, blob) for number in range(1500)])
    square = objects.tree([("40000", b"%04d" % number, wide) for number in range(1500)])
    for bomb in (tree, square):
        scene.refused(eve, f"{commit_with(eve, ('40000', b'zz', bomb))}:{MAIN}")
    many = objects.tree([("40000", b"%02d" % number, leaf) for number in range(50)])
    commit = commit_with(eve, ("40000", b"zz", many))
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
