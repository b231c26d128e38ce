"""A NUL byte in a commit: git stops reading there, what is behind it is signed and hashed all the same.

1. Eve's commits have a NUL in the message, before an evidence trailer, in the author's name and between
   headers.
2. LFCI402 for each.
"""

from tests.attacks.git_objects import git_looks_away, trailer
from tests.attacks.kit import AGENT, Attack, Scene
from tests.attacks.objects import WHO

ATTACK = Attack("G", "text behind a NUL", expect=("LFCI402",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    eve.edit()
    tree, tip = eve.tree("HEAD"), eve.tip
    run, _ = eve.run_of("HEAD")
    line = trailer(eve, eve.bundle(run, AGENT)).encode()
    git_looks_away(scene)
    for commit in (
        objects.commit(tree, tip, message=b"change\0\n\n" + line + b"\n"),
        objects.commit(tree, tip, message=b"change\n\n" + line + b"\0\n"),
        objects.commit(tree, tip, author=WHO.replace(b"Eve", b"Eve\0")),
        objects.commit(tree, tip, extra=b"x y\0\n"),
    ):
        scene.refused(eve, f"{commit}:refs/heads/main", eve.evidence("HEAD"))
    commit = objects.commit(tree, tip, message=b"change\n\n" + line + b"\n")
    scene.lands(eve, f"{commit}:refs/heads/main")
