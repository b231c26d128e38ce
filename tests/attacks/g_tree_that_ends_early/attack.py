"""Tree objects that cannot be read: cut short, or with an entry without a name.

1. Eve cuts a tree after a mode, after a name, within an object name; leaves a name empty.
2. git cannot follow them, and drops the ref by itself; the gate says LFCI401 too.
"""

from tests.attacks.git_objects import git_looks_away, items
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "trees that cannot be read", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    whole = objects.made[objects.tree(items(eve))][1]
    blob = objects.blob(b"x")
    git_looks_away(scene)
    for rest in (b"100644 zz", b"100644", b"100644 zz\0" + b"\1" * 7, b"100644 \0" + bytes.fromhex(blob)):
        tree = objects.add("tree", whole + rest)
        commit = objects.commit(tree, eve.tip)
        scene.refused_raw(eve, [(eve.tip, commit, MAIN)], scene.pack_of(eve, commit, tree, blob))
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
