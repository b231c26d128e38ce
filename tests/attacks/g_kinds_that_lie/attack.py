"""A commit whose tree is a blob, a directory that is a blob, a file that is a tree, a parent that is a
tree.

1. Eve pushes each by hand, for git makes no such pack: LFCI401.
2. A parent that is a tree: git cannot tell what is new, LFCI501.
"""

from tests.attacks.git_objects import git_looks_away, items
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "objects of another kind than named", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"x")
    folder = objects.tree([("100644", b"x", blob)])
    git_looks_away(scene)
    honest = eve.tree("HEAD")
    directory = objects.tree([*items(eve), ("40000", b"zz", blob)])
    file = objects.tree([*items(eve), ("100644", b"zz", folder)])
    for commit, code in (
        (objects.commit(blob, eve.tip), "LFCI401"),
        (objects.commit(directory, eve.tip), "LFCI401"),
        (objects.commit(file, eve.tip), "LFCI101"),
        (objects.commit(honest, eve.tip, folder), "LFCI501"),
    ):
        scene.refused_raw(eve, [(eve.tip, commit, MAIN)], scene.pack_of(eve, *objects.made), code=code)
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
