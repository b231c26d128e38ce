"""Commit messages of nearly a megabyte, made so that a pattern which looks for trailers tries again and
again.

1. Eve's messages are lines of dashes, of spaces behind a key, of keys without an end, of line breaks only.
2. LFCI101 or LFCI409, in the usual time.
3. A long message that is text lands.
"""

from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "messages that patterns stumble over", expect=("LFCI409",))
SIZE = 1_000_000


def mount(scene: Scene) -> None:
    eve = scene.eve
    landed = eve.tree("HEAD")
    eve.edit()
    tree = eve.tree("HEAD")
    key = b"Lfci-Attestation"
    for message, code in (
        (b"x\n\n" + b"-" * SIZE + b"\n" + key + b": x\n", "LFCI409"),
        (b"x\n\n" + key + b" " * SIZE + b"x\n", "LFCI101"),
        (b"x\n\n" + (b"Lfci-Session\n" * (SIZE // 13)), "LFCI101"),
        (b"\n" * SIZE + key + b": x\n", "LFCI409"),
        (b"x\n\n" + (key + b": sha256:x\n") * (SIZE // 28), "LFCI409"),
        (b"x\n\n" + b"a-" * (SIZE // 2) + b"\n" + key + b": x\n", "LFCI409"),
    ):
        commit = eve.objects.commit(tree, eve.tip, message=message)
        scene.refused(eve, f"{commit}:{MAIN}", code=code)
    commit = eve.objects.commit(landed, eve.tip, message=b"a long story\n\n" + b"and so on\n" * 90_000)
    scene.lands(eve, f"{commit}:{MAIN}")
