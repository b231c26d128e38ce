"""A protected tag is put on a tree, on a file, on a chain of tags, on a tag that lies about its kind.

1. The policy protects `refs/tags/v*`.
2. Eve tags a tree and a blob, by themselves and with an annotated tag: LFCI403. So a chain of nine tags.
3. A tag that says it is of a tree and names a commit is LFCI402. An annotated tag of main's tip lands.
"""

from tests.attacks.git_objects import git_looks_away
from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("G", "a protected tag on something else", expect=("LFCI403",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "refs": [*RULE["refs"], "refs/tags/v*"]},)))
    eve = scene.eve
    objects = eve.objects
    git_looks_away(scene)
    blob = objects.blob(b"x")
    chain = objects.tag(eve.tip)
    for number in range(9):
        chain = objects.tag(chain, "tag", name=b"v%d" % number)
    tree = eve.tree("HEAD")
    for target in (tree, blob, objects.tag(tree, "tree"), objects.tag(blob, "blob"), chain):
        scene.refused(eve, f"{target}:refs/tags/v1")
    lie = objects.tag(eve.tip, "tree")
    scene.refused_raw(eve, [(scene.zero, lie, "refs/tags/v1")], scene.pack_of(eve, lie), code="LFCI402")
    scene.lands(eve, f"{objects.tag(eve.tip)}:refs/tags/v1")
