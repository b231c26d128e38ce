"""Two identities must have got the same result. Two attest, of which one got another, or one says it twice.

1. Other result digests, other derivations, two keys of one identity with one result: LFCI116, or LFCI111.
2. Two identities with one result land.
"""

from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.glass import KEYS, asking
from tests.attacks.kit import AGENT, SECOND_AGENT, Attack, Scene

ATTACK = Attack("A", "corroboration by unequal results", expect=("LFCI116",))
DRV = "/nix/store/1c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-lfci-check-test.drv"
ONE_TEST = ResultDocument("test", 0, (TestCase("t::one", "passed"),), ())


def mount(scene: Scene) -> None:
    assert "second-agent" in KEYS
    scene.setup(server_policy=asking("corroborated", threshold=2))
    eve = scene.eve
    eve.edit()
    mine = eve.run()
    scene.refused(eve, "main", mine, eve.run(signer=SECOND_AGENT, document=ONE_TEST))
    scene.refused(eve, "main", mine, eve.run(signer=SECOND_AGENT, drv_path=DRV))
    again = eve.run(signer=AGENT, attester="somebody else")
    scene.refused(eve, "main", mine, again, code="LFCI111")
    scene.lands(eve, "main", mine, eve.run(signer=SECOND_AGENT))
