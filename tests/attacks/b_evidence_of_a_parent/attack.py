"""A merge, or an empty commit, is pushed with the evidence of one of its parents.

1. A merge whose tree is neither parent's, with evidence of both parents: LFCI104.
2. A merge with evidence of its own tree lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "a merge with its parents' evidence", expect=("LFCI104",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    one = eve.edit({"src/one.py": b"1"})
    eve.repo.git("checkout", "-q", "-b", "side", base)
    eve.repo.write("src/two.py", b"2")
    two = eve.repo.commit()
    eve.repo.git("checkout", "-q", "main")
    eve.repo.git("merge", "-q", "--no-ff", "--no-edit", "side")
    scene.refused(eve, "main", eve.run(one), eve.run(two))
    scene.lands(eve, "main", eve.run())
