"""A commit with two trees: git takes the first, another reader the last.

1. Eve's commit names main's tree, which has evidence, and a second one; the second line is before the
   parent, after it, among and behind the other headers, in another case, or first.
2. LFCI402 for each, where git itself does not refuse first.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene
from tests.attacks.objects import WHO

ATTACK = Attack("G", "a commit with two trees", expect=("LFCI402",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    evil = objects.files({"src/lib.py": b"evil"})
    git_looks_away(scene)
    author, committer = b"author %b\n" % WHO, b"committer %b\n" % WHO
    first, second = (b"tree %b\n" % name.encode() for name in (eve.tree("HEAD"), evil))
    up = b"parent %b\n" % eve.tip.encode()
    for parts in (
        (first, second, up, author, committer),
        (first, up, second, author, committer),
        (first, up, author, committer, second),
        (first, up, author, second, committer),
        (first, up, author, committer, b"T" + second[1:]),
        (second, first, up, author, committer),
    ):
        commit = objects.add("commit", b"".join(parts) + b"\nchange\n")
        scene.refused_raw(eve, [(eve.tip, commit, MAIN)], scene.pack_of(eve, *objects.made))
    commit = objects.add("commit", b"".join((first, up, author, committer)) + b"\nchange\n")
    scene.lands(eve, f"{commit}:{MAIN}")
