"""Tree entries named `..`, `.`, with a slash or a backslash in them: files are written somewhere else.

1. Eve adds such entries at the root and below; with backslashes for Windows.
2. git's own check refuses most; without it all are LFCI401.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "names that lead out of the tree", expect=("LFCI401",))
NAMES = (b"..", b".", b"a/b", b"../x", b"a\\..\\..\\x", b"..\\x", b". ", b"...", b"..\xe2\x80\x8c", b"\\\\x")


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"x")
    git_looks_away(scene)
    for name in scene.some(NAMES):
        below = objects.tree([("100644", name, blob)])
        for entry in (("100644", name, blob), ("40000", b"below", below)):
            commit = commit_with(eve, entry)
            scene.refused(eve, f"{commit}:refs/heads/main")
    commit = commit_with(eve, ("100644", b"..x", blob), ("100644", b"a\\x2d", blob))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
