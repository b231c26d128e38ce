"""A push certificate, signed by a maintainer's ssh key, in the place of evidence.

1. The forge takes signed pushes (a nonce seed is set); Eve signs hers.
2. Who signed a push says nothing about checks: LFCI101. (git keeps the certificate of a refused push as a
   loose object, outside of its quarantine; nothing names it.)
3. With evidence the signed push lands.
"""

import subprocess

from tests.attacks.kit import Attack, Scene

ATTACK = Attack("G", "a signed push in the place of evidence", expect=())


def mount(scene: Scene) -> None:
    scene.forge.repo.git("config", "receive.certNonceSeed", "seed")
    eve = scene.eve
    key = scene.place / "signing"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    eve.repo.git("config", "gpg.format", "ssh")
    eve.repo.git("config", "user.signingKey", str(key))
    eve.edit()
    before = scene.forge.refs()
    pushed = eve.push("--signed=true", "origin", "main")
    scene.gone(pushed.status != 0 and scene.forge.refs() == before, "nothing has moved")
    scene.holds(scene.target.codes(pushed.output) == {"LFCI101"}, pushed.output)
    scene.lands(eve, "--signed=true", "main", eve.evidence("HEAD"))
