"""One bit of a good signature is flipped.

1. The agent signs a passing run of the pushed tree.
2. Eve delivers it with one bit of the signature changed: LFCI102, for the hint names a key of the policy.
3. The same delivery without the change lands.
"""

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "one bit of the signature flipped", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    good = sign_raw(AGENT, payload)
    bad = good[:10] + bytes([good[10] ^ 1]) + good[11:]
    hint = AGENT.public.fingerprint
    scene.refused(eve, "main", eve.deliver(bundle_text(payload, [bad], hint), result))
    scene.lands(eve, "main", eve.deliver(bundle_text(payload, [good], hint), result))
