"""Result documents that are too large, have too many tests, or are small on the wire and large in memory.

1. Eve delivers a document of 17 MB, one of 16 MB of `1,1,1,...`, one with 200,001 tests, one with ids of
   5,000 characters, and one whose string never ends.
2. LFCI210 for what is too large, else LFCI115.
"""

import hashlib

from lfci_gate.model import Sha256
from tests.attacks.kit import AGENT, Attack, Scene

ATTACK = Attack("H", "result documents that are too large", expect=("LFCI115",), gateless=False)
HEAD = b'{"artifacts":[],"check":"test","exitCode":0,"tests":['


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    many = b",".join(b'["%06d","passed"]' % number for number in range(200_001))
    for data, code in (
        (b" " * (17 << 20), "LFCI210"),
        (b"[" + b"1," * (8 << 20 >> 1) + b"1]", "LFCI115"),
        (HEAD + many + b"]}", "LFCI115"),
        (HEAD + b'["' + b"x" * 5000 + b'","passed"]]}', "LFCI115"),
        (HEAD + b'["' + b"\\" * (4 << 20), "LFCI115"),
    ):
        name = Sha256(hashlib.sha256(data).hexdigest())
        run, _ = eve.run_of("HEAD", result_sha256=name)
        scene.refused(eve, eve.deliver(eve.bundle(run, AGENT), data), code=code)
    scene.lands(eve, "main", eve.evidence("HEAD"))
