"""A landing record is delivered like an attestation: it would make old evidence young, and a commit landed.

1. Eve delivers a signed summary that says her commit has landed on main, by her key, an agent's and a
   maintainer's.
2. LFCI210 for each: records are written by the forge only.
"""

from lfci_gate.model import Landing
from tests.attacks.kit import AGENT, MAIN, MAINTAINER, REPOSITORY, STRANGER, Attack, Scene, now
from tests.support.evidence import sha

ATTACK = Attack("F", "a landing record in the inbox", expect=("LFCI210",))


def mount(scene: Scene) -> None:
    eve = scene.eve
    commit = eve.edit()
    record = Landing(
        commit=commit,  # type: ignore[arg-type]
        repository=REPOSITORY,
        ref=MAIN,
        old=eve.tip,  # type: ignore[arg-type]
        policy_sha256=sha("policy"),
        policy_version=1,
        verified_at=now(),
        evidence=(sha("one"),),
        verifier="https://git.example.com/project",
    )
    for signer in (STRANGER, AGENT, MAINTAINER):
        scene.refused(eve, eve.statement(record, signer))
    scene.refused(eve, "main", eve.statement(record, MAINTAINER), code=("LFCI101", "LFCI210"))
    scene.lands(eve, "main", eve.evidence("HEAD"))
