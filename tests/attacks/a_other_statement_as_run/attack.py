"""A signed statement of another kind under the check's subject: an approval, a session, an unknown
predicate.

1. An approval and a session record of exactly the check's inputs tree, by the agent's key: LFCI101, they
   are no runs.
2. A predicate of another system (a SLSA provenance, a test result) with the same fields: LFCI110.
3. A run lands.
"""

import json

from lfci_gate.value import replace
from tests.attacks.kit import AGENT, MALFORMED, Attack, Scene, compact, now
from tests.support.evidence import APPROVAL, SESSION

ATTACK = Attack("A", "another kind of statement as a run", expect=("LFCI101",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    run, result = eve.run_of("HEAD")
    approval = replace(APPROVAL, to_tree=run.inputs_tree, issued_at=now())
    session = replace(SESSION, base_tree=run.inputs_tree, issued_at=now())
    scene.refused(eve, "main", eve.statement(approval, AGENT), eve.statement(session, AGENT))
    document, _ = eve.json_run()
    kinds = ("https://in-toto.io/attestation/test-result/v0.1", "https://slsa.dev/provenance/v1", "")
    for kind in scene.some([*kinds, "https://micelio.dev/lfci/check-run/v0.2"]):
        changed = json.loads(compact(document)) | {"predicateType": kind}
        scene.refused(eve, "main", eve.forged(changed, result), code=MALFORMED)
    scene.lands(eve, "main", eve.run())
