"""git drops a push that the gate let through: another hook refuses, the ref is locked, a transaction aborts.

1. By an update hook, by a reference-transaction hook, by a lock file in the way: main stays, and the fold
   does not record a landing that was none.
2. The same push then lands, and is recorded once.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import recorded

ATTACK = Attack("I", "git refuses what the gate accepted", gateless=False, quick=True)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    for name in scene.some(("update", "reference-transaction", "lock"), 1):
        eve.start()
        commit = eve.edit()
        spec = eve.run()
        main = forge.refs()["refs/heads/main"]
        obstacle = forge.path / ("refs/heads/main.lock" if name == "lock" else f"hooks/{name}")
        obstacle.write_text('#!/bin/sh\n[ "$1" = committed ] || exit 1\n')
        obstacle.chmod(0o755)
        pushed = eve.push("-q", "origin", "main", spec)
        obstacle.unlink()
        scene.holds(pushed.status != 0, f"{name}: git says no\n{pushed.output}")
        scene.gone(forge.refs()["refs/heads/main"] == main, f"{name}: main moved")
        scene.target.settle(forge.path)
        scene.holds(commit not in recorded(forge), f"{name}: a landing is recorded that was none")
        scene.lands(eve, "main", *([spec] if spec.partition(":")[2] not in forge.refs() else []))
        scene.holds(recorded(forge).get(commit) == 1, f"{name}: recorded once")
