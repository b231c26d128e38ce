"""The envelope says in-toto, and the signature is over the PAE of another type.

1. A signature that the agent gave for a `text/plain` document of the same bytes: LFCI102.
2. A signature over the PAE of the right type lands.
"""

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "signature over the PAE of another type", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload, hint = payload_of(run), AGENT.public.fingerprint
    for kind in ("text/plain", "", "application/vnd.in-toto+json "):
        bad = sign_raw(AGENT, payload, kind)
        scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [sign_raw(AGENT, payload)], hint), result))
