"""A tree whose entries are not in git's order: one reader finds a name, another does not.

1. Eve puts `flake.nix` behind `src`, and a directory where its name without the slash would be.
2. git's own check refuses it; without that check, LFCI401.
"""

from tests.attacks.git_objects import git_looks_away, in_order, items
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "tree entries out of order", expect=("LFCI401",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    entries = items(eve)
    blob = objects.blob(b"x")
    folder = objects.tree([("100644", b"x", blob)])
    odd = (
        sorted(entries, key=lambda each: each[1] == b"flake.nix"),
        list(reversed(entries)),
        [*in_order(entries), ("40000", b"zz", folder), ("100644", b"zz.x", blob)],
    )
    commits = [objects.commit(objects.tree(each), eve.tip) for each in odd]
    scene.refused(eve, f"{commits[0]}:refs/heads/main", code="git")
    git_looks_away(scene)
    for commit in commits:
        scene.refused(eve, f"{commit}:refs/heads/main")
    commit = objects.commit(objects.tree(in_order(entries)), eve.tip, message=b"sorted\n")
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
