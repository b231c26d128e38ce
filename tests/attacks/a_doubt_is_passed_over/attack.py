"""A verifier could not reproduce the run. Its word is hidden behind others, or answered by a weaker one.

1. A doubt alone, a doubt beside an older confirmation, a doubt after which only the derivation was
   confirmed, a doubt at the same second as a confirmation, a doubt that only the future takes back: LFCI117.
2. A rebuild by the same verifier since lands.
"""

from datetime import timedelta

from tests.attacks.glass import asking, attested
from tests.attacks.kit import Attack, Scene, now
from tests.support.evidence import sha

ATTACK = Attack("A", "a verifier's doubt is passed over", expect=("LFCI117",), quick=True)


def mount(scene: Scene) -> None:
    scene.setup(server_policy=asking("derived"))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    early, then = now() - timedelta(minutes=3), now() - timedelta(minutes=2)
    doubt = verified(reproduced=False, result_sha256=sha("another result"), issued_at=then)
    scene.refused(eve, "main", run, doubt)
    scene.refused(eve, "main", run, doubt, verified(issued_at=early))
    derived = verified(method="derived", result_sha256=None, issued_at=now())
    scene.refused(eve, "main", run, doubt, derived)
    scene.refused(eve, "main", run, doubt, verified(issued_at=then))
    future = now() + timedelta(minutes=10)
    scene.refused(eve, "main", run, doubt, verified(issued_at=early), verified(issued_at=future))
    scene.lands(eve, "main", run, doubt, verified(issued_at=now()))
