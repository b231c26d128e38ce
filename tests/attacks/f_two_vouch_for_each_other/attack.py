"""Two people attest a change and approve it too, each the part that leans on the other's attestation.

1. The check needs two agents, each of two protected folders a maintainer. Ann and Bob are both. Ann and Bob
   attest; Ann approves one folder and Bob the other: LFCI215. So it is when Cleo attests too, since of three
   attesters two approve.
2. Ann approves both, and Bob and Cleo attest: it lands, though Ann has attested as well.
"""

from lfci_gate.attest.keys import format_public
from tests.attacks.kit import RULE, Attack, Scene, ed25519_signer, policy_text

ATTACK = Attack("F", "two who attest and approve in turn", expect=("LFCI215",))
ANN, BOB, CLEO = (ed25519_signer(name) for name in ("ann", "bob", "cleo"))


def mount(scene: Scene) -> None:
    holders = {"ann": (ANN, ["agent", "maintainer"]), "bob": (BOB, ["agent", "maintainer"])}
    holders["cleo"] = (CLEO, ["agent"])
    keys = {
        name: {"public": format_public(signer.public), "roles": roles}
        for name, (signer, roles) in holders.items()
    }
    rule = {
        **RULE,
        "require": [{"check": "test", "roles": ["agent"], "threshold": 2}],
        "protect": [{"paths": [path], "roles": ["maintainer"]} for path in ("one/", "two/")],
    }
    words = policy_text(keys=keys, rules=(rule,))
    scene.setup(server_policy=words)
    eve = scene.eve
    base = eve.tip
    eve.edit({"one/x": b"x", "two/x": b"x"})
    by_ann = eve.approvals("HEAD", base, ANN, policy=words)
    by_bob = eve.approvals("HEAD", base, BOB, policy=words)
    ann, bob, cleo = (eve.run(signer=signer) for signer in (ANN, BOB, CLEO))
    for runs in ((ann, bob), (ann, bob, cleo)):
        scene.refused(eve, "main", *runs, by_ann[0], by_bob[1])
    scene.refused(eve, "main", ann, bob, *by_ann)
    scene.lands(eve, "main", ann, bob, cleo, *by_ann)
