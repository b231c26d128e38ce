"""What a check looks at is taken away, until it looks at nothing: one run of nothing would do for ever.

1. The check's inputs are `src/`. Eve removes it, and the flake with it, and attests the check of the empty
   tree: LFCI414. So it is for inputs that name nothing at all.
2. A change that leaves one file there lands.
"""

from tests.attacks.kit import CONFIG, Attack, Scene, policy_text

ATTACK = Attack("C", "a check whose inputs are empty", expect=("LFCI414",))
RULE = {"refs": ["refs/heads/main"], "require": [{"check": "test", "roles": ["agent"]}]}


def mount(scene: Scene) -> None:
    scene.setup(policy_text(rules=(RULE,)), config=CONFIG + b'inputs = ["src/"]\n')
    eve = scene.eve
    base = eve.tip
    for more in ({}, {".lfci/config.toml": CONFIG + b'inputs = ["nothing/here/"]\n'}):
        eve.start(base)
        eve.repo.git("rm", "-q", "-r", "--ignore-unmatch", "src", "flake.nix", "flake.lock")
        for path, data in {"README": b"x", **more}.items():
            eve.repo.write(path, data)
        eve.repo.commit()
        scene.refused(eve, "main", eve.run())
    eve.start(base)
    eve.edit()
    scene.lands(eve, "main", eve.run())
