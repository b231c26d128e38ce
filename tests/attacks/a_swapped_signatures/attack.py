"""The signatures of two good statements change places.

1. The agent signs runs of two commits; Eve delivers each payload with the other's signature: LFCI102.
2. With its own signature it lands.
"""

from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "signatures of two statements swapped", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    hint = AGENT.public.fingerprint
    eve.edit()
    first, result = eve.run_of("HEAD")
    eve.edit()
    second, _ = eve.run_of("HEAD")
    one, two = payload_of(first), payload_of(second)
    swapped = [
        eve.deliver(bundle_text(one, [sign_raw(AGENT, two)], hint), result),
        eve.deliver(bundle_text(two, [sign_raw(AGENT, one)], hint), result),
    ]
    scene.refused(eve, "main", *swapped)
    scene.lands(eve, "main", eve.deliver(bundle_text(two, [sign_raw(AGENT, two)], hint), result))
