"""One tree object of more than eight megabytes, and one of a hundred thousand names that fold to each other
slowly.

1. Eve pushes a directory of 300,000 names: LFCI412.
2. She pushes one of 30,000 names with 60 combining marks each, in the worst order: no decision takes longer
   than the bound, LFCI101.
"""

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "tree objects that are too large", expect=("LFCI412",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    raw = bytes.fromhex(objects.blob(b"x"))
    large = objects.add("tree", b"".join(b"100644 %06d\0%b" % (number, raw) for number in range(300_000)))
    scene.refused(eve, f"{commit_with(eve, ('40000', b'zz', large))}:{MAIN}")
    marks = ("\u0301\u0323" * 30).encode()
    slow = objects.add(
        "tree", b"".join(b"100644 %05d%b\0%b" % (number, marks, raw) for number in range(30_000))
    )
    commit = commit_with(eve, ("40000", b"zz", slow))
    scene.refused(eve, f"{commit}:{MAIN}", code="LFCI101")
