"""Tree entries with modes that git does not write: padded, group-writable, sticky, sockets, nothing at all.

1. Eve adds entries with the modes 100664, 100600, 104755, 140000, 0100644, 040000, 170000, 10644.
2. git's own check refuses padded ones; without it all are LFCI401.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "modes that git does not write", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"x")
    folder = objects.tree([("100644", b"x", blob)])
    git_looks_away(scene)
    for mode in scene.some(("100664", "0100644", "100600", "104755", "140000", "100000", "10644")):
        commit = commit_with(eve, (mode, b"odd", blob))
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
    commit = commit_with(eve, ("040000", b"odd", folder))
    scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
    commit = commit_with(eve, ("100755", b"odd", blob), ("40000", b"folder", folder))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
