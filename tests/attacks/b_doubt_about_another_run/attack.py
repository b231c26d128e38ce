"""A verifier's doubt is put aside because it names another attestation, or brings the claimed result.

1. The result must be derived again. The verifier has confirmed the run, and doubts since: the derivation, for
   another attestation of it; the rebuild of another attestation, with another result; this very attestation,
   with its own result, also dated an hour ahead: LFCI117.
2. Doubts about another derivation, about another system, and about another attestation where building gave
   exactly the result that this run claims are no doubts about this run: it lands.
"""

from datetime import timedelta

from tests.attacks.glass import asking, attested
from tests.attacks.kit import Attack, Scene, now
from tests.support.evidence import sha

ATTACK = Attack("B", "a doubt that names another run", expect=("LFCI117",))
DRV = "/nix/store/1c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-lfci-check-test.drv"


def mount(scene: Scene) -> None:
    scene.setup(server_policy=asking("derived"))
    eve = scene.eve
    eve.edit()
    run, verified = attested(eve)
    good = verified(method="derived", result_sha256=None, issued_at=now() - timedelta(minutes=3))
    other, moment = sha("another attestation"), now() - timedelta(minutes=2)

    def doubt(**words: object) -> str:
        return verified(**{"reproduced": False, "issued_at": moment, **words})

    for said in scene.some(
        [
            doubt(method="derived", result_sha256=None, attestation=other),
            doubt(method="rebuilt", result_sha256=sha("another result"), attestation=other),
            doubt(method="rebuilt"),
            doubt(method="rebuilt", issued_at=now() + timedelta(hours=1)),
        ]
    ):
        scene.refused(eve, "main", run, good, said)
    elsewhere = (
        doubt(method="rebuilt", attestation=other),
        doubt(method="derived", result_sha256=None, drv_path=DRV, attestation=other),
        doubt(method="derived", result_sha256=None, system="aarch64-linux", attestation=other),
    )
    scene.lands(eve, "main", run, good, *elsewhere)
