"""While Ada lands, Eve deletes main, the evidence in the inbox, and the notes, again and again.

1. Every deletion is refused (LFCI207, LFCI209, LFCI210 or git's own), Ada's changes land, nothing is
   lost.
"""

from functools import partial

from lfci_gate.gate.facts import LANDED_REF, NOTES_REF
from tests.attacks.kit import MAIN, Attack, Scene
from tests.attacks.landings import named, noted, recorded

ATTACK = Attack("I", "deletions while others land", gateless=False)


def mount(scene: Scene) -> None:
    eve, ada, forge = scene.eve, scene.ada, scene.forge
    for _ in scene.some(range(3), 1):
        ada.start()
        commit = ada.edit()
        spec = ada.run()
        victims = (MAIN, NOTES_REF, LANDED_REF, spec.partition(":")[2])
        landing, *deleting = scene.together(
            partial(ada.push, "-q", "origin", "main", spec),
            *(partial(eve.push, "-q", "origin", f":{ref}") for ref in victims),
        )
        scene.holds(landing.status == 0, f"Ada's change landed\n{landing.output}")
        # git takes the deletion of a ref that does not exist, with a warning, and moves nothing
        taken = [one.output for one in deleting if one.status == 0 and "warning" not in one.output]
        scene.holds(not any(taken), f"deleted: {taken}")
        scene.holds(forge.refs()[MAIN] == commit, "main is at the commit")
        scene.target.settle(forge.path)
        scene.holds(named(spec) in noted(forge), "the evidence is there")
        scene.holds(recorded(forge).get(commit) == 1, "the landing is recorded")
