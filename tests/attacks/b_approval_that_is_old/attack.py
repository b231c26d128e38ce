"""An approval that has expired, is from the future, or of another repository.

1. LFCI215 each.
2. A new one lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, hours_ago, policy_text

ATTACK = Attack("B", "an approval of another time or repository", expect=("LFCI215",))


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "max-age": "1h"},)))
    eve = scene.eve
    base = eve.tip
    eve.edit({"tests/test_lib.py": b"def test_answer():\n    pass\n"})
    run = eve.run()
    changes = (
        {"issued_at": hours_ago(2)},
        {"issued_at": hours_ago(-2)},
        {"repository": "1" * 8 + "-0000" * 3 + "-" + "0" * 12},
    )
    for change in scene.some(changes):
        scene.refused(eve, "main", run, *eve.approvals("HEAD", base, **change))
    scene.lands(eve, "main", run, *eve.approvals("HEAD", base))
