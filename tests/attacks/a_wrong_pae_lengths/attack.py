"""The PAE is signed with wrong lengths: of characters instead of bytes, off by one, padded, or with the
split between type and payload moved.

1. A statement with letters outside ASCII, each wrong PAE: LFCI102.
2. The right one lands.
"""

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "PAE with wrong lengths", expect=("LFCI102",))
KIND = b"application/vnd.in-toto+json"


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD", command="pytest t\u00e9sts \U0001f9ea")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    size, characters = len(payload), len(payload.decode())
    assert size != characters
    wrong = [
        b"DSSEv1 %d %b %d %b" % (len(KIND), KIND, number, payload) for number in (characters, size + 1, 0)
    ]
    wrong += [
        b"DSSEv1 028 %b %d %b" % (KIND, size, payload),
        b"DSSEv1 %d %b %08d %b" % (len(KIND), KIND, size, payload),
        b"DSSEv1  %d %b %d %b" % (len(KIND), KIND, size, payload),
        b"DSSEv2 %d %b %d %b" % (len(KIND), KIND, size, payload),
        b"DSSEv1 %b %d %b" % (KIND, size, payload),
        len(KIND).to_bytes(8, "little") + KIND + size.to_bytes(8, "little") + payload,
    ]
    for message in scene.some(wrong):
        line = bundle_text(payload, [AGENT.sign(message)], hint)
        scene.refused(eve, "main", eve.deliver(line, result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [sign_raw(AGENT, payload)], hint), result))
