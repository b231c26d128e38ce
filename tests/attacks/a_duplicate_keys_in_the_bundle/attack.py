"""A bundle that says things twice: who takes the first reads another payload than who takes the last.

1. `payload`, `signatures`, `dsseEnvelope`, `mediaType` twice, one good and one bad: LFCI110, in both
   orders.
2. Once each lands.
"""

import base64

from lfci_gate.model import Outcome
from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, payload_of, signed_bundle

ATTACK = Attack("A", "duplicate keys in the bundle", expect=MALFORMED)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    failed, _ = eve.run_of("HEAD", result=Outcome.FAILED, exit_code=1)
    line = signed_bundle(payload_of(run), AGENT)
    honest = eve.deliver(line, result)
    subject, identifier = honest.split("/")[-2:]
    other = base64.b64encode(payload_of(failed))
    good = base64.b64encode(payload_of(run))
    twice = [
        line.replace(b'"payload":"', b'"payload":"%b","payload":"' % other),
        line.replace(b'"%b"' % good, b'"%b","payload":"%b"' % (good, other)),
        line.replace(b'"signatures":', b'"signatures":[],"signatures":'),
        line.replace(b'"dsseEnvelope":', b'"dsseEnvelope":null,"dsseEnvelope":'),
        line.replace(b'{"mediaType":', b'{"mediaType":"x","mediaType":'),
        line.replace(b'"payload":"', b'"payl\\u006fad":"%b","payload":"' % other),
    ]
    for bad in scene.some(twice):
        assert bad != line
        scene.refused(eve, "main", eve.deliver(bad, result, subject=subject, identifier=identifier))
    scene.lands(eve, "main", honest)
