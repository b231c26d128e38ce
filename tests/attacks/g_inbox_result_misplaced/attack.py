"""A result document where none belongs, and none where one does.

1. Eve delivers an approval with a result document, a check run without one, with one of another run, with
   one that is XML: LFCI210 or LFCI115.
2. Each as it should be is taken.
"""

from lfci_gate.attest.statement import format_statement
from tests.attacks.git_objects import TEST_FILE
from tests.attacks.kit import MAINTAINER, Attack, Scene, signed_bundle

ATTACK = Attack("G", "result documents out of their place", expect=("LFCI210",), gateless=False)
XML = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


def mount(scene: Scene) -> None:
    eve = scene.eve
    base = eve.tip
    eve.edit({TEST_FILE: b"def test_answer():\n    pass\n"})
    [approval] = eve.approval_of("HEAD", base)
    run, data = eve.run_of("HEAD")
    line = signed_bundle(format_statement(approval), MAINTAINER)
    scene.refused(eve, eve.deliver(line, data))
    bundle = eve.bundle(run, MAINTAINER)
    scene.refused(eve, eve.deliver(bundle))
    scene.refused(eve, eve.deliver(bundle, XML), code="LFCI115")
    scene.refused(eve, eve.deliver(bundle, data + b" "), code="LFCI115")
    scene.lands(eve, "main", eve.evidence("HEAD"), eve.deliver(line))
