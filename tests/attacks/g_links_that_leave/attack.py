"""Symbolic links that lead out of the tree or into `.git`: whoever writes through them writes there.

1. Eve adds links to absolute paths, above the root, above it by way of another link, into `.git`, to
   nothing, in Windows' spelling, at the root and deep down.
2. LFCI401 for each. Links within the tree land.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "symbolic links that leave the tree", expect=("LFCI401",))
TARGETS = (
    b"/etc/passwd",
    b"../x",
    b"a/../../x",
    b".git/config",
    b"",
    b"C:\\x",
    b"..\\x",
    b"a\0b",
    b".GIT/hooks",
    b"x" * 5000,
)


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    for target in scene.some(TARGETS, 3):
        link = ("120000", b"link", objects.blob(target))
        scene.refused(eve, f"{commit_with(eve, link)}:{MAIN}", code="LFCI412" if len(target) > 4096 else None)
    up = objects.tree([("120000", b"up", objects.blob(b"../../x"))])
    scene.refused(eve, f"{commit_with(eve, ('40000', b'deep', up))}:{MAIN}")
    deeper = ("40000", b"deep", objects.tree([("40000", b"er", up)]))
    commit = commit_with(eve, deeper, ("120000", b"link", objects.blob(b"src/lib.py")))
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
