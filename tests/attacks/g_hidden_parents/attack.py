"""Parents where some readers do not look: after the author, twice, in another case, before the tree.

1. Eve's commits name main's tip as a parent, and another commit behind the author, behind the committer, or
   as `Parent`; the tip twice; the parents before the tree.
2. LFCI402 for each, where git itself does not refuse first. A real merge of the two lands.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import MAIN, Attack, Scene
from tests.attacks.objects import WHO

ATTACK = Attack("G", "parents out of their place", expect=("LFCI402",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    tip, tree = eve.tip, eve.tree("HEAD")
    side = objects.commit(tree, message=b"side\n")
    git_looks_away(scene)
    top, up, more = (
        b"%b %b\n" % (key, name.encode())
        for key, name in ((b"tree", tree), (b"parent", tip), (b"parent", side))
    )
    author, committer = b"author %b\n" % WHO, b"committer %b\n" % WHO
    for text, code in (
        (top + up + author + more + committer, "LFCI402"),
        (top + up + author + committer + more, "LFCI402"),
        (top + up + up + author + committer, "LFCI402"),
        (top + up + author + committer + b"P" + more[1:], "LFCI402"),
        (more + top + up + author + committer, "LFCI402"),
    ):
        commit = objects.add("commit", text + b"\nchange\n")
        scene.refused_raw(eve, [(tip, commit, MAIN)], scene.pack_of(eve, commit, side), code=code)
    commit = objects.commit(tree, tip, side)
    scene.lands(eve, f"{commit}:{MAIN}")
