"""A protected file becomes a directory, a protected directory a file: the old path matches nothing any
more.

1. Eve turns `tests/test_lib.py` into a directory with a file in it; `tests` into a file.
2. LFCI206 for each.
3. The same with unprotected names lands.
"""

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "a protected file becomes a directory", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    blob = objects.blob(b"pass\n")
    inner = objects.tree([("100644", b"__init__.py", blob)])
    tests = objects.tree([("40000", b"test_lib.py", inner)])
    for mode, oid in (("40000", tests), ("100644", blob)):
        commit = commit_with(eve, (mode, b"tests", oid))
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    commit = commit_with(eve, ("100644", b"src", blob))
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
