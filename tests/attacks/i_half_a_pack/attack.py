"""The connection ends in the middle of a push: in the commands, in the pack, before its checksum; or the
pack lies.

1. git refuses each, the gate is not asked, and the quarantine is gone.
2. The whole pack lands.
"""

from tests.attacks import wire
from tests.attacks.kit import GIT, MAIN, Attack, Pushed, Scene

ATTACK = Attack("I", "half a pack, half a command list", expect=(GIT,), quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    commit = eve.edit()
    spec = eve.run()
    tree, _, ref = spec.partition(":")
    updates = [(base, commit, MAIN), (scene.zero, tree, ref)]
    pack = scene.pack_for(eve, commit, tree, have=[base])
    whole = wire.commands(updates, wire.CAPABILITIES)
    wrong = pack[:-1] + bytes([pack[-1] ^ 1])
    for body in scene.some(
        [
            whole + pack[: len(pack) // 2],
            whole + wrong,
            whole[: len(whole) // 2],
            whole + pack[:-20],
            whole + pack[:12],
            whole,
            whole + b"PACK" + bytes(8),
            whole[:-4] + pack,
        ]
    ):

        def push(body: bytes = body) -> Pushed:
            return wire.push(scene.url, body, eve.env)

        scene.refuses(push)
    scene.lands(eve, "main", spec)
