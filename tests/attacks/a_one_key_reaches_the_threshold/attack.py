"""A threshold of two is to be reached by one key that says it twice, and by a stranger's signature.

1. Two statements of one key: LFCI111. One statement with its signature twice: LFCI111.
2. One key of the policy and a stranger in one envelope: LFCI111.
3. Two keys land.
"""

from datetime import timedelta

from tests.attacks.kit import (
    AGENT,
    RULE,
    SECOND_AGENT,
    STRANGER,
    Attack,
    Scene,
    bundle_text,
    now,
    payload_of,
    policy_text,
    sign_raw,
)

ATTACK = Attack("A", "one key reaches a threshold of two", expect=("LFCI111",), quick=True)


def mount(scene: Scene) -> None:
    two = {**RULE, "require": [{**RULE["require"][0], "threshold": 2}]}
    scene.setup(server_policy=policy_text(rules=(two,)))
    eve = scene.eve
    eve.edit()
    again = now() - timedelta(seconds=30)
    scene.refused(eve, "main", eve.run(), eve.run(issued_at=again, started_at=again, attester="another"))
    run, result = eve.run_of("HEAD")
    payload = payload_of(run)
    one, other = sign_raw(AGENT, payload), sign_raw(STRANGER, payload)
    for signatures in ([one, one], [one, other]):
        line = bundle_text(payload, signatures, AGENT.public.fingerprint)
        scene.refused(eve, "main", eve.deliver(line, result))
    scene.lands(eve, "main", eve.run(), eve.run(signer=SECOND_AGENT))
