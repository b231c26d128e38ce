"""main gets another history: an orphan, a sibling of its tip, an older commit with one more on top.

1. Eve forces each, with evidence: LFCI208.
2. A merge of the orphan, with main as a parent, lands when its tree is attested.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "main gets another history", expect=("LFCI208",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    tip = eve.edit()
    scene.lands(eve, "main", eve.evidence(tip))
    objects, tree = eve.objects, eve.tree(tip)
    orphan = objects.commit(tree)
    sibling = objects.commit(tree, base, message=b"sibling\n")
    for commit in (orphan, sibling, base):
        scene.refused(eve, f"+{commit}:refs/heads/main", eve.evidence(commit))
    merge = objects.commit(tree, tip, orphan)
    scene.lands(eve, f"{merge}:refs/heads/main")
