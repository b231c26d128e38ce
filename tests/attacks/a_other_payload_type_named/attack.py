"""A signature that the agent made for another protocol: the envelope names another payloadType, truly
signed.

1. text/plain, in-toto with a parameter, in capitals, empty: LFCI110.
2. The type of ours lands.
"""

from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "another payloadType, truly signed", expect=MALFORMED)
KINDS = ("text/plain", "application/vnd.in-toto+json; v=1", "application/vnd.in-toto+JSON", "")


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    for kind in KINDS:
        line = bundle_text(payload, [sign_raw(AGENT, payload, kind)], hint, payload_type=kind)
        scene.refused(eve, "main", eve.deliver(line, result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [sign_raw(AGENT, payload)], hint), result))
