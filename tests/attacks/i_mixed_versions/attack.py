"""Files and notes of a newer version of the gate, as during an upgrade of several servers on one disk.

1. A journal entry, a list of unverified refs and note lines that this version cannot read: the push
   lands, its evidence is folded, and what is not understood stays as it is.
2. A policy floor that it cannot read: LFCI505, a memory that is damaged is not one that is empty.
"""

from tests.attacks.kit import Attack, Scene
from tests.attacks.landings import named, noted

ATTACK = Attack("I", "files of a newer version", expect=("LFCI505",), gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    state = forge.path / "lfci"
    entry = state / "accepted" / ("f" * 64 + ".json")
    entry.write_bytes(b'{"version":2,"new":"field"}')
    (state / "unverified.json").write_bytes(b'{"version":2}')
    eve.edit()
    spec = eve.run()
    scene.passes(eve, "main", spec)
    scene.holds(named(spec) in noted(forge) | {named(ref) for ref in forge.waiting()}, "the evidence is lost")
    scene.holds(entry.read_bytes() == b'{"version":2,"new":"field"}', "what is not understood is gone")
    scene.holds(named(spec) in noted(forge), "the evidence is not folded")
    entry.unlink()
    scene.target.settle(forge.path)
    scene.holds(not scene.target.waiting(forge.path), "nothing waits")
    floor = state / "policy-floor.json"
    good = floor.read_bytes()
    floor.write_bytes(good.replace(b'"version":', b'"epoch":1,"version":'))
    eve.edit()
    scene.refused(eve, "main", eve.run())
    floor.write_bytes(good)
    scene.lands(eve, "main", eve.run())
