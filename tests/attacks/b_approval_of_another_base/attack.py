"""An approval of the step from A to B is used for the step from another A.

1. The maintainer approved B on the first tip. Main has since got other tests, with approval. B's tree on
   top of them (which takes them away again) with the old approval: LFCI215.
2. An approval from the present base lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "an approval from another base", expect=("LFCI215",), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    approved = eve.approvals("HEAD", base)
    tree = eve.rev("HEAD^{tree}")
    eve.start(base)
    eve.edit({"tests/test_more.py": b"def test_more():\n    assert True\n"})
    scene.lands(eve, "main", eve.run(), *eve.approvals("HEAD", base))
    now = eve.rev("HEAD")
    back = eve.repo.line("commit-tree", tree, "-p", "HEAD", "-m", "fewer tests")
    scene.refused(eve, f"{back}:refs/heads/main", eve.run(back), *approved)
    scene.lands(eve, f"{back}:refs/heads/main", eve.run(back), *eve.approvals(back, now))
