"""A third result lies beside two equal ones, and confuses who attested the change.

1. The check needs two equal results, a changed test a maintainer, and the pusher must be one of those who
   attest. Ann and Bob got the same result, Cleo another. Bob is a maintainer too.
2. Bob approves what he attested: LFCI215. Cleo, whose result nobody else got, pushes: LFCI217.
3. Ann's push with the approval of a maintainer who attested nothing lands.
"""

import shlex

from lfci_gate.attest.keys import format_public
from lfci_gate.model import ResultDocument, TestCase
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import MAINTAINER, RULE, Attack, Scene, ed25519_signer, policy_text

ATTACK = Attack("F", "another result beside two equal ones", expect=("LFCI215", "LFCI217"), gateless=False)
ANN, BOB, CLEO = (ed25519_signer(name) for name in ("ann", "bob", "cleo"))
ONE_TEST = ResultDocument("test", 0, (TestCase("t::one", "passed"),), ())


def mount(scene: Scene) -> None:
    holders = {"ann": (ANN, ["agent"]), "bob": (BOB, ["agent", "maintainer"]), "cleo": (CLEO, ["agent"])}
    keys = {
        name: {"public": format_public(signer.public), "roles": roles}
        for name, (signer, roles) in {**holders, "eva": (MAINTAINER, ["maintainer"])}.items()
    }
    require = [{"check": "test", "roles": ["agent"], "assurance": "corroborated", "threshold": 2}]
    words = policy_text(keys=keys, rules=({**RULE, "pusher": "attester", "require": require},))
    scene.setup(server_policy=words)
    scene.forge.repo.git("config", "lfci.pusherVariable", "REMOTE_USER")
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    runs = (eve.run(signer=ANN), eve.run(signer=BOB), eve.run(signer=CLEO, document=ONE_TEST))
    by_bob, by_eva = (eve.approvals("HEAD", base, signer, policy=words) for signer in (BOB, MAINTAINER))
    pushed_by(scene, "ann")
    scene.refused(eve, "main", *runs, *by_bob, code="LFCI215")
    pushed_by(scene, "cleo")
    scene.refused(eve, "main", *runs, *by_eva, code="LFCI217")
    pushed_by(scene, "ann")
    scene.lands(eve, "main", *runs, *by_eva)


def pushed_by(scene: Scene, name: str) -> None:
    scene.hook("pre-receive", f'REMOTE_USER={shlex.quote(name)} exec "$HOOK"')
