"""Directories in directories, thousands deep, and names of 300 bytes: no file system holds them, and a
reader that calls itself for each level ends there.

1. Eve pushes a chain of 2,500 directories, one of 2,048, and a name of 300 bytes: LFCI401.
2. A chain of 100 lands.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "directories thousands deep", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    blob = objects.blob(b"x")
    long = commit_with(eve, ("100644", b"n" * 300, blob))
    scene.refused(eve, f"{long}:{MAIN}")
    tree = objects.tree([("100644", b"x", blob)])
    chains = {}
    for depth in range(1, 2501):
        tree = objects.tree([("40000", b"d", tree)])
        chains[depth] = tree
    for depth in (2500, 2048):
        scene.refused(eve, f"{commit_with(eve, ('40000', b'zz', chains[depth]))}:{MAIN}")
    commit = commit_with(eve, ("40000", b"zz", chains[100]))
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
