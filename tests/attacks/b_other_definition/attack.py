"""The check is declared otherwise than when it ran: the command becomes `true`, the evidence is from before.

The configuration is not protected here, and not among the inputs of the check, so the inputs tree is the
same.

1. Evidence of the old definition: LFCI106.
2. Evidence of the new one lands (who wants to decide about commands protects the file).
"""

from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("B", "evidence of another definition", expect=("LFCI106",), quick=True)
CONFIG = b"""version = 1

[checks.test]
run = "%b"
inputs = ["src/**"]
report = { format = "junit", path = "junit.xml" }
"""
RULE = {"refs": ["refs/heads/main"], "require": [{"check": "test", "roles": ["agent"]}]}


def mount(scene: Scene) -> None:
    scene.setup(policy_text(rules=(RULE,)), config=CONFIG % b"pytest")
    eve = scene.eve
    before = eve.tip
    old = eve.run(before, attester="again")
    eve.repo.write(".lfci/config.toml", CONFIG % b"pytest -x")
    eve.repo.commit()
    assert old.split("/")[3] == eve.run("HEAD").split("/")[3], "the inputs tree is the same"
    scene.refused(eve, "main", old)
    scene.refused(eve, "main")
    scene.lands(eve, "main", eve.run())
