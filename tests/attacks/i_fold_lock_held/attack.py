"""Somebody holds the fold's lock and does not let go; and stale lock files of dead processes lie about.

1. Stale files that nobody holds stop nothing. With the lock held a push lands at once, its evidence
   waits.
2. The holder's end lets the next fold have all of it.
"""

from lfci_gate import files
from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import named, noted, recorded

ATTACK = Attack("I", "the fold's lock is held or stale", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    for name in ("fold.lock", "floor.lock", "fold-wanted"):
        (forge.path / "lfci" / name).write_bytes(b"")
    first = eve.edit()
    scene.lands(eve, "main", eve.run())
    second = eve.edit()
    spec = eve.run()
    with files.locked(forge.path / "lfci/fold.lock"):
        scene.passes(eve, "main", spec)
        scene.holds({named(ref) for ref in forge.waiting()} == {named(spec)}, "the evidence waits")
    scene.target.settle(forge.path)
    scene.holds(named(spec) in noted(forge), "the evidence is there")
    scene.holds(recorded(forge).get(first) == recorded(forge).get(second) == 1, "both landings are recorded")
