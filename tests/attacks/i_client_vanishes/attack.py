"""The client sends a whole push and is gone before the answer: nobody reads what the gate says.

1. A push without evidence: main stays. A push with evidence: it lands or not, and the record says which
   it was.
2. The next push lands.
"""

import socket
import time
from urllib.parse import urlsplit

from tests.attacks import wire
from tests.attacks.kit import MAIN, Attack, Scene
from tests.attacks.landings import recorded

ATTACK = Attack("I", "the client is gone before the verdict", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    url = scene.world.url(forge.path, "daemon")  # a bare socket: the other transports' clients would wait
    for attested in (False, True):
        eve.start()
        base = eve.rev("HEAD")
        commit = eve.edit()
        updates, objects = [(base, commit, MAIN)], [commit]
        if attested:
            tree, _, ref = eve.run().partition(":")
            updates.append((scene.zero, tree, ref))
            objects.append(tree)
        pack = scene.pack_for(eve, *objects, have=[base])
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall(wire.line(f"git-receive-pack {parts.path}\0host=x\0".encode()))
            connection.recv(1 << 16)
            connection.sendall(wire.commands(updates, wire.CAPABILITIES) + pack)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and forge.refs()["refs/heads/main"] == base:
            time.sleep(0.05)
            if not attested and time.monotonic() > deadline - 8:
                break
        forge.state()  # waits for the end of receive-pack's own tidying
        landed = forge.refs()["refs/heads/main"] == commit
        scene.gone(attested or not landed, "an unchecked commit landed")
        time.sleep(0.5)  # post-receive may still be folding; the settling fold waits for its lock
        scene.target.settle(forge.path)
        scene.holds((recorded(forge).get(commit) == 1) == landed, "the record says what happened")
    eve.start()
    eve.edit()
    scene.lands(eve, "main", eve.run())
