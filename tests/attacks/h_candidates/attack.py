"""More than a hundred candidates for the tree that is pushed, by strangers: each costs as many signatures
as there are keys.

1. Eve delivers 120 attestations of her tree by strangers' keys, eight signatures each, with the commit:
   LFCI103.
2. Without them, and with the agent's, it lands.
"""

from lfci_gate.attest.statement import format_statement
from lfci_gate.value import replace
from tests.attacks.kit import Attack, Scene, ed25519_signer, signed_bundle

ATTACK = Attack("H", "many candidates by strangers", expect=("LFCI103",), gateless=False)
STRANGERS = [ed25519_signer(f"stranger {number}") for number in range(8)]


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, data = eve.run_of("HEAD")
    specs = []
    for number in range(120):
        payload = format_statement(replace(run, attester=f"nobody {number}"))
        specs.append(eve.deliver(signed_bundle(payload, *STRANGERS), data))
    scene.refused(eve, "main", *specs)
    scene.lands(eve, "main", eve.evidence("HEAD"))
