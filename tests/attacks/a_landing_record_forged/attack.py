"""A pusher writes the forge's record: a landing statement in the inbox, and into the notes.

1. A landing statement signed by an agent, and one signed by nobody known, in the inbox: LFCI210.
2. The notes of landings, pushed: LFCI209.
3. Evidence of a run lands, and the record of that landing is the forge's own.
"""

from lfci_gate.value import replace
from tests.attacks.kit import AGENT, STRANGER, Attack, ObjectId, Scene
from tests.support.evidence import LANDING

ATTACK = Attack("A", "a landing record by the pusher", expect=("LFCI101", "LFCI210"))


def mount(scene: Scene) -> None:
    eve = scene.eve
    commit = eve.edit()
    forged = replace(LANDING, commit=ObjectId(commit), old=ObjectId(eve.tip))
    for signer in (AGENT, STRANGER):
        scene.refused(eve, "main", eve.statement(forged, signer))
    note = eve.objects.commit(eve.objects.tree([("100644", commit.encode(), eve.objects.blob(b"Landed\n"))]))
    scene.refused(eve, f"+{note}:refs/notes/lfci-landed", code="LFCI209")
    scene.lands(eve, "main", eve.run())
    if scene.target.judges:
        record = scene.forge.note("lfci-landed", commit)
        scene.holds(record.startswith(b"Landed on refs/heads/main at "), ascii(record[:80]))
        scene.holds(AGENT.public.fingerprint.encode() not in record, "the record is signed by an agent")
