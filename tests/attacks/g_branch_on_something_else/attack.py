"""A protected branch is put on an annotated tag, a tree, a blob: what it leads to differs by reader.

1. Eve pushes an annotated tag of an attested commit, a tree and a blob to main: LFCI403.
2. The commit itself lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("G", "a protected branch on something that is no commit", expect=("LFCI403",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    commit = eve.edit()
    run = eve.evidence(commit)
    tag, blob = objects.tag(commit), objects.blob(b"x")
    for target in (tag, eve.tree(commit), blob):
        pack = scene.pack_for(eve, target, have=[eve.tip])
        scene.refused_raw(eve, [(eve.tip, target, MAIN)], pack)
    scene.refused_raw(eve, [(scene.zero, tag, "refs/heads/release/1")], scene.pack_for(eve, tag))
    scene.lands(eve, f"{commit}:{MAIN}", run)
