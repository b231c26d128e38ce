"""A verifier's word that does not count now: from the future, too old, by a revoked or an ended key.

1. The check's result must be rebuilt. A verification from the future, one older than `max-age`, one by a
   verifier whose key is revoked and one by a verifier whose key has ended: LFCI116.
2. A verifier's word that counts lands it, also beside the doubt of somebody who is no verifier.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.glass import KEYS, VERIFIER, attested
from tests.attacks.kit import RULE, SECOND_AGENT, Attack, Scene, ed25519_signer, hours_ago, policy_text
from tests.support.evidence import sha

ATTACK = Attack("B", "a verification out of its time", expect=("LFCI116",))
REVOKED, ENDED = ed25519_signer("a revoked verifier"), ed25519_signer("a verifier of the past")


def mount(scene: Scene) -> None:
    required = {**RULE["require"][0], "assurance": "rebuilt"}
    keys = {
        **KEYS,
        "revoked": {"public": format_public(REVOKED.public), "roles": ["verifier"], "revoked": hours_ago(1)},
        "ended": {"public": format_public(ENDED.public), "roles": ["verifier"], "valid-until": hours_ago(1)},
    }
    rule = {**RULE, "require": [required], "max-age": "12h"}
    scene.setup(server_policy=policy_text(rules=(rule,), keys=keys))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    for word in (
        verified(issued_at=hours_ago(-1)),
        verified(issued_at=hours_ago(13)),
        verified(REVOKED),
        verified(ENDED, issued_at=hours_ago(2)),
    ):
        scene.refused(eve, "main", run, word)
    doubt = verified(SECOND_AGENT, reproduced=False, result_sha256=sha("another result"))
    scene.refused(eve, "main", run, doubt)
    scene.lands(eve, "main", run, doubt, verified(VERIFIER))
