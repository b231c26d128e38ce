"""An approval for a release branch is used for main, and the other way round.

1. LFCI215 each.
2. For the ref itself it lands.
"""

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("B", "an approval for another ref", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    run = eve.run()
    release = eve.approvals("HEAD", base, ref="refs/heads/release/1")
    scene.refused(eve, "main", run, *release)
    mine = eve.approvals("HEAD", base)
    scene.refused(eve, "HEAD:refs/heads/release/1", run, *mine)
    scene.lands(eve, "main", run, *mine)
