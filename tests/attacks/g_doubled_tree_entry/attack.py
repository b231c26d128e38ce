"""A tree with one name twice: the first is judged, the second is checked out, or the other way round.

1. Eve adds `src` twice as a directory, `flake.nix` twice, and one name as a file and as a directory.
2. git's own check refuses it; without that check, LFCI401.
"""

from tests.attacks.git_objects import git_looks_away, in_order, items
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "a name twice in a tree", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"evil")
    folder = objects.tree([("100644", b"lib.py", blob)])
    entries = items(eve)
    additions = (("40000", b"src", folder), ("100644", b"flake.nix", blob), ("100644", b"src", blob))
    commits = [objects.commit(objects.tree(in_order([*entries, each])), eve.tip) for each in additions]
    scene.refused(eve, f"{commits[0]}:refs/heads/main", code="git")
    git_looks_away(scene)
    for commit in commits:
        scene.refused(eve, f"{commit}:refs/heads/main")
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
