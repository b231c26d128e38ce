"""The unfolding tree is where a reader looks that is not rule 5: in `.lfci/`, in an inbox ref, as a test
folder that an approval filters, behind a tag.

1. Eve pushes a bomb as `.lfci`, as `tests`, as the tree of an inbox ref, below a protected tag.
2. LFCI411, LFCI210, LFCI403 by place, each at once.
"""

from tests.attacks.git_objects import commit_with, items
from tests.attacks.kit import MAIN, RULE, Attack, Scene, policy_text

ATTACK = Attack("H", "an unfolding tree in other places", expect=("LFCI411",))


def mount(scene: Scene) -> None:
    protect = [{"paths": ["**/conftest.py", "tests/"], "roles": ["maintainer"]}]
    rule = {**RULE, "refs": [*RULE["refs"], "refs/tags/v*"], "protect": protect}
    scene.setup(server_policy=policy_text(rules=(rule,)))
    eve = scene.eve
    objects = eve.objects
    bomb = objects.tree([("100644", b"conftest.py", objects.blob(b"x"))])
    for _ in range(40):
        bomb = objects.tree([("40000", b"a", bomb), ("40000", b"b", bomb)])
    lfci = objects.tree([*items(eve, "HEAD:.lfci"), ("40000", b"zz", bomb)])
    for entry in (("40000", b".lfci", lfci), ("40000", b"tests", bomb), ("40000", b"zz", bomb)):
        scene.refused(eve, f"{commit_with(eve, entry)}:{MAIN}")
    ref = f"refs/lfci/inbox/{'1' * 40}/{'2' * 64}"
    scene.refused(eve, f"{bomb}:{ref}", code="LFCI210")
    scene.refused(eve, f"{bomb}:refs/tags/v1", code="LFCI403")
    eve.edit()
    scene.lands(eve, "main", eve.evidence("HEAD"))
