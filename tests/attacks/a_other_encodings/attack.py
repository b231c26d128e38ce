"""The payload in an encoding that a guessing JSON reader also takes: UTF-16, UTF-32, overlong UTF-8, CESU-8,
a lone surrogate.

1. Each: LFCI110.
2. UTF-8 lands.
"""

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "payload in another encoding", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    text = compact(document)
    command = text.split(b'"command":"')[1].split(b'"')[0]
    for bad in (
        text.decode().encode("utf-16"),
        text.decode().encode("utf-16-le"),
        text.decode().encode("utf-32-be"),
        text.replace(command, command + b"\xc0\xaf"),
        text.replace(command, command + b"\xed\xa0\xbd\xed\xb2\xa9"),
        text.replace(command, command + b"\\ud83d"),
        text.replace(command, command + b"\xff"),
        text.replace(command, command + b"\\u0000"),
    ):
        scene.refused(eve, "main", eve.forged(bad, result))
    scene.lands(eve, "main", eve.forged(text, result))
