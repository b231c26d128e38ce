"""A crash, a timeout or an unknown word is offered as a result.

1. UNDECIDED, passed, "", null, SKIPPED, a missing result: LFCI110. A run without an end is never a pass.
2. PASSED with exit code 137 (killed): LFCI109, it contradicts itself.
3. PASSED with exit code 0 lands.
"""

import json

from tests.attacks.kit import MALFORMED, Attack, Scene, compact

ATTACK = Attack("A", "a crash, a timeout, any word as a result", expect=MALFORMED, quick=True)


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    words = ("UNDECIDED", "passed", "PASSED ", "", None, "SKIPPED", "WARNED", ["PASSED"], True, ...)
    for value in scene.some(words):
        changed = json.loads(compact(document))
        if value is ...:
            del changed["predicate"]["result"]
        else:
            changed["predicate"]["result"] = value
        scene.refused(eve, "main", eve.forged(changed, result))
    from lfci_gate.model import ResultDocument
    from tests.support.statements import TWO_TESTS

    killed = eve.run(document=ResultDocument("test", 137, TWO_TESTS, ()))
    scene.refused(eve, "main", killed, code="LFCI109")
    scene.lands(eve, "main", eve.forged(document, result))
