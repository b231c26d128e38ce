"""A failed run is turned into a passed one under the signature of the failure.

1. The agent signs a FAILED run. Eve changes the word in the payload (and the exit code), keeps the
   signature, and names the inbox ref after the new bytes: LFCI102.
2. A run that passed lands.
"""

from lfci_gate.model import Outcome
from tests.attacks.kit import AGENT, Attack, Scene, bundle_text, payload_of, sign_raw

ATTACK = Attack("A", "FAILED turned into PASSED under its signature", expect=("LFCI102",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, _ = eve.run_of("HEAD", result=Outcome.FAILED, exit_code=1)
    passed, result = eve.run_of("HEAD")
    payload = payload_of(run)
    better = payload.replace(b'"FAILED"', b'"PASSED"').replace(b'"exitCode":1', b'"exitCode":0')
    assert better != payload
    line = bundle_text(better, [sign_raw(AGENT, payload)], AGENT.public.fingerprint)
    scene.refused(eve, "main", eve.deliver(line, result))
    scene.lands(eve, "main", eve.statement(passed, AGENT, result=result))
