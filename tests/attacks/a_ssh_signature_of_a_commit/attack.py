"""The agent's ssh key also signs commits (SSHSIG). Such a signature is offered as one of evidence.

1. The signature that `ssh-keygen -Y sign` makes over the payload, for the namespaces git and file, and
   the signature of a commit: LFCI102, another message form.
2. The agent's signature over the PAE lands.
"""

import hashlib

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "an SSHSIG signature of the same key", expect=("LFCI102",))


def sshsig(namespace: bytes, message: bytes) -> bytes:
    """What ssh-keygen signs (openssh, PROTOCOL.sshsig)."""

    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    digest = hashlib.sha512(message).digest()
    return b"SSHSIG" + string(namespace) + string(b"") + string(b"sha512") + string(digest)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    commit = eve.repo.git("cat-file", "commit", "HEAD")
    messages = [sshsig(b"git", payload), sshsig(b"file", payload), sshsig(b"git", commit)]
    for message in scene.some(messages):
        line = bundle_text(payload, [AGENT.sign(message)], hint)
        scene.refused(eve, "main", eve.deliver(line, result))
    line = bundle_text(payload, [sign_raw(AGENT, payload)], hint)
    scene.lands(eve, "main", eve.deliver(line, result))
