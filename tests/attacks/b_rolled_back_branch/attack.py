"""Main is wound back to an older, once attested commit, deleted, or deleted and made again.

1. A forced push of the parent: LFCI208. Deletion: LFCI207. Both in one push under two names is git's to
   refuse. A new history with the same tree: LFCI208.
2. A fast-forward lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("B", "the branch is rolled back", expect=("LFCI208",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    first = eve.tip
    eve.edit()
    scene.lands(eve, "main", eve.run())
    tip = eve.rev("HEAD")
    # by hand: git's own client and denyNonFastForwards are not asked
    scene.refused_raw(eve, [(tip, first, MAIN)], scene.pack_for(eve))
    scene.refused(eve, ":main", code="LFCI207")
    root = eve.repo.line("commit-tree", "HEAD^{tree}", "-m", "the same tree")
    scene.refused(eve, f"+{root}:refs/heads/main", eve.run())
    eve.edit()
    scene.lands(eve, "main", eve.run())
