"""The environment changes and the check's inputs name only sources: old evidence would stand for the new
flake.

1. flake.lock edited, evidence from before: LFCI104, the flake belongs to the inputs always. The right
   tree with the old file's digest: LFCI114. Without naming flake.lock: LFCI114.
2. Evidence of the new lock lands, with approval.
"""

from lfci_gate.model import FileDigest
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("B", "evidence of another flake.lock", expect=("LFCI104",))
CONFIG = b'version = 1\n\n[checks.test]\nrun = "pytest"\ninputs = ["src/**"]\n'
CONFIG += b'report = { format = "junit", path = "junit.xml" }\n'
RULE = {"refs": ["refs/heads/main"], "require": [{"check": "test", "roles": ["agent"]}]}


def mount(scene: Scene) -> None:
    scene.setup(policy_text(rules=(RULE,)), config=CONFIG)
    eve = scene.eve
    old, _ = eve.run_of(eve.tip)
    eve.repo.write("flake.lock", b'{"nodes":{"root":{"inputs":{}}},"root":"root","version":7}\n')
    eve.repo.commit()
    scene.refused(eve, "main", eve.run("HEAD~"))
    scene.refused(eve, "main", eve.run(flake=old.flake), code="LFCI114")
    new, _ = eve.run_of("HEAD")
    unnamed = tuple(each for each in new.flake if each.path != "flake.lock")
    scene.refused(eve, "main", eve.run(flake=unnamed), code="LFCI114")
    swapped = (FileDigest("flake.lock", new.flake[1].sha256), FileDigest("flake.nix", new.flake[0].sha256))
    scene.refused(eve, "main", eve.run(flake=swapped), code="LFCI114")
    scene.lands(eve, "main", eve.run())
