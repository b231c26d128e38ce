"""An envelope with more signatures than anybody needs, each of which would be tried with each key.

1. A thousand signatures, and 17: LFCI110, before any of them is verified.
2. Fifteen by nobody and a good one land: sixteen may sign.
"""

from tests.attacks.kit import AGENT, MALFORMED, STRANGER, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "a thousand signatures", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    good = sign_raw(AGENT, payload)
    junk = [sign_raw(STRANGER, b"%d" % number) for number in range(15)]
    for many in ([good] * 1000, [good, *junk, good]):
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, many, hint), result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [*junk, good], hint), result))
