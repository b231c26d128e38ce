"""`.lfci` becomes a link, a submodule or a file, so that the policy comes from where nobody protects it.

1. Eve moves `.lfci/` to `notes/` and puts a symbolic link, a file or a submodule in its place.
2. LFCI401 for link and file; LFCI407 for the submodule.
3. A copy of the files beside `.lfci/` lands.
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import Attack, Scene

ATTACK = Attack("F", "the policy's folder is a link", expect=("LFCI401",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    folder = next(oid for _mode, name, oid in items(eve) if name == b".lfci")
    copy = ("40000", b"notes", folder)
    target = eve.objects.blob(b"notes")
    for mode, oid, code in (
        ("120000", target, "LFCI401"),
        ("100644", target, "LFCI401"),
        ("160000", "1" * 40, "LFCI407"),
    ):
        commit = commit_with(eve, copy, (mode, b".lfci", oid))
        scene.refused(eve, f"{commit}:refs/heads/main", code=code)
    commit = commit_with(eve, copy)
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
