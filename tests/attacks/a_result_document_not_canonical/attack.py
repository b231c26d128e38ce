"""A result document whose bytes are attested and that two readers read differently.

1. Duplicate keys, unsorted tests, spaces, an unknown outcome, a wrong check, each under a statement that
   names its sha256: LFCI115.
2. The canonical one lands.
"""

import hashlib

from tests.attacks.kit import Attack, Scene, compact

ATTACK = Attack("A", "a result document with two readings", expect=("LFCI101", "LFCI115"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    eve.edit()
    document, result = eve.json_run()
    for bad in scene.some(
        [
            result.replace(b'"exitCode":0', b'"exitCode":1,"exitCode":0'),
            result.replace(
                b'["t::one","passed"],["t::two","passed"]', b'["t::two","passed"],["t::one","passed"]'
            ),
            result.replace(b'"exitCode":0', b'"exitCode": 0'),
            result.replace(b'"passed"', b'"Passed"', 1),
            result.replace(b'"check":"test"', b'"check":"lint"'),
            result.replace(b'"t::one"', b'"t::\\u006fne"'),
            result + b"\n",
        ]
    ):
        assert bad != result
        document["predicate"]["outputs"]["result"]["sha256"] = hashlib.sha256(bad).hexdigest()
        scene.refused(eve, "main", eve.forged(compact(document), bad))
    scene.lands(eve, "main", eve.run())
