"""A change is approved, and then a little more is pushed with the approval.

1. One more line in the approved test file, one more file beside it, a mode: LFCI206, there is no approval
   of that.
2. A change outside of the protected part rides along, and lands: approvals are of the protected part.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "more than was approved", expect=("LFCI206",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    approved = eve.approvals("HEAD", base)
    good = eve.rev("HEAD")
    more = (
        {"tests/test_lib.py": b"def test_answer():\n    pass\n#\n"},
        {"tests/conftest.py": b"collect_ignore_glob = ['*']\n"},
    )
    for change in more:
        eve.repo.git("reset", "-q", "--hard", good)
        eve.edit(change)
        scene.refused(eve, "main", eve.run(), *approved)
    eve.repo.git("reset", "-q", "--hard", good)
    (eve.path / "tests/test_lib.py").chmod(0o755)
    eve.edit()
    scene.refused(eve, "main", eve.run(), *approved)
    eve.repo.git("reset", "-q", "--hard", good)
    eve.edit()
    scene.lands(eve, "main", eve.run(), *approved)
