"""A tree entry names the object of zeros, or one that is not there: whoever reads it fails, later.

1. Eve adds a file, a directory and a submodule of zeros: LFCI401.
2. She adds a file and a directory that nobody has: git drops the ref by itself; the gate has not seen the
   evidence that it wants, or the tree that it wants to read.
"""

from tests.attacks.git_objects import git_looks_away, items
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "tree entries that name nothing", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    for mode, oid, code in (
        ("100644", scene.zero, "LFCI401"),
        ("40000", scene.zero, "LFCI401"),
        ("160000", scene.zero, "LFCI401"),
        ("100644", "1" * 40, "LFCI101"),
        ("40000", "1" * 40, "LFCI501"),
    ):
        tree = objects.tree([*items(eve), (mode, b"zz", oid)])
        commit = objects.commit(tree, eve.tip)
        scene.refused_raw(eve, [(eve.tip, commit, MAIN)], scene.pack_of(eve, commit, tree), code=code)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
