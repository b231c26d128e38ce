"""Inline evidence that is a few bytes in the trailer and a gigabyte when inflated.

1. Eve's trailer holds a megabyte of zeros, a stream within a stream, one that goes on behind its end, one
   that does not end, one that needs a dictionary.
2. LFCI409, after the 256 KiB that a bundle may have.
"""

import zlib

from lfci_gate.attest.encoding import urlsafe_b64encode
from tests.attacks.kit import MAIN, Attack, Scene

ATTACK = Attack("H", "evidence that inflates", expect=("LFCI409",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    landed = eve.tree("HEAD")
    eve.edit()
    tree = eve.tree("HEAD")
    bomb = zlib.compress(b"\0" * (64 << 20), 9)
    dictionary = zlib.compressobj(zdict=b"abc")
    for packed in (
        bomb,
        zlib.compress(bomb, 9) + bomb,
        zlib.compress(b"{}") + b"more",
        zlib.compress(b"{}" * 1000)[:-6],
        dictionary.compress(b"abcabc") + dictionary.flush(),
        b"",
    ):
        message = f"change\n\nLfci-Attestation: v1.{urlsafe_b64encode(packed)}\n".encode()
        commit = eve.objects.commit(tree, eve.tip, message=message)
        scene.refused(eve, f"{commit}:{MAIN}")
    scene.lands(eve, f"{eve.objects.commit(landed, eve.tip)}:{MAIN}")
