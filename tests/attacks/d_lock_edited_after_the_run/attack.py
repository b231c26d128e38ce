"""The lock of the environment is edited after the check has run, with the old evidence.

1. Eve changes a narHash in flake.lock, adds a second key of one name to it, changes flake.nix: evidence of
   before is of other inputs, LFCI104; the files are protected too, LFCI206.
2. Also where no policy protects them and the check's inputs name only sources: LFCI104.
3. With a run of the new lock, and approval, it lands.
"""

from tests.attacks.kit import CONFIG, RULE, Attack, Scene, policy_text

ATTACK = Attack("D", "the lock edited after the run", expect=("LFCI104", "LFCI206"), quick=True)
LOCK = b'{"nodes":{"a":{"locked":{"narHash":"sha256-%b"}},"root":{}},"root":"root","version":7}\n'


def mount(scene: Scene) -> None:
    narrow = CONFIG + b'inputs = ["src/", "tests/"]\n'
    scene.setup(config=narrow)
    eve = scene.eve
    base = eve.tip
    eve.edit()
    run = eve.evidence("HEAD")
    eve.repo.write("flake.lock", LOCK % (b"A" * 43 + b"="))
    eve.repo.commit()
    scene.refused(eve, "main", run)
    eve.repo.write("flake.lock", b'{"nodes":{"root":{}},"nodes":{},"root":"root","version":7}\n')
    eve.repo.commit()
    scene.refused(eve, "main", run)
    scene.forge.set_policy(policy_text(rules=({**RULE, "protect": []},)))
    scene.refused(eve, "main", run, code="LFCI104")
    scene.forge.set_policy(policy_text())
    scene.lands(eve, "main", eve.evidence("HEAD"), *eve.approvals("HEAD", base))
